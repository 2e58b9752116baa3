use std::fmt::Display;

use crate::observe::RunOutcome;

/// What a job may return: `()`, or `Result<(), E>` for any error that can be displayed.
///
/// ```
/// # use shedlock_core as shedlock;
/// use shedlock::{JobResult, RunOutcome};
///
/// assert_eq!(().into_outcome(), RunOutcome::Succeeded);
/// assert_eq!(Err("no paper").into_outcome(), RunOutcome::Failed("no paper".into()));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a result of a job",
    label = "a job returns `()` or `Result<(), E>` where `E: Display`",
    note = "a job has nobody to hand a value to: store or send it, and return `Ok(())`"
)]
pub trait JobResult {
    /// How the run went. An error is displayed with `{:#}`, which has the whole chain of an
    /// `anyhow::Error`.
    fn into_outcome(self) -> RunOutcome;
}

impl JobResult for () {
    fn into_outcome(self) -> RunOutcome {
        RunOutcome::Succeeded
    }
}

impl<E: Display> JobResult for Result<(), E> {
    fn into_outcome(self) -> RunOutcome {
        match self {
            Ok(()) => RunOutcome::Succeeded,
            // `{:#}` prints anyhow's and eyre's whole chain, and is `{}` for other errors.
            Err(error) => RunOutcome::Failed(format!("{error:#}")),
        }
    }
}
