//! Every topology: the whole contract of `LockProvider`.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use shedlock_core::conformance::conformance_suite;
use support::nodes::Nodes;
use support::shared;

conformance_suite!(redis_server, Nodes::new());

// Three masters; each case uses names in many slots.
conformance_suite!(redis_cluster, Nodes::cluster());

conformance_suite!(redis_sentinel, Nodes::sentinel(shared::sentinel()));

conformance_suite!(redis_tls, Nodes::tls());
