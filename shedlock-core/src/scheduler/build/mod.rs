//! From what a user says to a scheduler: all of it is checked before anything runs.

mod assemble;
mod builder;
mod check;
mod clashes;
mod error;
mod long_at_least;
mod overrides;

pub use builder::SchedulerBuilder;
pub use error::{BuildError, Problem};
pub use overrides::JobOverride;
