//! No password of a URL is shown: not by errors and their causes, not by `Debug`, not in the log,
//! whatever goes wrong.

#![cfg(all(
    feature = "postgres",
    feature = "mysql",
    feature = "sqlite",
    feature = "tls"
))]

mod support;

use std::error::Error;
use std::time::Duration;

use shedlock_core::{LockError, LockProvider};
use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::{Log, Servers, acquire};
use support::{mysql, mysql_pool, pg_pool, postgres};

const SECRET: &str = "s3cret";

fn hides(told: &str) {
    assert!(!told.contains(SECRET), "{told}");
}

fn hidden_in(error: &LockError) {
    hides(&format!("{error:?} {error:#?}"));
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(error) = cause {
        hides(&error.to_string());
        cause = error.source();
    }
}

/// Every call fails, and none tells the secret.
async fn fails_silently(url: &str) {
    let locks = SqlxLockProvider::connect(url).expect("a provider");
    hides(&format!("{locks:?} {locks:#?}"));
    for error in [
        acquire(&locks, "job").await.expect_err(url),
        locks.locks().await.expect_err(url),
        locks.migrate().await.expect_err(url),
        locks.now().await.expect_err(url),
    ] {
        hidden_in(&error);
    }
}

#[tokio::test]
async fn no_url_shows_its_secret() {
    let log = Log::default();
    let listening = log.listen();
    tracing::info!("listening");
    let (pg, my) = (postgres(), mysql());
    let (pg, my) = (
        format!("{}:{}", pg.get_host(), pg.get_port()),
        format!("{}:{}", my.get_host(), my.get_port()),
    );
    for url in [
        // Nobody is there.
        "postgres://u:s3cret@127.0.0.1:1/db",
        "mysql://u:s3cret@127.0.0.1:1/db",
        "postgres://u@127.0.0.1:1/db?password=s3cret&sslpassword=s3cret&options[a]=s3cret",
        "postgres://u:s3cret@no-such-host.invalid/db",
        "mysql://u:s3cret@no-such-host.invalid/db",
        // As somebody writes it who did not escape his password.
        "postgres://u:a?s3cret@127.0.0.1:1/db",
        // There is no such user, database or option.
        &format!("postgres://nobody:s3cret@{pg}/nothing"),
        &format!("postgres://postgres:s3cret@{pg}/shedlock_test?options[nothing]=1"),
        &format!("mysql://nobody:s3cret@{my}/shedlock_test"),
        &format!("mysql://root:s3cret@{my}/shedlock_test"),
    ] {
        // The last one but for a port that is no number: an error at once.
        if let Err(error) = SqlxLockProvider::connect(url) {
            hidden_in(&error);
        } else {
            fails_silently(url).await;
        }
    }
    drop(listening);
    let log = log.text();
    assert!(log.contains("listening"), "{log}");
    assert!(
        log.contains("sslpassword"),
        "a parameter that is not known is told: {log}"
    );
    hides(&log);
}

#[tokio::test]
async fn a_wrong_password() {
    let server = Servers::start(&["postgres-tls"]);
    let url = server.get("POSTGRES_TLS_URL");
    let administrator = pg_pool(url.parse().expect("a URL"));
    sqlx::query("CREATE ROLE somebody LOGIN PASSWORD 'right-s3cret'")
        .execute(&administrator)
        .await
        .expect("a role");
    let log = Log::default();
    let listening = log.listen();
    let wrong = url.replace("postgres@", "somebody:wrong-s3cret@");
    fails_silently(&wrong).await;
    let right = url.replace("postgres@", "somebody:right-s3cret@");
    SqlxLockProvider::connect(&right)
        .expect("a provider")
        .now()
        .await
        .expect("the clock");
    drop(listening);
    hides(&log.text());
}

#[tokio::test]
async fn settings_of_a_provider() {
    let postgres = SqlxLockProvider::builder(pg_pool(postgres().password(SECRET)));
    hides(&format!("{postgres:?} {postgres:#?}"));
    let mysql = SqlxLockProvider::builder(mysql_pool(mysql().password(SECRET)));
    hides(&format!("{mysql:?}"));
    let locks = mysql
        .timeout(Duration::from_millis(500))
        .build()
        .expect("settings");
    hidden_in(&acquire(&locks, "job").await.expect_err("a wrong password"));
}
