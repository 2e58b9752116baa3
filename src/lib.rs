//! Scheduled jobs that run once per fire time, on one node of many: ShedLock for async Rust.

pub use shedlock_core::*;
pub use shedlock_macros::{locked, scheduled};

#[doc(hidden)]
pub use shedlock_core::__private;

/// Postgres, MySQL, MariaDB and SQLite as lock stores.
#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
pub mod sqlx {
    pub use shedlock_sqlx::*;
}
