//! A parameter of a URL that means nothing is told, as a misspelt one may be a connection in the
//! clear.

#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]

use shedlock_sqlx::SqlxLockProvider;
use shedlock_test_support::Log;

/// What is logged while a provider is made.
fn told(url: &str) -> String {
    let log = Log::default();
    let listening = log.listen();
    SqlxLockProvider::connect(url).expect("a provider");
    drop(listening);
    let text = log.text();
    let (_listening, told) = text.split_once('\n').expect("a line");
    told.to_owned()
}

#[tokio::test]
async fn misspelt_parameters_are_told() {
    for (url, name) in [
        ("postgres://u@h/db?ssl-mod=require", "ssl-mod"),
        ("postgres://u@h/db?sslmode=require&sslmode2=x", "sslmode2"),
        (
            "postgres://u@h/db?password=a@b&ssl_mode=require",
            "ssl_mode",
        ),
        ("mysql://u@h/db?ssl-mod=REQUIRED", "ssl-mod"),
        ("mariadb://u@h/db?sslrootcert=ca.pem", "sslrootcert"),
    ] {
        let told = told(url);
        assert!(told.contains(&format!("parameter=\"{name}\"")), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
}

#[tokio::test]
async fn parameters_that_are_known_are_not() {
    for url in [
        "postgres://u@h/db?sslmode=require&application_name=x&options[a]=b&statement-cache-capacity=1",
        "postgres://u@h/db?ssl-mode=require&ssl-root-cert=ca.pem&host=/run",
        "mysql://u@h/db?ssl-mode=REQUIRED&charset=utf8mb4&time-zone=local&ssl-ca=ca.pem",
    ] {
        assert_eq!(told(url), "", "{url}");
    }
}

/// The URL parses, as that of a host `u` with a port.
#[tokio::test]
async fn the_end_of_a_password_is_not() {
    for url in [
        "postgres://u:1?s3cret=x@h/db",
        "postgres://u:1?s3cret=x@h/db?sslmod=x",
        "mysql://u:1?s3cret=x@h/db",
    ] {
        let told = told(url);
        assert!(!told.contains("s3cret"), "{told}");
    }
}
