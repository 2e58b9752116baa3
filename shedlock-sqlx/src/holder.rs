use std::hash::{BuildHasher, RandomState};
use std::time::SystemTime;

use shedlock_core::default_holder;

/// What this node writes to `locked_by`.
#[derive(Clone, Debug)]
pub(crate) enum Holder {
    /// As it was set, each time.
    Set(String),
    /// `host:pid`, and a mark of each attempt to acquire: if the store shows it, that attempt was
    /// granted, whatever became of its answer. Host and process could not tell that, as they may be
    /// the same in many containers. All 64 bits: there are many attempts, and each that is refused
    /// must not look as if it were the one that has the lock.
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
            Self::Marked(name) => format!("{name}:{:016x}", random()),
        }
    }

    /// Whether no two attempts have the same text.
    pub(crate) fn tells_attempts_apart(&self) -> bool {
        matches!(self, Self::Marked(_))
    }
}

/// std seeds each thread's keys from the system and changes them with each call. A copy of the
/// process (a fork, a snapshot of its machine that is resumed twice) has the same keys, but not at
/// the same nanosecond.
fn random() -> u64 {
    RandomState::new().hash_one(SystemTime::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_marked_by_64_bits() {
        let holder = Holder::Marked("host:17".into());
        let mark = |text: String| {
            let mark = text
                .strip_prefix("host:17:")
                .map(|mark| (mark.len(), u64::from_str_radix(mark, 16)));
            mark.expect("the holder's name")
        };
        let (length, one) = mark(holder.of_attempt());
        assert_eq!(length, 16);
        assert_ne!(one, mark(holder.of_attempt()).1);
    }
}
