//! What is varied: the server and its time zone, the type of the table's times, the Java driver, the JVM's time zone.

use std::time::SystemTime;

use crate::database::Database;
use crate::server::Server;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) server: Server,
    pub(crate) table: Table,
    pub(crate) driver: Driver,
    /// Must not matter, but see [`Table::PostgresTz`].
    pub(crate) jvm_zone: &'static str,
}

/// Who made the table, and so which type its times have.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Table {
    /// `migrate` of ours: `TIMESTAMP` on PostgreSQL, as ShedLock's; `DATETIME(3)` on MariaDB.
    Ours,
    /// ShedLock's documentation for MySQL and MariaDB: `TIMESTAMP(3)`.
    Theirs,
    /// `TIMESTAMPTZ`, which Java gets right only in a JVM in UTC.
    PostgresTz,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Driver {
    PgJdbc,
    ConnectorJ,
    MariaDbConnectorJ,
}

/// A setup with a lock table, and one of counters.
pub(crate) struct Place {
    pub(crate) setup: Setup,
    pub(crate) database: Database,
    pub(crate) table: String,
}

/// What a Java service is configured with.
pub(crate) struct Jdbc {
    pub(crate) url: String,
    pub(crate) user: String,
    pub(crate) password: String,
}

impl Place {
    pub(crate) async fn prepare(setup: Setup) -> Self {
        let database = Database::connect(setup.server.url()).await;
        let table = fresh("interop");
        match setup.table {
            Table::Ours => (database.locks(&table).migrate().await).expect("a table"),
            Table::Theirs => {
                let ddl = "CREATE TABLE {table} (name VARCHAR(64) NOT NULL, lock_until TIMESTAMP(3) NOT NULL,
                    locked_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3), locked_by VARCHAR(255) NOT NULL, PRIMARY KEY (name))";
                database.execute(&ddl.replace("{table}", &table)).await;
            }
            Table::PostgresTz => {
                let ddl = "CREATE TABLE {table} (name VARCHAR(64) NOT NULL, lock_until TIMESTAMPTZ NOT NULL,
                    locked_at TIMESTAMPTZ NOT NULL, locked_by VARCHAR(255) NOT NULL, PRIMARY KEY (name))";
                database.execute(&ddl.replace("{table}", &table)).await;
            }
        }
        Self {
            setup,
            database,
            table,
        }
    }

    /// The server's URL as a JDBC driver wants it, all else as the driver has it by default.
    pub(crate) fn jdbc(&self) -> Jdbc {
        let url = self.setup.server.url();
        let (_, rest) = url.split_once("://").expect("a URL");
        let (login, place) = rest.split_once('@').expect("a URL with a user");
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let (scheme, settings) = match self.setup.driver {
            Driver::PgJdbc => ("postgresql", ""),
            Driver::ConnectorJ => ("mysql", ""),
            // It refuses a server without TLS, as a private one is.
            Driver::MariaDbConnectorJ => ("mariadb", "?sslMode=disable"),
        };
        Jdbc {
            url: format!("jdbc:{scheme}://{place}{settings}"),
            user: user.to_owned(),
            password: password.to_owned(),
        }
    }
}

/// A name that nothing else on the server has.
fn fresh(what: &str) -> String {
    let now = SystemTime::UNIX_EPOCH.elapsed().expect("a clock");
    format!("{what}_{:x}_{}", now.as_nanos(), std::process::id())
}
