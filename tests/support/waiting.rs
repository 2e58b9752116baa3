use std::time::Duration;

use tokio::time::{sleep, timeout};

/// Shorter than an hour, so no mistake about a time zone can pass for it.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Looks until there is something, for a minute.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            sleep(LOOK_EVERY).await;
        }
    };
    let seen = timeout(PATIENCE, looking).await;
    seen.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}
