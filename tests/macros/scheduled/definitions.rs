//! Where a job may be defined, and that it is found there.

use shedlock::{Data, InMemoryLockProvider, OnLost, ScheduledJob, Scheduler, scheduled};

use crate::{assert_same, by_hand};

// Only one of the two is there, with all that is generated for it.
#[scheduled(every = "1s")]
#[cfg(any())]
async fn conditional() {}

#[cfg(not(any()))]
#[scheduled(every = "2s")]
async fn conditional() {}

#[scheduled(every = "1s")]
async fn r#type() {}

mod renamed {
    pub(crate) use shedlock as library;
}

#[scheduled(every = "1s", lock = "elsewhere", at_most = "1s", on_lost = "continue", crate = crate::definitions::renamed::library)]
async fn elsewhere() {}

#[test]
fn names_conditions_and_paths() {
    assert_same(conditional::job(), by_hand("conditional").every("2s"));
    assert_same(r#type::job(), by_hand("type").every("1s"));
    let elsewhere_by_hand = by_hand("elsewhere")
        .every("1s")
        .lock("elsewhere")
        .at_most("1s");
    assert_same(
        elsewhere::job(),
        elsewhere_by_hand.on_lost(OnLost::Continue),
    );
}

/// What nobody registers, so that `build()` of all linked jobs names those that take it.
#[derive(Clone, Debug)]
pub struct Unregistered;

pub mod nested {
    //! Jobs of a module under lints that a user may have turned on.
    #![deny(
        missing_docs,
        unreachable_pub,
        nonstandard_style,
        unused,
        missing_debug_implementations
    )]

    use super::{Data, Unregistered, scheduled};

    /// A public job, that needs a doc comment.
    #[scheduled(every = "1h")]
    pub async fn public_in_module(_: Data<Unregistered>) {}

    #[scheduled(every = "1h")]
    pub(crate) async fn private_in_module(_: Data<Unregistered>) {}
}

macro_rules! job {
    ($name:ident, $period:literal, $lock:expr, $data:ty) => {
        #[scheduled(every = $period, lock = $lock, at_most = "1m")]
        async fn $name(_: Data<$data>) {}
    };
}

job!(of_a_macro, "1h", concat!("of", "-macro"), Unregistered);

pub mod made_by_macro {
    //! Public jobs that a user's macro writes, whose tokens lints take for the user's own.
    #![deny(
        missing_docs,
        unreachable_pub,
        nonstandard_style,
        unused,
        missing_debug_implementations,
        missing_copy_implementations
    )]

    use shedlock::scheduled;

    macro_rules! public_job {
        ($name:ident) => {
            /// A public job, that needs a doc comment.
            #[scheduled(every = "1h")]
            pub async fn $name() {}
        };
    }

    public_job!(public_of_a_macro);
}

pub mod forbidden {
    //! Jobs under lints that nobody may allow.
    #![forbid(
        missing_docs,
        unreachable_pub,
        non_camel_case_types,
        deprecated,
        missing_debug_implementations,
        missing_copy_implementations,
        clippy::unused_async
    )]

    use shedlock::scheduled;

    /// A public job, that needs a doc comment.
    #[scheduled(every = "1h")]
    pub async fn public_under_forbid() {}

    #[scheduled(every = "1h")]
    async fn awaits_under_forbid() {
        std::future::ready(()).await;
    }

    #[scheduled(every = "1h")]
    async fn awaits_elsewhere_under_forbid() {
        drop(async { std::future::ready(()).await });
    }

    macro_rules! public_job {
        ($name:ident) => {
            /// A public job, that needs a doc comment.
            #[scheduled(every = "1h")]
            pub async fn $name() {}
        };
    }

    public_job!(public_of_a_macro_under_forbid);
}

mod beside_items {
    //! Jobs beside items of short names, as attributes of web frameworks make of handlers.
    #![allow(non_camel_case_types, non_upper_case_globals, dead_code)]

    use shedlock::{Data, Run, scheduled};

    struct run;
    struct job(u8);
    const argument_0: u8 = 0;
    static argument_1: u8 = 1;

    #[scheduled(every = "1h")]
    async fn beside_items(_: Data<u8>, _: Run) {}
}

mod deprecation {
    //! Where jobs, and what they take, are on their way out: who uses them is told, and not what
    //! the attribute writes.
    #![deny(deprecated)]

    use shedlock::{Data, scheduled};

    #[deprecated]
    #[scheduled(every = "1h")]
    async fn old_job() {}

    #[derive(Clone)]
    #[deprecated]
    struct Old;

    #[allow(deprecated)]
    #[scheduled(every = "1h")]
    async fn takes_old(_: Data<Old>) {}
}

mod deprecated_setting {
    //! What a user wrote into the attribute is told all the same.
    #![expect(deprecated)]
    #![deny(unfulfilled_lint_expectations)]

    #[deprecated]
    const OLD_PERIOD: &str = "1h";

    #[shedlock::scheduled(every = OLD_PERIOD)]
    async fn with_old_period() {}
}

#[test]
fn every_job_that_is_linked_in_is_found() {
    #[scheduled(every = "1h")]
    async fn in_fn_body(_: Data<Unregistered>) {}

    let error = Scheduler::builder(InMemoryLockProvider::new())
        .build()
        .unwrap_err()
        .to_string();
    for job in [
        "public_in_module",
        "private_in_module",
        "of_a_macro",
        "in_fn_body",
    ] {
        assert!(
            error.contains(&format!(
                "job `{job}`: no value of type `scheduled::definitions::Unregistered`"
            )),
            "{error}"
        );
    }
    assert_same(
        of_a_macro::job(),
        by_hand("of_a_macro")
            .every("1h")
            .lock("of-macro")
            .at_most("1m"),
    );
}

#[test]
fn one_use_brings_the_fn_and_the_job() {
    use nested::public_in_module;

    drop(public_in_module(Data(Unregistered)));
    assert_eq!(public_in_module::job().name(), "public_in_module");
}

#[test]
fn a_job_knows_where_it_is_defined() {
    #[scheduled(every = "1h", name = "twin")]
    async fn first() {}
    #[scheduled(every = "1h", name = "twin")]
    async fn second() {}

    let builder = Scheduler::builder(InMemoryLockProvider::new())
        .job::<first>()
        .job::<second>();
    let error = builder.build().unwrap_err().to_string();
    assert!(
        error.contains("two jobs are named `twin`") && error.contains("definitions.rs:"),
        "{error}"
    );
}
