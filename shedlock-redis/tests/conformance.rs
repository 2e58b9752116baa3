//! Every topology, every kind of connection: the whole contract of `LockProvider`.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use shedlock_core::conformance::conformance_suite;
use support::nodes::Nodes;

conformance_suite!(redis_server, Nodes::new());
