use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;

use super::Run;

/// A value that the service registered with
/// [`SchedulerBuilder::data`](crate::SchedulerBuilder::data), as an argument of a job.
///
/// Each run gets a clone; wrap what is expensive to clone in an `Arc`.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::Data;
/// use std::sync::Arc;
///
/// struct Mailer;
///
/// async fn send_report(Data(mailer): Data<Arc<Mailer>>) {
///     let _: Arc<Mailer> = mailer;
/// }
///
/// // A test calls it as the scheduler does.
/// let report = send_report(Data(Arc::new(Mailer)));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Data<T>(pub T);

/// What a job may take as an argument: [`Data<T>`], [`Run`], or a type of the service's own that is
/// made from these.
///
/// ```
/// # use shedlock_core as shedlock;
/// use chrono::{DateTime, Utc};
/// use shedlock::{Data, FromRun, MissingData, Run, Services};
///
/// #[derive(Clone)]
/// struct Mailer;
///
/// struct Report {
///     mailer: Mailer,
///     due: Option<DateTime<Utc>>,
/// }
///
/// impl FromRun for Report {
///     fn check(services: &Services) -> Result<(), MissingData> {
///         Data::<Mailer>::check(services)
///     }
///
///     fn from_run(run: &Run) -> Self {
///         Self { mailer: run.data(), due: run.fire_time() }
///     }
/// }
///
/// async fn send_report(report: Report) { /* .. */ }
/// ```
#[diagnostic::on_unimplemented(
    message = "a job cannot take an argument of type `{Self}`",
    label = "cannot be injected",
    note = "a job takes `Data<T>` (a value that was registered with `Scheduler::builder(..).data(value)`, where `T: Clone + Send + Sync + 'static`) and `Run` (its own run)",
    note = "wrap the type: `Data(value): Data<{Self}>`, or `Data<Arc<{Self}>>` if it is not `Clone`"
)]
pub trait FromRun: Sized {
    /// Checks that the service registered what a run will need; called by `build()`.
    ///
    /// # Errors
    /// [`MissingData`] naming the type.
    fn check(services: &Services) -> Result<(), MissingData>;

    /// The argument for one run.
    ///
    /// # Panics
    /// If [`check`](Self::check) would fail.
    fn from_run(run: &Run) -> Self;
}

impl<T: Clone + Send + Sync + 'static> FromRun for Data<T> {
    fn check(services: &Services) -> Result<(), MissingData> {
        match services.get::<T>() {
            Some(_) => Ok(()),
            None => Err(MissingData {
                type_name: type_name::<T>(),
                registered: services.type_names(),
            }),
        }
    }

    fn from_run(run: &Run) -> Self {
        Self(run.data::<T>())
    }
}

impl FromRun for Run {
    fn check(_: &Services) -> Result<(), MissingData> {
        Ok(())
    }

    fn from_run(run: &Run) -> Self {
        run.clone()
    }
}

/// A job takes `Data<T>`, but the service registered no `T`; a part of
/// [`BuildError`](crate::BuildError).
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{Data, InMemoryLockProvider, Job, Scheduler};
///
/// let job = Job::new("greet", |_| async {}).every("1h").needs::<Data<u64>>();
/// let error = Scheduler::builder(InMemoryLockProvider::new()).add_job(job).build().unwrap_err();
/// assert!(error.to_string().contains("no value of type `u64` was registered"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no value of type `{type_name}` was registered: add `.data(value)` to the scheduler's builder (registered: {registered})"
)]
pub struct MissingData {
    /// The type, as the compiler names it.
    pub type_name: &'static str,
    /// The types of the values that were registered.
    pub registered: String,
}

/// The values that a service registered, one per type. A [`FromRun`] asks with
/// `Data::<T>::check(services)` whether a `T` is there.
#[derive(Default)]
pub struct Services {
    values: HashMap<TypeId, Value>,
}

struct Value {
    type_name: &'static str,
    value: Box<dyn Any + Send + Sync>,
}

impl Services {
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        let value = Value {
            type_name: type_name::<T>(),
            value: Box::new(value),
        };
        self.values.insert(TypeId::of::<T>(), value);
    }

    pub(crate) fn get<T: 'static>(&self) -> Option<&T> {
        self.values.get(&TypeId::of::<T>())?.value.downcast_ref()
    }

    /// In alphabetical order.
    fn type_names(&self) -> String {
        let mut names: Vec<_> = self.values.values().map(|value| value.type_name).collect();
        if names.is_empty() {
            names.push("none");
        }
        names.sort_unstable();
        names.join(", ")
    }
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} values", self.values.len())
    }
}
