//! Jobs: what an annotated fn becomes, what it may take, and how it says how it went.

mod definition;
mod inject;
mod misfire;
mod registry;
mod result;
mod run;
mod settings;
mod zone;

pub use definition::{Job, ScheduledJob};
pub use inject::{Data, FromRun, MissingData, Services};
pub use misfire::Misfire;
pub use registry::Registration;
pub use result::JobResult;
pub use run::Run;
pub use settings::JobError;
pub use zone::IntoZone;

pub(crate) use definition::Work;
pub(crate) use registry::linked_jobs;
pub(crate) use settings::{JobSettings, Setting, Timing};
