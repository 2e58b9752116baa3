//! Where it was measured.

use std::fs;
use std::process::Command;

use chrono::Utc;
use serde::Serialize;

use super::options::Options;

#[derive(Serialize)]
pub(crate) struct Machine {
    date: String,
    processor: String,
    cores: usize,
    memory: String,
    kernel: String,
    /// Of the folder with the servers' data.
    file_system: String,
    versions: Vec<String>,
    commit: String,
    settings: String,
}

impl Machine {
    pub(crate) fn look(options: &Options) -> Self {
        let temp = std::env::temp_dir();
        Self {
            date: Utc::now().format("%F %R UTC").to_string(),
            processor: field("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(0, Into::into),
            memory: field("/proc/meminfo", "MemTotal"),
            kernel: said("uname", &["-sr"]),
            file_system: said("stat", &["-f", "-c", "%T", &temp.display().to_string()]),
            versions: [
                said("rustc", &["--version"]),
                said("psql", &["--version"]),
                said("mariadbd", &["--version"]),
                said("redis-server", &["--version"]),
                said("java", &["--version"]),
                said("go", &["version"]),
            ]
            .into(),
            commit: said("git", &["log", "-1", "--format=%h of %cs"]),
            settings: format!(
                "{} s each after {} s of warming up, {} repetitions",
                options.seconds, options.warm_up, options.repetitions
            ),
        }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let Self {
            date,
            processor,
            cores,
            memory,
            kernel,
            file_system,
            versions,
            commit,
            settings,
        } = self;
        let mut lines = vec![
            format!("{date}, commit {commit}; {settings}"),
            format!(
                "{cores} cores of {processor}, {memory}, {kernel}, servers' data on {file_system}"
            ),
        ];
        lines.push(versions.join("; "));
        lines
    }
}

fn field(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_once(':'));
    value
        .map_or("unknown", |(_, value)| value.trim())
        .to_owned()
}

/// The first line of what a program says.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let text = text.unwrap_or_default();
    text.lines()
        .next()
        .map_or_else(|| format!("no {program}"), str::to_owned)
}
