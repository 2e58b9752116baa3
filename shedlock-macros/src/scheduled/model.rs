use syn::Path;

use crate::lease::Lease;
use crate::value::{Choice, Text, Value};

/// What `#[scheduled(..)]` says. What was wrong in itself is told already, and missing here.
pub(super) struct Scheduled {
    pub(super) name: Option<Text>,
    pub(super) cron: Option<Text>,
    pub(super) every: Option<Text>,
    pub(super) zone: Option<Text>,
    pub(super) misfire: Option<Value<Choice>>,
    /// Whether there is a lock, be it a wrong one.
    pub(super) mentions_lock: bool,
    pub(super) lock: Option<Text>,
    pub(super) lease: Lease,
    pub(super) provider: Option<Text>,
    pub(super) library: Path,
}
