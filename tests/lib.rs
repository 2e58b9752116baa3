//! Tests across crates and processes; see the folders beside this file.
