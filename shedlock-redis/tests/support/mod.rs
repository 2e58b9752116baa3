//! Servers, and fleets on keys of their own.

#![allow(dead_code, reason = "each test file uses some of it")]

pub(crate) mod cluster;
pub(crate) mod fake;
pub(crate) mod nodes;
pub(crate) mod scripts;
pub(crate) mod shared;
pub(crate) mod unreachable;

use shedlock_test_support::variable;

/// Of the single server.
pub(crate) fn url() -> String {
    variable("SHEDLOCK_TEST_REDIS_URL")
}
