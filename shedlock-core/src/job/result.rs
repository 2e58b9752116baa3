use std::fmt::Display;

use crate::observe::RunOutcome;

/// What a job may return: `()`, or `Result<(), E>` for any error that can be displayed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no result of a job",
    label = "a job returns `()` or `Result<(), E>` where `E: Display`",
    note = "a job has nobody to hand a value to: store or send it, and return `Ok(())`"
)]
pub trait JobResult {
    /// How the run went.
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
