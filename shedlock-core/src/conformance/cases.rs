use super::{Case, exclusion};

/// Every case.
pub fn cases() -> &'static [Case] {
    CASES
}

/// The case of this name.
pub fn case(name: &str) -> Option<&'static Case> {
    CASES.iter().find(|case| case.name == name)
}

/// Runs the conformance suite on a [`Fleet`](crate::conformance::Fleet): one `#[tokio::test]` per case, named as the case.
///
/// Takes an expression that gives the fleet, evaluated for each test, where it may `.await`. With a name before it, the tests are in a
/// module of that name, so one file can hold several suites. The crate needs tokio among its dev-dependencies, with
/// `macros` and `rt-multi-thread`.
///
/// ```ignore
/// conformance_suite!(postgres, PostgresFleet::connect().await);
/// conformance_suite!(sqlite, SqliteFleet::open().await);
/// ```
#[macro_export]
macro_rules! conformance_suite {
    ($module:ident, $fleet:expr $(,)?) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;

            $crate::conformance_suite!($fleet);
        }
    };
    ($fleet:expr $(,)?) => {
        $crate::__conformance_cases! { [$crate::__conformance_tests] { $fleet } }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ({ $fleet:expr } $($theme:ident::$name:ident: $proves:literal;)*) => {
        $(
            #[doc = $proves]
            #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let fleet = $fleet;
                let case = $crate::conformance::case(stringify!($name)).expect("every case is listed");
                case.run(&fleet).await;
            }
        )*
    };
}

/// The one list of cases: [`cases`] and [`conformance_suite!`] are both made from it.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_cases {
    ([$($then:tt)*] $arguments:tt) => {
        $($then)*! { $arguments
            exclusion::names_are_independent: "Locks of different names can be held at once.";
        }
    };
}

macro_rules! list {
    ({} $($theme:ident::$name:ident: $proves:literal;)*) => {
        &[$(Case {
            name: stringify!($name),
            proves: $proves,
            play: |stage| Box::pin($theme::$name(stage)),
        }),*]
    };
}

static CASES: &[Case] = __conformance_cases! { [list] {} };
