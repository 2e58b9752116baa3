use std::fmt;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::timeout;

use super::Fleet;
use super::stage::Stage;

/// A provider that hangs fails its case instead of stopping the whole suite.
const LIMIT: Duration = Duration::from_secs(120);

/// One behaviour that every provider has, and the test of it.
pub struct Case {
    pub(super) name: &'static str,
    pub(super) proves: &'static str,
    pub(super) play: for<'a> fn(&'a Stage<'a>) -> BoxFuture<'a, ()>,
}

impl Case {
    /// Its name, which is also the name of the test that
    /// [`conformance_suite!`](crate::conformance_suite) makes of it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What a provider that passes has shown.
    pub fn proves(&self) -> &'static str {
        self.proves
    }

    /// Runs it on a fleet. Wants a tokio runtime with time and I/O; only a multi-threaded one makes
    /// nodes race for real.
    ///
    /// # Panics
    /// If the provider does not behave so; the message says what was expected and what it answered.
    pub async fn run(&self, fleet: &dyn Fleet) {
        let stage = Stage::new(fleet);
        let play = AssertUnwindSafe(timeout(LIMIT, (self.play)(&stage)));
        match play.catch_unwind().await {
            Ok(Ok(())) => stage.clear().await,
            Ok(Err(_)) => panic!(
                "`{}` did not end within {LIMIT:?}; it proves: {}",
                self.name, self.proves
            ),
            Err(panic) => {
                eprintln!("`{}` failed; it proves: {}", self.name, self.proves);
                resume_unwind(panic)
            }
        }
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({}: {})", self.name, self.proves)
    }
}
