use std::fmt::Display;
use std::process::Command;

/// Sends a signal to a process: `STOP` freezes it until `CONT`.
pub fn signal(name: &str, process: impl Display) {
    let kill = Command::new("kill")
        .args(["-s", name, &process.to_string()])
        .status();
    let status = kill.expect("kill");
    assert!(status.success(), "kill -s {name} {process}: {status}");
}
