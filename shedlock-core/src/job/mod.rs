//! Jobs: what an annotated fn becomes, what it may take, and how it says how it went.

mod definition;
mod inject;
mod registry;
mod result;
mod run;

pub use definition::{IntoZone, Job, JobError, Misfire, ScheduledJob};
pub use inject::{Data, FromRun, MissingData, Services};
pub use registry::Registration;
pub use result::JobResult;
pub use run::Run;

pub(crate) use definition::{JobSettings, Setting, Timing, Work};
pub(crate) use registry::linked_jobs;
