//! What is varied with a database: the server and its time zone, the type of the table's times, the
//! Java driver, the JVM's time zone.

use crate::database::Database;
use crate::server::Server;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Sql {
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

impl Sql {
    pub(crate) async fn create_table(&self, table: &str) {
        let database = Database::connect(self.server.url()).await;
        let ddl = match self.table {
            Table::Ours => {
                return (database.locks(table).migrate().await).expect("a table");
            }
            Table::Theirs => {
                "CREATE TABLE {table} (name VARCHAR(64) NOT NULL, lock_until TIMESTAMP(3) NOT NULL,
                locked_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3), locked_by VARCHAR(255) NOT NULL, PRIMARY KEY (name))"
            }
            Table::PostgresTz => {
                "CREATE TABLE {table} (name VARCHAR(64) NOT NULL, lock_until TIMESTAMPTZ NOT NULL,
                locked_at TIMESTAMPTZ NOT NULL, locked_by VARCHAR(255) NOT NULL, PRIMARY KEY (name))"
            }
        };
        database.execute(&ddl.replace("{table}", table)).await;
    }

    /// The server's URL as a JDBC driver wants it, all else as the driver has it by default; user,
    /// password.
    pub(crate) fn jdbc(&self) -> [String; 3] {
        let (_, rest) = self.server.url().split_once("://").expect("a URL");
        let (login, place) = rest.split_once('@').expect("a URL with a user");
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let (scheme, settings) = match self.driver {
            Driver::PgJdbc => ("postgresql", ""),
            Driver::ConnectorJ => ("mysql", ""),
            // It refuses a server without TLS, as a private one is.
            Driver::MariaDbConnectorJ => ("mariadb", "?sslMode=disable"),
        };
        [
            format!("jdbc:{scheme}://{place}{settings}"),
            user.to_owned(),
            password.to_owned(),
        ]
    }
}
