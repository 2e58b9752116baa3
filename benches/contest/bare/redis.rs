use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use chrono::DateTime;
use redis::Client;
use redis::aio::MultiplexedConnection;

use super::Taken;
use crate::contest::record::{Argument, Part, Script};
use crate::contest::{Caller, Contestant};
use crate::task::{Task, Work};

/// As many as the provider has.
const CONNECTIONS: usize = 4;

/// redis-rs, whose callers share connections as the provider's do.
pub(crate) struct Redis {
    client: Client,
    script: Script<Vec<Argument>>,
}

impl Redis {
    pub(crate) fn new(url: &str, script: Script<Vec<Argument>>) -> Result<Self> {
        Ok(Self {
            client: Client::open(url)?,
            script,
        })
    }
}

impl Contestant for Redis {
    type Caller = Asker;

    async fn node(&self, task: &Task) -> Result<Vec<Asker>> {
        let mut askers = Vec::new();
        for _ in 0..CONNECTIONS {
            askers.push(Asker {
                connection: self.client.get_multiplexed_async_connection().await?,
                script: self.script.clone(),
            });
        }
        let callers = match task.work {
            Work::Herd => task.names,
            _ => task.callers,
        };
        Ok(askers.into_iter().cycle().take(callers).collect())
    }
}

#[derive(Clone)]
pub(crate) struct Asker {
    connection: MultiplexedConnection,
    script: Script<Vec<Argument>>,
}

async fn send(
    connection: &mut MultiplexedConnection,
    commands: &[Vec<Argument>],
    name: &str,
    fire_time: i64,
) -> Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    for arguments in commands {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let uuid = || format!("{:08x}-0000-4000-8000-{number:012x}", std::process::id());
        let mut command = redis::Cmd::new();
        for argument in arguments {
            let parts = argument.iter().map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Name => name.to_owned(),
                Part::FireTime => fire_time.to_string(),
                Part::FireTimeIso => {
                    let time = DateTime::from_timestamp_micros(fire_time).unwrap_or_default();
                    time.format("%FT%T%.6fZ").to_string()
                }
                Part::Uuid => uuid(),
            });
            command.arg(parts.collect::<String>());
        }
        command.query_async::<redis::Value>(connection).await?;
    }
    Ok(())
}

impl Caller for Asker {
    type Held = Taken;

    async fn lock(&mut self, name: &str, fire_time: i64) -> Result<Option<Taken>> {
        send(&mut self.connection, &self.script.lock, name, fire_time).await?;
        Ok(Some(Taken {
            name: name.to_owned(),
            fire_time,
        }))
    }

    async fn skip(&mut self, name: &str, fire_time: i64) -> Result<()> {
        send(&mut self.connection, &self.script.skip, name, fire_time).await
    }

    async fn extend(&mut self, held: Taken) -> Result<Taken> {
        send(
            &mut self.connection,
            &self.script.extend,
            &held.name,
            held.fire_time,
        )
        .await?;
        Ok(held)
    }

    async fn unlock(&mut self, held: Taken) -> Result<()> {
        send(
            &mut self.connection,
            &self.script.unlock,
            &held.name,
            held.fire_time,
        )
        .await
    }
}
