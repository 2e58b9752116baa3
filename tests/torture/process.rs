//! Signals to processes.

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};

pub(crate) fn send(process: u32, signal: Signal) -> anyhow::Result<()> {
    let pid = Pid::from_raw(i32::try_from(process)?).context("a process")?;
    kill_process(pid, signal).with_context(|| format!("{signal:?} to {process}"))
}

/// A process and all that it started, itself or through others.
pub(crate) fn family(process: u32) -> anyhow::Result<Vec<u32>> {
    let mut parents = Vec::new();
    for folder in std::fs::read_dir("/proc")? {
        let name = folder?.file_name();
        let Some(child) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // Processes end while we look.
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{child}/stat")) else {
            continue;
        };
        // After the program's name in parentheses: its state and its parent.
        let parent = stat
            .rsplit(')')
            .next()
            .and_then(|rest| rest.split_whitespace().nth(1));
        if let Some(parent) = parent.and_then(|parent| parent.parse::<u32>().ok()) {
            parents.push((child, parent));
        }
    }
    let mut family = vec![process];
    let mut next = 0;
    while let Some(member) = family.get(next).copied() {
        family.extend(
            parents
                .iter()
                .filter(|(_, parent)| *parent == member)
                .map(|(child, _)| child),
        );
        next += 1;
    }
    Ok(family)
}
