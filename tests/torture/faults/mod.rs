//! The faults, and what each of them may cost.

pub(crate) mod clocks;
pub(crate) mod network;
pub(crate) mod processes;
pub(crate) mod server;
pub(crate) mod store;
