//! What the tests of several packages share: servers, ways to them that fail, and what is asked of
//! any provider.
//!
//! # Panics
//! All of it panics where a test has to fail.

mod environment;
mod locks;
mod log;
mod process;
mod proxy;
mod runtime;
mod servers;
mod silent;
mod waiting;

pub use environment::{fresh, variable};
pub use locks::{acquire, acquired, extended, held, lock, released};
pub use log::Log;
pub use process::signal;
pub use proxy::{Answers, Proxy};
pub use runtime::ends_while_calls_wait;
pub use servers::Servers;
pub use silent::Silent;
pub use waiting::eventually;
