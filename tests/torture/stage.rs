//! Where a plan is played: the store, the fleet on it, and what was done to both.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::TimeDelta;
use shedlock::LockProvider;
use shedlock_tests::history::{Allowances, Allows, Moment, Verdict, Window};
use tempfile::TempDir;

use crate::clock::Clock;
use crate::fault::Fault;
use crate::fleet::Fleet;
use crate::options::Provider;
use crate::server::OwnServer;
use crate::stalls::Stalls;
use crate::store::{Kind, Store};

/// How many workers a fleet has.
pub(crate) const WORKERS: usize = 4;

/// A provider, for all plans.
pub(crate) struct Ground {
    pub(crate) provider: Provider,
    pub(crate) server: Option<OwnServer>,
    url: String,
    folder: TempDir,
    plays: u32,
}

/// What holds for each plan.
pub(crate) struct Terms {
    /// How long it goes on.
    pub(crate) share: Duration,
    pub(crate) seed: u64,
}

impl Ground {
    pub(crate) fn prepare(provider: Provider) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("torture.").tempdir()?;
        let mut server = None;
        let url = match &provider {
            Provider::Url(_, url) => url.clone(),
            Provider::Own(Kind::Sqlite) => format!("sqlite:{}/locks.db", folder.path().display()),
            Provider::Own(kind) => server
                .insert(OwnServer::start(*kind, folder.path())?)
                .url()
                .to_owned(),
        };
        Ok(Self {
            provider,
            server,
            url,
            folder,
            plays: 0,
        })
    }
}

/// One play.
pub(crate) struct Stage<'a> {
    pub(crate) store: Store,
    pub(crate) locks: Arc<dyn LockProvider>,
    pub(crate) clock: Clock,
    pub(crate) fleet: Fleet,
    pub(crate) random: Random,
    pub(crate) server: Option<&'a mut OwnServer>,
    logs: TempDir,
    stalls: Stalls,
    allowances: Allowances,
    share: Duration,
    ends: Instant,
}

impl<'a> Stage<'a> {
    /// A table of its own, and a fleet that has not begun.
    pub(crate) async fn set(
        ground: &'a mut Ground,
        faults: &[Fault],
        terms: &Terms,
    ) -> anyhow::Result<Self> {
        ground.plays += 1;
        let store = Store {
            kind: ground.provider.kind(),
            url: ground.url.clone(),
            place: format!("torture_{}_{}", std::process::id(), ground.plays),
        };
        let (locks, _service) = store.open("conductor", crate::store::Pool::Idle).await?;
        locks.migrate().await?;
        let (clock, clock_error) = Clock::of(&*locks).await?;
        let mut random = Random::of(terms.seed ^ u64::from(ground.plays));
        let logs = tempfile::Builder::new()
            .prefix("play.")
            .tempdir_in(ground.folder.path())?;
        Ok(Self {
            fleet: Fleet::new(&store, faults, logs.path(), clock, random.fork()).await?,
            store,
            locks,
            clock,
            random,
            server: ground.server.as_mut(),
            stalls: Stalls::watch(clock),
            logs,
            allowances: Allowances {
                clock_error: clock_error + TimeDelta::milliseconds(1),
                ..Allowances::default()
            },
            share: terms.share,
            ends: Instant::now(),
        })
    }

    /// Starts the fleet; from the returned moment on it is judged.
    pub(crate) async fn begin(&mut self) -> anyhow::Result<Moment> {
        for slot in 0..WORKERS {
            self.fleet.start(slot)?;
        }
        self.fleet.await_ready().await?;
        self.ends = Instant::now() + self.share;
        Ok(self.clock.now() + TimeDelta::milliseconds(500))
    }

    pub(crate) fn goes_on(&self) -> bool {
        Instant::now() < self.ends
    }

    /// Waits for some milliseconds.
    pub(crate) async fn calm(&mut self, millis: Range<u64>) {
        tokio::time::sleep(self.random.millis(millis)).await;
    }

    /// Waits until nothing is excused any more, and for a while in which all has to go well.
    pub(crate) async fn recover(&mut self, excused: TimeDelta) {
        tokio::time::sleep(excused.to_std().unwrap_or_default()).await;
        self.calm(1_500..4_000).await;
    }

    /// Lets the last faults pass; until the returned moment the fleet is judged.
    pub(crate) async fn settle(&mut self) -> Moment {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let until = self.clock.now();
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        until
    }

    /// Allows something, from a moment until now and a while after.
    pub(crate) fn allow(&mut self, allows: Allows, from: Moment, after: TimeDelta, why: &str) {
        let until = self.clock.now() + after;
        self.allow_job(None, allows, from, until, why);
    }

    pub(crate) fn allow_job(
        &mut self,
        job: Option<&str>,
        allows: Allows,
        from: Moment,
        until: Moment,
        why: &str,
    ) {
        self.allowances.windows.push(Window {
            job: job.map(Into::into),
            from,
            until,
            allows,
            why: why.to_owned(),
        });
    }

    pub(crate) fn server(&mut self) -> anyhow::Result<&mut OwnServer> {
        self.server.as_deref_mut().context("a server of our own")
    }

    pub(crate) fn logs(&self) -> &Path {
        self.logs.path()
    }

    pub(crate) fn allowances(&self) -> Allowances {
        let mut allowances = self.allowances.clone();
        allowances.absences = self.fleet.absences.clone();
        allowances.windows.extend(self.stalls.windows());
        allowances
    }

    /// Clears away what the play left, but not the evidence.
    pub(crate) async fn strike(self, verdict: &Verdict) -> anyhow::Result<()> {
        self.store.clear().await?;
        if !verdict.is_clean() {
            let evidence = std::env::temp_dir().join(&self.store.place);
            std::fs::create_dir_all(&evidence)?;
            for log in std::fs::read_dir(self.logs.path())? {
                let log = log?;
                std::fs::copy(log.path(), evidence.join(log.file_name()))?;
            }
            let allowances = format!("{:#?}", self.allowances());
            std::fs::write(evidence.join("allowances.txt"), allowances)?;
            println!("the logs are kept in {}", evidence.display());
        }
        Ok(())
    }
}

/// Every choice of a play.
pub(crate) struct Random(fastrand::Rng);

impl Random {
    pub(crate) fn of(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    pub(crate) fn fork(&mut self) -> Self {
        Self(self.0.fork())
    }

    pub(crate) fn millis(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.0.u64(range))
    }

    pub(crate) fn index(&mut self, length: usize) -> usize {
        self.0.usize(..length)
    }

    pub(crate) fn shuffled<T: Copy>(&mut self, of: &[T]) -> Vec<T> {
        let mut shuffled = of.to_vec();
        self.0.shuffle(&mut shuffled);
        shuffled
    }

    pub(crate) fn choice<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        self.0.choice(of).copied()
    }
}
