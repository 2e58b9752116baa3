use std::sync::Arc;

use shedlock_core::{LockError, LockProvider};

/// Connects to the lock store that a URL names: `postgres://`, `mysql://` or `mariadb://`,
/// `sqlite:`, `redis://`, `rediss://` or `valkey://` (and what
/// [`RedisConnection`](https://docs.rs/shedlock-redis/latest/shedlock_redis/struct.RedisConnection.html)
/// knows beside these: sockets, a Cluster).
///
/// Each needs the feature of its name (`tls` too for `rediss://`). The scheme may be in any case.
/// Asks the store for the time, so that a wrong URL is told here: one round trip.
///
/// # Errors
/// [`LockError::Setup`] if the URL names no store or one whose feature is off, and what the store
/// says if it cannot be reached.
///
/// ```no_run
/// use shedlock::{LockProvider, Scheduler};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let locks = shedlock::connect(&std::env::var("LOCK_URL")?).await?;
/// locks.migrate().await?;
/// Scheduler::builder(locks).build()?.run().await?;
/// # Ok(()) }
/// ```
pub async fn connect(url: &str) -> Result<Arc<dyn LockProvider>, LockError> {
    let scheme = url.split_once(':').unwrap_or_default().0;
    let locks = match scheme.to_ascii_lowercase().as_str() {
        "postgres" | "postgresql" | "mysql" | "mariadb" | "sqlite" | "jdbc" => in_database(url)?,
        scheme if is_redis(scheme) => in_redis(url)?,
        _ => return Err(no_store()),
    };
    locks.now().await?;
    Ok(locks)
}

/// Of any kind: which there are is the backend's business.
fn is_redis(scheme: &str) -> bool {
    ["redis", "valkey", "unix"]
        .iter()
        .any(|redis| scheme.starts_with(redis))
}

/// What stands in front of the first colon is not told: it may be a secret if the text is no URL.
fn no_store() -> LockError {
    let features = [
        ("postgres", cfg!(feature = "postgres")),
        ("mysql", cfg!(feature = "mysql")),
        ("sqlite", cfg!(feature = "sqlite")),
        ("redis", cfg!(feature = "redis")),
    ];
    let off = features.iter().filter(|(_, on)| !on);
    let off: String = off
        .map(|(feature, _)| format!("; the cargo feature `{feature}` of shedlock is off"))
        .collect();
    LockError::Setup {
        problem: format!(
            "unknown URL scheme: a lock store's URL starts with postgres:, mysql:, mariadb:, sqlite:, redis: or rediss:, without blanks or quotes before it{off}"
        ),
    }
}

#[cfg(feature = "redis")]
fn in_redis(url: &str) -> Result<Arc<dyn LockProvider>, LockError> {
    Ok(Arc::new(shedlock_redis::RedisLockProvider::connect(url)?))
}

#[cfg(not(feature = "redis"))]
fn in_redis(_url: &str) -> Result<Arc<dyn LockProvider>, LockError> {
    Err(feature_is_off(
        "a Redis URL needs the cargo feature `redis` of shedlock, which is off",
    ))
}

#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
fn in_database(url: &str) -> Result<Arc<dyn LockProvider>, LockError> {
    Ok(Arc::new(shedlock_sqlx::SqlxLockProvider::connect(url)?))
}

#[cfg(not(any(feature = "postgres", feature = "mysql", feature = "sqlite")))]
fn in_database(_url: &str) -> Result<Arc<dyn LockProvider>, LockError> {
    Err(feature_is_off(
        "a database URL needs one of the cargo features `postgres`, `mysql` and `sqlite` of shedlock, which are off",
    ))
}

#[cfg(not(all(
    feature = "redis",
    any(feature = "postgres", feature = "mysql", feature = "sqlite")
)))]
fn feature_is_off(problem: &str) -> LockError {
    LockError::Setup {
        problem: problem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::connect;

    async fn refused(url: &str) -> String {
        match connect(url).await {
            Err(error) => error.to_string(),
            Ok(_) => panic!("expected an error for {url}"),
        }
    }

    #[tokio::test]
    async fn a_url_of_no_store_is_told_all_there_are() {
        for url in [
            "http://s3cret",
            " postgres://s3cret",
            "\"redis://s3cret",
            "s3cret",
            "sqlite",
            "",
        ] {
            let told = refused(url).await;
            for scheme in ["postgres:", "mariadb:", "sqlite:", "redis:", "blanks"] {
                assert!(told.contains(scheme), "{told}");
            }
            assert!(!told.contains("s3cret"), "{told}");
            let is_off = told.contains("`redis` of shedlock is off");
            assert_eq!(is_off, !cfg!(feature = "redis"), "{told}");
        }
    }

    /// What these are refused for shows who was asked.
    #[tokio::test]
    async fn schemes_are_known_in_any_case() {
        for (url, told_of) in [
            ("Postgres://host:port", ["database URL", "`postgres`"]),
            ("MariaDB://host:port", ["database URL", "`mysql`"]),
            ("SQLite:", ["SQLite URL", "`sqlite`"]),
            ("JDBC:postgresql://host", ["leave out `jdbc:`", "`mysql`"]),
            ("Redis://host:port", ["address of Redis", "`redis`"]),
        ] {
            let told = refused(url).await;
            assert!(told_of.iter().any(|words| told.contains(words)), "{told}");
        }
    }

    #[cfg(feature = "sqlite")]
    #[tokio::test]
    async fn a_store_is_found_by_its_scheme_in_any_case() {
        connect("SQLite::memory:").await.expect("a provider");
    }
}
