//! The torture in its short form: all faults that leave the run's own servers alone, for some
//! seconds on each store.

use std::process::Command;
use std::sync::{Mutex, PoisonError};

use shedlock_test_support::variable;

const MINUTES: &str = "0.3";
const SEED: &str = "42";

#[test]
fn postgres_keeps_its_promises() {
    torture(&variable("SHEDLOCK_TEST_POSTGRES_URL"));
}

#[test]
fn mariadb_keeps_its_promises() {
    torture(&variable("SHEDLOCK_TEST_MYSQL_URL"));
}

#[test]
fn sqlite_keeps_its_promises() {
    torture("sqlite");
}

#[test]
fn redis_keeps_its_promises() {
    torture(&variable("SHEDLOCK_TEST_REDIS_URL"));
}

/// One fleet at a time: a machine that cannot run a job within its period shows nothing about
/// locks.
static MACHINE: Mutex<()> = Mutex::new(());

fn torture(provider: &str) {
    let _alone = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let output = Command::new(env!("CARGO_BIN_EXE_torture"))
        .args([provider, MINUTES, SEED, "mixed"])
        .output()
        .expect("the torture program");
    let (said, complained) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    println!("{said}");
    assert!(output.status.success(), "{said}\n{complained}");
    assert!(said.contains("no violation"), "it did not judge:\n{said}");
}
