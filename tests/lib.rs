//! Tests across crates and processes; see the folders beside this file. What several of them use is
//! here.

pub mod history;
pub mod simulation;
