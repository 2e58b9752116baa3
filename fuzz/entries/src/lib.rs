//! Everything that parses a text from outside, as functions that panic if it does what it must not. The fuzz targets call them with
//! what they make up, the tests of this crate with the texts that were found before.

mod attributes;
mod schedules;
mod urls;

pub use attributes::{locked, scheduled};
pub use schedules::{cron, duration, lock_name, zone};
pub use urls::{SECRET, store_url};

/// An entry's name, which is that of its target and of its folder in the corpus, and the entry.
pub type Entry = (&'static str, fn(&str));

/// All of them.
pub const ENTRIES: &[Entry] = &[
    ("cron", cron),
    ("duration", duration),
    ("lock_name", lock_name),
    ("zone", zone),
    ("store_url", store_url),
    ("scheduled", scheduled),
    ("locked", locked),
];

// The sources of `shedlock-macros`, which nobody can depend on but as macros.
#[path = "../../../shedlock-macros/src/arguments/mod.rs"]
mod arguments;
#[path = "../../../shedlock-macros/src/errors.rs"]
mod errors;
#[path = "../../../shedlock-macros/src/function.rs"]
mod function;
#[path = "../../../shedlock-macros/src/lease.rs"]
mod lease;
#[path = "../../../shedlock-macros/src/local.rs"]
mod local;
#[path = "../../../shedlock-macros/src/locked/mod.rs"]
mod locked;
#[path = "../../../shedlock-macros/src/scheduled/mod.rs"]
mod scheduled;
#[path = "../../../shedlock-macros/src/span.rs"]
mod span;
#[path = "../../../shedlock-macros/src/value.rs"]
mod value;
