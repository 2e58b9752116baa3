//! What is varied: a database in its ways, or a Redis and the ShedLock provider that Java uses on
//! it.

use std::time::SystemTime;

use crate::server::Server;
use crate::sql::{Driver, Sql, Table};
use crate::store::Store;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Setup {
    Sql(Sql),
    Redis(JavaRedis),
}

/// ShedLock's providers for Redis. All of them send the same commands but for the end of a lease.
#[derive(Clone, Copy, Debug)]
pub(crate) enum JavaRedis {
    /// With `safeUpdate`: a script compares the value.
    SpringSafe,
    /// As it comes: whatever is there is deleted or replaced.
    Spring,
    /// The same, and its values have no UUID.
    Jedis4,
}

/// What a lock of Java's is, on which more depends than names.
#[derive(Clone, Copy, Debug)]
pub(crate) enum JavasLock {
    /// A row that stays, with times of the database.
    Row,
    /// A key that goes with the lease, with a time of the JVM, ended by who set it.
    OwnedKey,
    /// The same, ended by anyone who ever had it.
    Key,
}

impl JavasLock {
    pub(crate) fn has_times_of_the_store(self) -> bool {
        matches!(self, Self::Row)
    }

    pub(crate) fn is_known_after_its_release(self) -> bool {
        matches!(self, Self::Row)
    }

    pub(crate) fn is_ended_by_its_holder_only(self) -> bool {
        !matches!(self, Self::Key)
    }
}

impl Setup {
    pub(crate) const fn sql(
        server: Server,
        table: Table,
        driver: Driver,
        jvm_zone: &'static str,
    ) -> Self {
        Self::Sql(Sql {
            server,
            table,
            driver,
            jvm_zone,
        })
    }

    pub(crate) fn javas_lock(self) -> JavasLock {
        match self {
            Self::Sql(_) => JavasLock::Row,
            Self::Redis(JavaRedis::SpringSafe) => JavasLock::OwnedKey,
            Self::Redis(JavaRedis::Spring | JavaRedis::Jedis4) => JavasLock::Key,
        }
    }

    fn url(self) -> &'static str {
        match self {
            Self::Sql(sql) => sql.server.url(),
            Self::Redis(_) => Server::Redis.url(),
        }
    }
}

/// A setup that is made: locks and counters that no other test has.
pub(crate) struct Place {
    pub(crate) setup: Setup,
    pub(crate) store: Store,
    /// The lock table, or the environment.
    space: String,
}

impl Place {
    pub(crate) async fn prepare(setup: Setup) -> Self {
        let space = fresh("interop");
        if let Setup::Sql(sql) = setup {
            sql.create_table(&space).await;
        }
        Self {
            setup,
            store: Store::connect(setup.url(), &space).await,
            space,
        }
    }

    /// What `Store.of` in `java/` takes.
    pub(crate) fn java_arguments(&self) -> Vec<String> {
        let kind = match self.setup {
            Setup::Sql(_) => "jdbc",
            Setup::Redis(JavaRedis::SpringSafe) => "redis-spring-safe",
            Setup::Redis(JavaRedis::Spring) => "redis-spring",
            Setup::Redis(JavaRedis::Jedis4) => "redis-jedis4",
        };
        let mut arguments = vec![kind.to_owned()];
        match self.setup {
            Setup::Sql(sql) => arguments.extend(sql.jdbc()),
            Setup::Redis(_) => arguments.push(self.setup.url().to_owned()),
        }
        arguments.push(self.space.clone());
        arguments
    }

    pub(crate) fn jvm_zone(&self) -> &'static str {
        match self.setup {
            Setup::Sql(sql) => sql.jvm_zone,
            Setup::Redis(_) => "Asia/Seoul",
        }
    }

    /// What `Store::connect` takes.
    pub(crate) fn rust_arguments(&self) -> [&str; 2] {
        [self.setup.url(), &self.space]
    }
}

/// A name that nothing else on the server has.
fn fresh(what: &str) -> String {
    let now = SystemTime::UNIX_EPOCH.elapsed().expect("a clock");
    format!("{what}_{:x}_{}", now.as_nanos(), std::process::id())
}
