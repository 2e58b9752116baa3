//! The servers, the contestants, and what they are asked to do.

use std::collections::BTreeMap;
use std::time::SystemTime;

use anyhow::{Context, Result};
use tokio::process::Command;

use super::child::{Player, Said};
use super::counters::{Counted, Counters};
use super::options::Options;
use super::{Run, Who, floor};
use crate::contest;
use crate::outcome::Outcome;
use crate::store::Kind;
use crate::task::Task;

pub(crate) struct Stage {
    pub(crate) options: Options,
    urls: BTreeMap<Kind, String>,
    counters: BTreeMap<Kind, Counters>,
    players: BTreeMap<(Who, Kind), Result<Player, String>>,
    tasks: u32,
    /// The databases of SQLite.
    _folder: tempfile::TempDir,
}

/// A measurement, or why there is none.
pub(crate) type Performed = Result<Run, String>;

impl Stage {
    /// Servers are where `SHEDLOCK_BENCH_{store}_URL` says.
    pub(crate) async fn new(options: Options) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (mut urls, mut counters) = (BTreeMap::new(), BTreeMap::new());
        for &kind in &options.stores {
            let variable = format!("SHEDLOCK_BENCH_{}_URL", kind.name().to_uppercase());
            let url = match kind {
                Kind::Sqlite => {
                    let file = folder.path().join("locks.db");
                    format!("sqlite:{}?mode=rwc", file.display())
                }
                _ => std::env::var(&variable)
                    .with_context(|| format!("{variable} is not set: use scripts/bench"))?,
            };
            contest::migrate(&url).await?;
            counters.insert(kind, Counters::connect(kind, &url).await?);
            urls.insert(kind, url);
        }
        Ok(Self {
            options,
            urls,
            counters,
            players: BTreeMap::new(),
            tasks: 0,
            _folder: folder,
        })
    }

    /// Has a contestant do a task under new names.
    pub(crate) async fn perform(
        &mut self,
        who: Who,
        kind: Kind,
        task: &Task,
        seconds: f64,
    ) -> Result<Performed> {
        self.tasks += 1;
        let since = SystemTime::UNIX_EPOCH.elapsed()?.as_millis();
        let prefix = format!("bench-{since}-{}", self.tasks);
        let task = Task {
            prefix,
            seconds,
            ..task.clone()
        };
        let performed = match who {
            Who::Floor => self.floor(kind, &task).await,
            _ => self.player(who, kind, &task).await,
        };
        Ok(match performed {
            Ok(Run {
                outcome: Outcome {
                    error: Some(error), ..
                },
                ..
            }) => Err(error),
            Ok(run) => Ok(run),
            Err(error) => Err(format!("{error:#}")),
        })
    }

    async fn floor(&self, kind: Kind, task: &Task) -> Result<Run> {
        let outcome = floor::perform(kind, &self.urls[&kind], task).await?;
        let outcome = outcome.context("there is no such tool for this")?;
        Ok(Run {
            outcome,
            counted: Vec::new(),
        })
    }

    async fn player(&mut self, who: Who, kind: Kind, task: &Task) -> Result<Run> {
        if !self.players.contains_key(&(who, kind)) {
            let started = match command(who, &self.urls[&kind]) {
                Ok(command) => Player::start(command)
                    .await
                    .map_err(|error| format!("{error:#}")),
                Err(missing) => Err(missing),
            };
            self.players.insert((who, kind), started);
        }
        let player = self.players.get_mut(&(who, kind)).context("a player")?;
        let player = player
            .as_mut()
            .map_err(|error| anyhow::Error::msg(error.clone()))?;
        let counters = self.counters.get_mut(&kind).context("a server")?;
        let run = play(player, counters, task).await;
        if run.is_err() {
            // Whatever it is doing now, nobody waits for it.
            self.players.remove(&(who, kind));
        }
        run
    }
}

async fn play(player: &mut Player, counters: &mut Counters, task: &Task) -> Result<Run> {
    player.tell(task).await?;
    let mut readings = Vec::new();
    loop {
        let said = player.hear().await?;
        match said {
            Said::Mark => {
                readings.push(counters.read().await?);
                player.go().await?;
            }
            Said::Done(outcome) => {
                if !readings.is_empty() {
                    readings.push(counters.read().await?);
                }
                let counted = readings.windows(2).map(|two| two[1].since(two[0]));
                let counted: Vec<Counted> = counted.collect();
                return Ok(Run {
                    outcome: *outcome,
                    counted,
                });
            }
        }
    }
}

/// How a contestant is started, or why it cannot be.
fn command(who: Who, url: &str) -> Result<Command, String> {
    let built = |variable: &str, peer: &str| {
        let built = std::env::var(variable).ok().filter(|path| !path.is_empty());
        built.ok_or_else(|| format!("scripts/bench could not build the peer in {peer}"))
    };
    let own = |who: &str| {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = Command::new(program);
        command.args(["contestant", who, url]);
        Ok(command)
    };
    match who {
        Who::Ours => own("ours"),
        Who::Bare => own("bare"),
        Who::Floor => Err("it is no process of its own".to_owned()),
        Who::Java => {
            let mut command = Command::new("java");
            command.args([
                "-Xmx1g",
                "-cp",
                &built("SHEDLOCK_BENCH_JAVA", "Java")?,
                "Peer",
                url,
            ]);
            Ok(command)
        }
        Who::Go => {
            let mut command = Command::new(built("SHEDLOCK_BENCH_GO", "Go")?);
            command.arg(url);
            Ok(command)
        }
    }
}
