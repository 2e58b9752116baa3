//! A contestant in a process of its own.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::outcome::Outcome;
use crate::task::Task;

/// What a contestant says while it is in the middle of a task; it goes on when it is told to `go`.
pub(crate) const MARK: &str = "mark";

pub(crate) struct Player {
    /// Killed when this is dropped.
    _process: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

/// What a player says next.
pub(crate) enum Said {
    Mark,
    Done(Box<Outcome>),
}

impl Player {
    pub(crate) async fn start(mut command: Command) -> Result<Self> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{command:?}"))?;
        let orders = process.stdin.take().context("a pipe")?;
        let answers = BufReader::new(process.stdout.take().context("a pipe")?).lines();
        let mut player = Self {
            _process: process,
            orders,
            answers,
        };
        let first = player.line(Duration::from_secs(60)).await?;
        ensure!(first == "ready", "{first}");
        Ok(player)
    }

    pub(crate) async fn tell(&mut self, task: &Task) -> Result<()> {
        self.order(&task.to_string()).await
    }

    pub(crate) async fn go(&mut self) -> Result<()> {
        self.order("go").await
    }

    pub(crate) async fn hear(&mut self) -> Result<Said> {
        let line = self.line(Duration::from_secs(300)).await?;
        if line == MARK {
            return Ok(Said::Mark);
        }
        let outcome: Outcome = serde_json::from_str(&line).with_context(|| line.clone())?;
        Ok(Said::Done(Box::new(outcome)))
    }

    async fn order(&mut self, line: &str) -> Result<()> {
        self.orders
            .write_all(format!("{line}\n").as_bytes())
            .await?;
        Ok(self.orders.flush().await?)
    }

    async fn line(&mut self, patience: Duration) -> Result<String> {
        match tokio::time::timeout(patience, self.answers.next_line()).await {
            Ok(line) => line?.context("it ended by itself"),
            Err(_) => bail!("it said nothing for {patience:?}"),
        }
    }
}
