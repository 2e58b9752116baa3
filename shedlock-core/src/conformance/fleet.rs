use std::sync::Arc;

use async_trait::async_trait;

use crate::LockProvider;

/// One store and the means to reach it from many nodes.
///
/// The store is ready to be used (its table exists) before the first node is asked for.
#[async_trait]
pub trait Fleet: Send + Sync {
    /// Another node on the same store, under this holder name, with connections of its own.
    ///
    /// Two nodes may be asked for under one name: they are still two.
    async fn node(&self, holder: &str) -> Arc<dyn LockProvider>;

    /// Deletes the row or key of a lock behind the providers' back, as a third party would.
    /// Does nothing if there is none.
    async fn remove(&self, name: &str);
}
