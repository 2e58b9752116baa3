use std::hash::{BuildHasher, RandomState};

use shedlock_core::default_holder;

/// What this node writes to `locked_by`.
#[derive(Clone, Debug)]
pub(crate) enum Holder {
    /// As it was set, each time.
    Set(String),
    /// `host:pid`, and a mark of each attempt to acquire: if the store shows it, that attempt was granted, whatever became of
    /// its answer. Host and process could not tell that, as they may be the same in many containers.
    Marked(String),
}

impl Holder {
    /// [`default_holder`], marked.
    pub(crate) fn of_this_process() -> Self {
        Self::Marked(default_holder())
    }

    /// What all its texts begin with.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Set(name) | Self::Marked(name) => name,
        }
    }

    /// The text of one attempt.
    pub(crate) fn of_attempt(&self) -> String {
        match self {
            Self::Set(name) => name.clone(),
            Self::Marked(name) => format!("{name}:{:07x}", random() >> 36),
        }
    }

    /// Whether no two attempts have the same text.
    pub(crate) fn tells_attempts_apart(&self) -> bool {
        matches!(self, Self::Marked(_))
    }
}

fn random() -> u64 {
    // Each is keyed by the system's random numbers.
    RandomState::new().hash_one(0)
}
