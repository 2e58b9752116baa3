//! What a case expects of an answer. Each panics at the line of the case, with what the provider
//! answered.

use std::fmt::Debug;
use std::time::Duration;

use crate::{Acquisition, Extension, Held, Lease, LockError, Release};

pub(super) trait AcquireAnswer {
    #[track_caller]
    fn acquired(self) -> Lease;
    #[track_caller]
    fn held(self) -> Held;
    #[track_caller]
    fn already_ran(self) -> Held;
    #[track_caller]
    fn too_early(self) -> Duration;
}

impl AcquireAnswer for Result<Acquisition, LockError> {
    #[track_caller]
    fn acquired(self) -> Lease {
        match self {
            Ok(Acquisition::Acquired(lease)) => lease,
            other => unexpected("Acquired", &other),
        }
    }

    #[track_caller]
    fn held(self) -> Held {
        match self {
            Ok(Acquisition::Held(held)) => held,
            other => unexpected("Held", &other),
        }
    }

    #[track_caller]
    fn already_ran(self) -> Held {
        match self {
            Ok(Acquisition::AlreadyRan(held)) => held,
            other => unexpected("AlreadyRan", &other),
        }
    }

    #[track_caller]
    fn too_early(self) -> Duration {
        match self {
            Ok(Acquisition::TooEarly { by }) => by,
            other => unexpected("TooEarly", &other),
        }
    }
}

pub(super) trait ExtendAnswer {
    #[track_caller]
    fn extended(self) -> Lease;
    #[track_caller]
    fn refused(self);
}

impl ExtendAnswer for Result<Extension, LockError> {
    #[track_caller]
    fn extended(self) -> Lease {
        match self {
            Ok(Extension::Extended(lease)) => lease,
            other => unexpected("Extended", &other),
        }
    }

    #[track_caller]
    fn refused(self) {
        match self {
            Ok(Extension::NotHeld) => {}
            other => unexpected("NotHeld", &other),
        }
    }
}

pub(super) trait ReleaseAnswer {
    #[track_caller]
    fn released(self);
    #[track_caller]
    fn not_held(self);
    /// The lease has ended already, so stores may say either.
    #[track_caller]
    fn harmless(self);
}

impl ReleaseAnswer for Result<Release, LockError> {
    #[track_caller]
    fn released(self) {
        match self {
            Ok(Release::Released) => {}
            other => unexpected("Released", &other),
        }
    }

    #[track_caller]
    fn not_held(self) {
        match self {
            Ok(Release::NotHeld) => {}
            other => unexpected("NotHeld", &other),
        }
    }

    #[track_caller]
    fn harmless(self) {
        if self.is_err() {
            unexpected("Released or NotHeld", &self)
        }
    }
}

/// The value of a call that cannot be refused.
pub(super) trait Answered<T> {
    #[track_caller]
    fn answered(self) -> T;
}

impl<T: Debug> Answered<T> for Result<T, LockError> {
    #[track_caller]
    fn answered(self) -> T {
        match self {
            Ok(value) => value,
            other => unexpected("an answer", &other),
        }
    }
}

#[track_caller]
fn unexpected(expected: &str, answer: &dyn Debug) -> ! {
    panic!("expected {expected}, but the provider answered {answer:?}")
}
