//! A lease is a promise: it is renewed, extended, or lost before it ends.

#[path = "../support/mod.rs"]
mod support;

mod blocked_threads;
mod doubts;
mod extensions;
mod long_job;
mod losses;
mod renewals;
