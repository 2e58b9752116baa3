//! A process that takes orders on its stdin, a line each, and answers each with a line: the Java
//! program in `java/`, and the Rust one in `counter.rs`.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

use crate::java;
use crate::setup::Place;

/// Longer than any answer takes, on a machine however slow.
const PATIENCE: Duration = Duration::from_secs(120);

/// By how many hours the clock of a node is ahead.
#[derive(Clone, Copy)]
pub(crate) struct Clock(pub(crate) i32);

pub(crate) struct Peer {
    /// What it writes to `locked_by`.
    pub(crate) holder: String,
    pipes: Mutex<Pipes>,
    process: Mutex<Child>,
}

struct Pipes {
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    /// A Java service with ShedLock.
    pub(crate) async fn java(place: &Place, clock: Clock) -> Self {
        let mut command = Command::new("java");
        command
            // A process that lives for seconds has no use for a second compiler and a parallel
            // collector.
            .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m"])
            .arg("-Dslf4j.internal.verbosity=ERROR")
            .arg(format!("-Duser.timezone={}", place.jvm_zone()))
            // Java hangs under libfaketime; ShedLock has a clock that can be set.
            .arg(format!("-Dpeer.clock=PT{}H", clock.0))
            .args(["-cp", java::class_path(), "Peer"])
            .args(place.java_arguments());
        Self::start(command).await
    }

    /// A Rust process that counts.
    pub(crate) async fn rust(place: &Place, clock: Clock) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_interop_counter"));
        let faketime = std::env::var("SHEDLOCK_TEST_FAKETIME_LIB");
        command
            .args(place.rust_arguments())
            .env("LD_PRELOAD", faketime.expect("SHEDLOCK_TEST_FAKETIME_LIB"))
            .env("FAKETIME", format!("{:+}h", clock.0))
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        Self::start(command).await
    }

    async fn start(mut command: Command) -> Self {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut pipes = Pipes {
            orders: process.stdin.take().expect("a pipe"),
            answers: BufReader::new(process.stdout.take().expect("a pipe")).lines(),
        };
        let greeting = pipes.answer().await;
        let holder = greeting.strip_prefix("ready ");
        Self {
            holder: holder.expect("a greeting").to_owned(),
            pipes: pipes.into(),
            process: process.into(),
        }
    }

    /// Its answer to an order. Orders of several tasks wait for each other.
    pub(crate) async fn order(&self, order: &str) -> String {
        let mut pipes = self.pipes.lock().await;
        pipes.tell(order).await;
        let answer = pipes.answer().await;
        assert!(!answer.starts_with("error"), "{order}: {answer}");
        answer
    }

    /// Lets it end at once, as if its machine had died.
    pub(crate) async fn crash(&self) {
        self.pipes.lock().await.tell("crash").await;
        let end = self.process.lock().await.wait().await;
        assert!(!end.expect("an end").success());
    }
}

impl Pipes {
    async fn tell(&mut self, order: &str) {
        let line = format!("{order}\n");
        self.orders
            .write_all(line.as_bytes())
            .await
            .expect("to tell");
    }

    async fn answer(&mut self) -> String {
        let line = tokio::time::timeout(PATIENCE, self.answers.next_line()).await;
        line.expect("an answer in time")
            .expect("to read")
            .expect("an answer, not an end: see its stderr")
    }
}
