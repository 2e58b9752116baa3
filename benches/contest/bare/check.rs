use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use shedlock::{Acquire, Acquisition, Held, LockConfig, LockProvider};

use crate::contest::fire_times::FireTimes;
use crate::contest::ours::{AT_MOST, provider};
use crate::contest::{Caller, Contestant};
use crate::task::{Task, Work};

/// Makes sure that what the bare driver sends does what the provider's calls do: what does nothing
/// is fast.
pub(crate) async fn check(bare: &impl Contestant, url: &str) -> Result<()> {
    let locks = provider(url, 1)?;
    let task = Task {
        prefix: format!("checked-{}", std::process::id()),
        ..Task::new(Work::Pairs)
    };
    let name = task.name(0);
    let mut caller = bare.node(&task).await?.pop().context("a caller")?;
    let fire_time = FireTimes::new().next();

    let taken = caller.lock(&name, fire_time).await?.context("a lock")?;
    let held = holder(&*locks, &name).await?.context("it took no lock")?;
    ensure!(
        held.locked_at.timestamp_micros() == fire_time,
        "it took a lock for {}",
        held.locked_at
    );

    // Stores tell milliseconds apart.
    tokio::time::sleep(Duration::from_millis(2)).await;
    let taken = caller.extend(taken).await?;
    let extended = holder(&*locks, &name).await?.context("it lost its lock")?;
    ensure!(extended.until > held.until, "it extended nothing");

    caller.unlock(taken).await?;
    ensure!(
        holder(&*locks, &name).await?.is_none(),
        "it released nothing"
    );
    Ok(())
}

/// Who has a lock; if nobody has it, it is taken for good.
async fn holder(locks: &dyn LockProvider, name: &str) -> Result<Option<Held>> {
    match locks
        .acquire(&Acquire::new(&LockConfig::new(name, AT_MOST)?))
        .await?
    {
        Acquisition::Acquired(_) => Ok(None),
        Acquisition::Held(held) => Ok(Some(held)),
        other => bail!("{other:?}"),
    }
}
