use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use shedlock_core::{LockError, StoredLock};

use crate::answer::Look;
use crate::connection::Scan;
use crate::error::Failure;
use crate::script::{LOOK, Request};
use crate::store::Store;
use crate::tries::Tries;

/// How many locks are looked at together.
const LOOKS: usize = 256;

impl Store {
    /// The locks of the environment. That may take long where there are many keys, so the timeout
    /// is for each page of them.
    pub(crate) async fn locks(&self) -> Result<Vec<StoredLock>, LockError> {
        let keys = self.listed_keys().await?;
        let names: BTreeSet<_> = keys
            .iter()
            .filter_map(|key| self.keys.name_of(key))
            .collect();
        let names: Vec<_> = names.into_iter().collect();
        let mut locks = Vec::new();
        for some in names.chunks(LOOKS) {
            let looks = || try_join_all(some.iter().map(|name| self.look(name)));
            locks.extend(self.decided(looks).await?.into_iter().flatten());
        }
        Ok(locks)
    }

    async fn listed_keys(&self) -> Result<BTreeSet<String>, LockError> {
        let (mut scan, mut tries) = (Scan::new(self.keys.pattern()), Tries::new());
        while !scan.is_over() {
            self.bounded(async {
                while let Err(failure) = self.connections.next_page(&mut scan).await {
                    scan.begin_again();
                    tries.pause_after(failure).await?;
                }
                Ok(())
            })
            .await?;
        }
        Ok(scan.into_keys())
    }

    async fn look(&self, name: &str) -> Result<Option<StoredLock>, Failure> {
        let [lock, memory] = self.keys.of(name);
        let request = Request::new(&[&lock, &memory], &[]);
        let look: Look = self.connections.run_alone(&LOOK, request).await?;
        Ok(look.lock(name))
    }
}
