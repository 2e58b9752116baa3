use std::env;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

/// What a variable of the environment says. Without it the test fails: nothing is left out in
/// silence.
pub fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run the tests by ./scripts/test, or see CONTRIBUTING.md")
    })
}

/// A name that nothing else on a server has.
pub fn fresh(what: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::UNIX_EPOCH.elapsed().expect("a clock");
    let (process, next) = (process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    format!(
        "{what}_{:x}_{process}_{next}",
        now.as_micros() & 0xffff_ffff
    )
}
