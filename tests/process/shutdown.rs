//! What a service does when it is asked to end: by an orchestrator, by somebody in a hurry, and as
//! the first process of a container.

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use shedlock_test_support::signal;
use support::{Database, eventually};

const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than its lease of 3 s, which is renewed while it drains. A disk may be busy for half a
/// second.
const WORK_MS: u32 = 3_500;

const FOR_EVER_MS: u32 = 3_600_000;

macro_rules! on_each_store {
    ($($test:ident in $module:ident;)+) => {$(
        mod $module {
            use super::*;

            #[test]
            fn postgres() {
                $test(&Database::postgres());
            }

            #[test]
            fn mysql() {
                $test(&Database::mysql());
            }

            #[test]
            fn sqlite() {
                $test(&Database::sqlite());
            }

            #[test]
            fn redis() {
                $test(&Database::redis());
            }
        }
    )+};
}

on_each_store! {
    a_service_drains in drains;
    a_service_cancels_after_the_grace_period in cancels_after_the_grace_period;
}

/// The run that goes on comes to its end under its lock, nothing fires any more, and no lock stays.
fn a_service_drains(database: &Database) {
    let mut service = Service::start(database, "drain", WORK_MS, "1m");
    service.until("start");
    service.signal("TERM");
    let (said, status) = service.until_ended();
    assert!(status.success(), "{status}: {said:?}");
    assert_eq!(said, ["end", "bye"]);
    service.assert_lock_is_free();
}

fn a_service_cancels_after_the_grace_period(database: &Database) {
    let mut service = Service::start(database, "grace", FOR_EVER_MS, "300ms");
    service.until("start");
    service.signal("INT");
    let (said, status) = service.until_ended();
    assert!(status.success(), "{status}: {said:?}");
    assert_eq!(said, ["cancelled", "bye"]);
    service.assert_lock_is_free();
}

#[test]
fn a_second_signal_ends_a_service_at_once() {
    let database = Database::sqlite();
    let mut service = Service::start(&database, "hurry", FOR_EVER_MS, "1h");
    service.until("start");
    service.signal("TERM");
    // Another one: two of a kind may come as one.
    service.signal("INT");
    let (said, status) = service.until_ended();
    assert!(!status.success(), "{said:?}");
    assert!(!said.contains(&"bye".to_owned()), "{said:?}");
}

/// The kernel delivers no signal to the first process of a container unless it catches it.
#[test]
fn a_service_that_is_the_first_process_of_its_container_drains() {
    let database = Database::sqlite();
    let mut service = Service::start_as_pid_1(&database, "pid 1", WORK_MS);
    service.until("start");
    service.signal("TERM");
    let (said, status) = service.until_ended();
    assert!(status.success(), "{status}: {said:?}");
    assert_eq!(said, ["end", "bye"]);
    service.assert_lock_is_free();
}

/// A process of `slow_service.rs`.
struct Service<'a> {
    database: &'a Database,
    lock: String,
    child: Child,
    said: Receiver<String>,
    /// Where signals go: the service itself.
    pid: u32,
}

impl<'a> Service<'a> {
    fn start(database: &'a Database, what: &str, work_ms: u32, grace: &str) -> Self {
        let command = Command::new(env!("CARGO_BIN_EXE_slow_service"));
        let mut service = Self::spawn(command, database, what, work_ms, grace);
        let ready = service.until("ready");
        assert_eq!(ready, format!("ready {}", service.pid));
        service
    }

    fn start_as_pid_1(database: &'a Database, what: &str, work_ms: u32) -> Self {
        let mut command = Command::new("unshare");
        // Whoever is not root may be it in a namespace of users.
        let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
        if !is_root {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--pid", "--fork", env!("CARGO_BIN_EXE_slow_service")]);
        let mut service = Self::spawn(command, database, what, work_ms, "1m");
        assert_eq!(service.until("ready"), "ready 1");
        let outside = service.child.id();
        let children = format!("/proc/{outside}/task/{outside}/children");
        let children = std::fs::read_to_string(children).unwrap();
        service.pid = children.trim().parse().unwrap();
        service
    }

    fn spawn(
        mut command: Command,
        database: &'a Database,
        what: &str,
        work_ms: u32,
        grace: &str,
    ) -> Self {
        let lock = format!("{what} {}", std::process::id());
        let mut child = command
            .env("LOCK_URL", &database.url)
            .env("LOCK_NAME", &lock)
            .env("WORK_MS", work_ms.to_string())
            .env("GRACE", grace)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, said) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            pid: child.id(),
            database,
            lock,
            child,
            said,
        }
    }

    /// The first line that begins so; what comes before is forgotten.
    fn until(&mut self, beginning: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.said.recv_timeout(left) {
                Ok(line) if line.starts_with(beginning) => return line,
                Ok(_) => {}
                Err(error) => panic!("not said within {PATIENCE:?}: {beginning} ({error})"),
            }
        }
    }

    fn signal(&self, name: &str) {
        signal(name, self.pid);
    }

    /// All that it says until its end, and how it ends.
    fn until_ended(&mut self) -> (Vec<String>, ExitStatus) {
        let mut said = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.said.recv_timeout(left) {
                Ok(line) => said.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("still there after {PATIENCE:?}: {said:?}")
                }
            }
        }
        (said, self.child.wait().unwrap())
    }

    fn assert_lock_is_free(&self) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (now, locks) = runtime.block_on(async {
            let locks = shedlock::connect(&self.database.url).await.unwrap();
            (locks.now().await.unwrap(), locks.locks().await.unwrap())
        });
        let ours = locks
            .iter()
            .find(|lock| lock.name == self.lock)
            .expect("a lock that was held");
        assert!(ours.remaining(now).is_zero(), "at {now}: {ours:?}");
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        // Fails if it has ended, which is fine.
        let _ = self.child.kill();
        eventually(PATIENCE, "the service is gone", || {
            !matches!(self.child.try_wait(), Ok(None))
        });
    }
}
