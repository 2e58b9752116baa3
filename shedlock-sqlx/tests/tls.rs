//! The provider's own connections are as encrypted as those of the pool that it was made from. Both
//! servers take none in the clear.

#![cfg(all(
    feature = "postgres",
    feature = "mysql",
    feature = "sqlite",
    feature = "tls"
))]

mod support;

use shedlock_core::{LockError, LockProvider};
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{Servers, acquire, acquired, fresh};
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use support::{Nodes, mysql_pool, pg_pool};

/// It names what is wrong, and it is none of "held".
async fn is_refused(locks: &SqlxLockProvider) {
    let error = acquire(locks, "job").await.expect_err("an error");
    assert!(
        matches!(
            error,
            LockError::Unavailable { .. }
                | LockError::PermissionDenied { .. }
                | LockError::Store { .. }
        ),
        "{error:?}"
    );
}

/// Not as an outage: somebody has to do something.
async fn fails_for_good(locks: &SqlxLockProvider) {
    let error = acquire(locks, "job").await.expect_err("an error");
    assert!(!error.is_transient(), "{error:?}");
    match &error {
        LockError::Store { problem, .. } => {
            let told = problem.contains("TLS") && problem.contains("certificates");
            assert!(told, "{problem}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_without_tls() {
    let options = support::postgres().ssl_mode(PgSslMode::Require);
    fails_for_good(&SqlxLockProvider::new(pg_pool(options))).await;
}

#[tokio::test]
async fn postgres() {
    let server = Servers::start(&["postgres-tls"]);
    let (url, ca) = (
        server.get("POSTGRES_TLS_URL"),
        server.get("POSTGRES_TLS_CA"),
    );
    let options: PgConnectOptions = url.parse().expect("a URL");
    let verified = options
        .clone()
        .ssl_mode(PgSslMode::VerifyFull)
        .ssl_root_cert(ca);
    let name = fresh("app");
    let nodes = Nodes::migrated(pg_pool(verified.clone().application_name(&name))).await;
    let locks = nodes.provider("a");
    acquired(&locks, "job").await;

    let encrypted = "SELECT count(*), count(*) FILTER (WHERE ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = $1";
    let (all, encrypted): (i64, i64) = sqlx::query_as(encrypted)
        .bind(&name)
        .fetch_one(&pg_pool(verified.clone()))
        .await
        .expect("a count");
    assert!(all >= 1 && all == encrypted, "{encrypted} of {all}");

    let at = |options| SqlxLockProvider::new(pg_pool(options));
    is_refused(&at(options.clone().ssl_mode(PgSslMode::Disable))).await;
    // Nobody vouches for this server but its own authority.
    fails_for_good(&at(options.clone().ssl_mode(PgSslMode::VerifyCa))).await;
    is_refused(&at(verified.host("127.0.0.2"))).await;
    acquired(
        &nodes.builder("b").connections(1).build().expect("settings"),
        "other",
    )
    .await;

    let by_url = format!("{url}?sslmode=verify-full&sslrootcert={ca}");
    SqlxLockProvider::connect(&by_url)
        .expect("a provider")
        .now()
        .await
        .expect("the clock");
    let in_clear =
        SqlxLockProvider::connect(&format!("{url}?sslmode=disable")).expect("a provider");
    in_clear.now().await.expect_err("a refusal");
}

#[tokio::test]
async fn mariadb() {
    let server = Servers::start(&["mariadb-tls"]);
    let (url, ca) = (server.get("MYSQL_TLS_URL"), server.get("MYSQL_TLS_CA"));
    let options: MySqlConnectOptions = url.parse().expect("a URL");
    for mode in [
        MySqlSslMode::Required,
        MySqlSslMode::VerifyCa,
        MySqlSslMode::VerifyIdentity,
    ] {
        let verified = options.clone().ssl_mode(mode).ssl_ca(ca);
        let nodes = Nodes::migrated(mysql_pool(verified)).await;
        acquired(&nodes.provider("a"), "job").await;
        nodes.run("DROP TABLE {table}").await;
    }

    let at = |options| SqlxLockProvider::new(mysql_pool(options));
    is_refused(&at(options.clone().ssl_mode(MySqlSslMode::Disabled))).await;
    fails_for_good(&at(options.ssl_mode(MySqlSslMode::VerifyCa))).await;

    let by_url = format!("{url}?ssl-mode=VERIFY_CA&ssl-ca={ca}");
    SqlxLockProvider::connect(&by_url)
        .expect("a provider")
        .now()
        .await
        .expect("the clock");
    let in_clear =
        SqlxLockProvider::connect(&format!("{url}?ssl-mode=DISABLED")).expect("a provider");
    in_clear.now().await.expect_err("a refusal");
}
