//! The contract of [`LockProvider`](crate::LockProvider), as tests that anybody who writes a
//! provider can run on theirs.
//!
//! Say how to reach your store by implementing [`Fleet`]; [`conformance_suite!`] then makes one
//! test per behaviour:
//!
//! ```
//! use std::sync::Arc;
//! use async_trait::async_trait;
//! use shedlock_core::conformance::{Fleet, conformance_suite};
//! use shedlock_core::{InMemoryLockProvider, LockProvider};
//!
//! struct MyFleet(InMemoryLockProvider);
//!
//! #[async_trait]
//! impl Fleet for MyFleet {
//!     async fn node(&self, holder: &str) -> Arc<dyn LockProvider> {
//!         Arc::new(self.0.node(holder))
//!     }
//!
//!     async fn remove(&self, name: &str) {
//!         self.0.remove(name);
//!     }
//! }
//!
//! conformance_suite!(MyFleet(InMemoryLockProvider::new()));
//! ```
//!
//! The same without tests, for a harness of your own:
//!
//! ```
//! # use std::sync::Arc;
//! # use async_trait::async_trait;
//! # use shedlock_core::{InMemoryLockProvider, LockProvider};
//! # struct MyFleet(InMemoryLockProvider);
//! # #[async_trait]
//! # impl shedlock_core::conformance::Fleet for MyFleet {
//! #     async fn node(&self, holder: &str) -> Arc<dyn LockProvider> { Arc::new(self.0.node(holder)) }
//! #     async fn remove(&self, name: &str) { self.0.remove(name); }
//! # }
//! use shedlock_core::conformance::cases;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! for case in cases().iter().take(3) {
//!     println!("{}: {}", case.name(), case.proves());
//!     case.run(&MyFleet(InMemoryLockProvider::new())).await; // panics if the provider breaks the contract
//! }
//! # }
//! ```
//!
//! Each run makes new lock names, and they are removed when a case has passed, so the suite can run
//! on a server that others use too, and several times at once. A case that fails leaves its locks
//! there to be looked at.

mod answers;
mod case;
mod cases;
mod fleet;
mod stage;
mod timing;

mod exclusion;
mod faults;
mod fire_time;
mod histories;
mod lifetime;
mod names;
mod ownership;

pub use case::Case;
pub use cases::{case, cases};
pub use fleet::Fleet;
pub use histories::histories;
pub use stage::fresh_name;

#[doc(inline)]
pub use crate::conformance_suite;
