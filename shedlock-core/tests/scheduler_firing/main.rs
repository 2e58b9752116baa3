//! One node: when jobs fire, what a run is given, and how it ends.

#[path = "../support/mod.rs"]
mod support;

mod ends;
mod fire_times;
mod runs;
mod turns;
