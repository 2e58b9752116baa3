//! The processes of the service.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::Signal;
use shedlock_tests::history::Absence;

use crate::clock::Clock;
use crate::fault::Fault;
use crate::process::send;
use crate::proxy::Proxy;
use crate::stage::Random;
use crate::store::{Pool, Store};
use crate::worker::Settings;

/// How long a worker may take to begin, and to end.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Fleet {
    pub(crate) workers: Vec<Worker>,
    /// When workers were away.
    pub(crate) absences: Vec<Absence>,
    /// A way to the store for each slot, if the plan disturbs it.
    pub(crate) proxies: Vec<Proxy>,
    store: Store,
    logs: PathBuf,
    clock: Clock,
    random: Random,
    fakes_clocks: FakeClocks,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FakeClocks {
    No,
    Yes,
}

/// The worker in a slot of the fleet.
pub(crate) struct Worker {
    pub(crate) name: String,
    child: Child,
    incarnation: u32,
}

impl Fleet {
    pub(crate) async fn new(
        store: &Store,
        faults: &[Fault],
        logs: &Path,
        clock: Clock,
        random: Random,
    ) -> anyhow::Result<Self> {
        let mut proxies = Vec::new();
        if faults.contains(&Fault::Network) {
            for _ in 0..crate::stage::WORKERS {
                proxies.push(Proxy::to(store.address().context("an address")?).await?);
            }
        }
        let fakes_clocks = if faults.contains(&Fault::Clock) {
            FakeClocks::Yes
        } else {
            FakeClocks::No
        };
        Ok(Self {
            workers: Vec::new(),
            absences: Vec::new(),
            proxies,
            store: store.clone(),
            logs: logs.to_owned(),
            clock,
            random,
            fakes_clocks,
        })
    }

    /// Starts a worker in a slot, beside the one that was there before.
    pub(crate) fn start(&mut self, slot: usize) -> anyhow::Result<Option<Worker>> {
        let incarnation = self
            .workers
            .get(slot)
            .map_or(0, |worker| worker.incarnation + 1);
        let name = format!("w{slot}-{incarnation}");
        let store = match self.proxies.get(slot) {
            Some(proxy) => self.store.through(proxy.port)?,
            None => self.store.clone(),
        };
        // The service's own connections are not the locks' affair.
        let pool = self.random.choice(&[Pool::Idle, Pool::Exhausted]);
        let settings = Settings {
            store,
            log: self.logs.join(format!("{name}.log")),
            name: name.clone(),
            clock: self.clock,
            pool: pool.unwrap_or(Pool::Idle),
        };
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("worker").arg(serde_json::to_string(&settings)?);
        if self.fakes_clocks == FakeClocks::Yes {
            self.fake_clock(slot, "+0")?;
            let library = std::env::var("SHEDLOCK_TEST_FAKETIME_LIB")
                .context("SHEDLOCK_TEST_FAKETIME_LIB is not set: run scripts/torture")?;
            command
                .env("LD_PRELOAD", library)
                .env("FAKETIME_TIMESTAMP_FILE", self.clock_file(slot))
                .env("FAKETIME_NO_CACHE", "1")
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        let worker = Worker {
            name,
            child: command.stdin(Stdio::piped()).spawn()?,
            incarnation,
        };
        if slot == self.workers.len() {
            self.workers.push(worker);
            return Ok(None);
        }
        Ok(Some(std::mem::replace(&mut self.workers[slot], worker)))
    }

    /// Sets the clock of a worker, as libfaketime reads it.
    pub(crate) fn fake_clock(&self, slot: usize, offset: &str) -> anyhow::Result<()> {
        // In one step: half a file is another time.
        let next = self.logs.join(format!("clock-{slot}.next"));
        std::fs::write(&next, offset)?;
        std::fs::rename(next, self.clock_file(slot))?;
        Ok(())
    }

    fn clock_file(&self, slot: usize) -> PathBuf {
        self.logs.join(format!("clock-{slot}"))
    }

    /// Waits until every worker fires.
    pub(crate) async fn await_ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        for slot in 0..self.workers.len() {
            while !self.is_ready(slot) {
                self.assert_alive()?;
                ensure!(Instant::now() < deadline, "a worker does not begin");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Ok(())
    }

    fn is_ready(&self, slot: usize) -> bool {
        let log = self.logs.join(format!("{}.log", self.workers[slot].name));
        std::fs::read_to_string(log).is_ok_and(|log| {
            log.starts_with(r#"{"what":"ready""#) || log.contains("\n{\"what\":\"ready\"")
        })
    }

    pub(crate) fn assert_alive(&mut self) -> anyhow::Result<()> {
        for worker in &mut self.workers {
            if let Some(status) = worker.child.try_wait()? {
                bail!("{} ended by itself: {status}", worker.name);
            }
        }
        Ok(())
    }

    pub(crate) fn signal(&self, slot: usize, signal: Signal) -> anyhow::Result<()> {
        send(self.workers[slot].child.id(), signal)
    }

    /// Kills the worker in a slot.
    pub(crate) fn kill(&mut self, slot: usize) -> anyhow::Result<()> {
        let from = self.clock.now();
        let worker = &mut self.workers[slot];
        worker.child.kill()?;
        worker.child.wait()?;
        self.absences.push(Absence {
            process: worker.name.as_str().into(),
            from,
            until: None,
        });
        Ok(())
    }

    /// Ends all workers as an orchestrator does.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        for proxy in &self.proxies {
            proxy.heal();
        }
        for worker in &self.workers {
            send(worker.child.id(), Signal::TERM)?;
        }
        for worker in self.workers.drain(..) {
            worker.await_end().await?;
        }
        Ok(())
    }
}

impl Worker {
    /// Ends it as an orchestrator does.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        send(self.child.id(), Signal::TERM)?;
        self.await_end().await
    }

    async fn await_end(mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait()? {
                ensure!(
                    status.success(),
                    "{} did not end cleanly: {status}",
                    self.name
                );
                return Ok(());
            }
            if Instant::now() > deadline {
                self.child.kill()?;
                bail!(
                    "{} does not end within {PATIENCE:?} after SIGTERM",
                    self.name
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
