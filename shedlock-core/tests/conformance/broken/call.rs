//! The calls of a broken node: how many are under way, and what one that is cancelled leaves
//! behind.

use std::sync::atomic::Ordering;

use shedlock_core::LockError;

use super::{Broken, failure};
use crate::flaw::Flaw;

impl Broken {
    pub(super) fn begin(&self) -> Result<Call<'_>, LockError> {
        let under_way = self.state.under_way.fetch_add(1, Ordering::SeqCst);
        let call = Call(self);
        if self.flaw == Flaw::FailsUnderLoad && under_way > 10 {
            return Err(failure("too many connections"));
        }
        if self.state.broken.load(Ordering::SeqCst) {
            return Err(failure("the connection is in the middle of a statement"));
        }
        Ok(call)
    }
}

/// A call under way. One that is dropped before its end was cancelled.
pub(super) struct Call<'a>(&'a Broken);

impl Call<'_> {
    pub(super) fn end(self) {
        self.0.state.under_way.fetch_sub(1, Ordering::SeqCst);
        std::mem::forget(self);
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.state.under_way.fetch_sub(1, Ordering::SeqCst);
        if self.0.flaw == Flaw::BrokenWhenCancelled {
            self.0.state.broken.store(true, Ordering::SeqCst);
        }
    }
}
