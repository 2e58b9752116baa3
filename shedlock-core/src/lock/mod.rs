//! Locks: what a caller asks for, what a store answers, and the life of a lease in this process.

mod background;
mod clock;
mod coalescer;
mod config;
mod current;
mod error;
mod executor;
mod extension;
mod hold;
mod hold_state;
mod keeper;
mod keeper_timers;
mod lease;
mod memory;
mod provider;
mod reentry;
mod term;

pub use clock::{Clock, SystemClock};
pub use coalescer::Coalescer;
pub use config::{ConfigError, IntoDuration, LockConfig};
pub use current::{CurrentLock, assert_locked, current, require_lock};
pub use error::{LockError, Loss, LostLease};
pub use executor::{IntoExecutor, LockExecutor, OnLost, Outcome};
pub use lease::{Lease, StoredLock};
pub use memory::InMemoryLockProvider;
pub use provider::{Acquire, Acquisition, Extension, Held, LockProvider, ProviderId, Release};

pub(crate) use background::staying;
pub(crate) use current::holding;
pub(crate) use hold::{Ended, Hold, KeepAlive, LeasePolicy};
pub(crate) use hold_state::HoldState;
pub(crate) use keeper_timers::KeeperTimers;
