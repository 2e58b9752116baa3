//! One lock per tenant: a job that runs on every node, where the nodes share the tenants among
//! them. And jobs whose schedules come from the service's configuration.
//!
//! ```sh
//! cargo run --example multi_tenant    # in two terminals: each imports some of the tenants
//! ```
//!
//! The locks are in a SQLite file in the folder for temporary files, or where `LOCK_URL` says
//! (`postgres://..`, `mysql://..`, `sqlite:..`). Ctrl-C or SIGTERM ends it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use serde::Deserialize;
use shedlock::{Data, JobOverride, LockProvider, Outcome, Scheduler, locked, scheduled};
use tokio::time::sleep;
use tracing::{error, info};

/// How many tenants a node imports at once.
const AT_ONCE: usize = 3;

/// What the jobs work with.
#[derive(Clone)]
struct Importer {
    locks: Arc<dyn LockProvider>,
    tenants: Arc<[String]>,
}

impl Importer {
    /// `at_least` is nearly the job's period: a node that comes late to a tenant does not import it
    /// a second time in it.
    #[locked(provider = self.locks, name = "import-{tenant}", at_least = "4s", at_most = "5m", keep_alive)]
    async fn import(&self, tenant: &str) -> anyhow::Result<()> {
        sleep(Duration::from_millis(400)).await;
        anyhow::ensure!(tenant != "initech", "its server does not answer");
        Ok(())
    }

    /// One tenant's failure is not another's.
    async fn import_and_log(&self, tenant: &str) {
        match self.import(tenant).await {
            Ok(Outcome::Ran(Ok(()))) => info!(tenant, "imported"),
            Ok(Outcome::Ran(Err(error))) => error!(tenant, %error, "not imported"),
            Ok(Outcome::Skipped(held)) => {
                info!(tenant, holder = held.holder, "another node has it")
            }
            Err(error) => error!(tenant, %error, "the lock store did not decide"),
        }
    }
}

/// No lock of its own: it runs on every node, and each tenant's lock says who imports it.
#[scheduled(every = "1h")]
async fn import_tenants(Data(importer): Data<Importer>) {
    stream::iter(importer.tenants.iter())
        .for_each_concurrent(AT_ONCE, |tenant| importer.import_and_log(tenant))
        .await;
}

#[scheduled(cron = "0 0 2 * * *", lock = "nightly-statistics", at_most = "1h")]
async fn nightly_statistics() {
    info!("nothing to count");
}

#[scheduled(every = "1s", lock = "old-import", at_most = "1m")]
async fn old_import() {
    error!("jobs.toml has disabled this one");
}

/// The service's configuration; the jobs are one table of it.
#[derive(Deserialize)]
struct Configuration {
    #[serde(default)]
    jobs: HashMap<String, JobOverride>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().init();
    // A service reads a file here.
    let configuration: Configuration = toml::from_str(include_str!("jobs.toml"))?;

    let locks = shedlock::connect(&lock_url()).await?;
    locks.migrate().await?;
    let tenants = [
        "acme", "globex", "hooli", "initech", "stark", "umbrella", "wayne", "wonka",
    ];
    let importer = Importer {
        locks: locks.clone(),
        tenants: tenants.map(String::from).into(),
    };

    // A name in the configuration that no job has, or a value that does not parse, is an error of
    // `build()`.
    Scheduler::builder(locks)
        .data(importer)
        .overrides(configuration.jobs)
        .build()?
        .run()
        .await?;
    Ok(())
}

fn lock_url() -> String {
    std::env::var("LOCK_URL").unwrap_or_else(|_| {
        format!(
            "sqlite:{}",
            std::env::temp_dir()
                .join("shedlock-multi-tenant.db")
                .display()
        )
    })
}
