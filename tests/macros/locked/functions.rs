//! A lock around fns of every kind.

use std::fmt::Display;
use std::sync::LazyLock;

use shedlock::{ConfigError, InMemoryLockProvider, LockError, Outcome, locked};

use crate::lock_name;

#[locked(provider = *locks, name = "{tenant}-{day:02}-{{x}}", at_most = "1m")]
async fn by_value(locks: &InMemoryLockProvider, tenant: String, day: u8) -> (String, String) {
    // The name borrowed what the body owns.
    (tenant, format!("{} {day}", lock_name()))
}

#[locked(provider = locks, name = "{{braces}}", at_most = "1m")]
async fn generic<'a, T, const N: usize>(
    locks: InMemoryLockProvider,
    all: &'a [T; N],
) -> (String, Option<&'a T>)
where
    T: Display + Sync,
{
    (lock_name(), all.first())
}

#[locked(provider = locks, name = "of-{type}", at_most = "1m")]
async fn keyword(locks: InMemoryLockProvider, r#type: &str) -> String {
    lock_name()
}

#[locked(provider = locks, name = "patterns", at_most = "1m")]
async fn patterns(locks: InMemoryLockProvider, (one, mut two): (u8, u8), _: String) -> u8 {
    #![allow(clippy::let_and_return)]
    two += one;
    let sum = two;
    sum
}

#[locked(provider = locks, name = "unit", at_most = "1m")]
async fn unit(locks: InMemoryLockProvider) {}

#[locked(provider = locks, name = "boxed", at_most = "1m")]
async fn boxed(locks: InMemoryLockProvider, many: bool) -> Box<dyn Iterator<Item = u8> + Send> {
    if many {
        return Box::new(0..3);
    }
    Box::new(std::iter::once(0))
}

#[locked(provider = locks, name = "opaque", at_most = "1m")]
async fn opaque(locks: InMemoryLockProvider) -> impl Iterator<Item = u8> {
    0..3
}

mod beside_items {
    //! Beside items of short names, as attributes of web frameworks make of handlers.
    #![allow(non_camel_case_types, non_upper_case_globals, dead_code)]

    use shedlock::{InMemoryLockProvider, locked};

    struct config;
    const executor: u8 = 0;
    static result: u8 = 1;

    #[locked(provider = locks, name = "beside-items", at_most = "1m")]
    pub(super) async fn beside_items(locks: InMemoryLockProvider) -> String {
        crate::lock_name()
    }
}

mod under_lints {
    //! Under lints that a user may have turned on.
    #![deny(unused, clippy::pedantic)]

    use shedlock::{InMemoryLockProvider, locked};

    #[locked(provider = locks, name = "items", at_most = "1m")]
    pub(super) async fn items(locks: InMemoryLockProvider, text: &str) -> Result<u8, String> {
        use std::str::FromStr;
        const LIMIT: u8 = 3;

        if text.is_empty() {
            return Err("no text".to_owned());
        }
        let number = u8::from_str(text).map_err(|error| error.to_string())?;
        Ok(number.min(LIMIT))
    }

    #[locked(provider = locks, name = "unit", at_most = "1m")]
    pub(super) async fn unit(locks: InMemoryLockProvider, text: &mut String) {
        const END: char = '.';
        text.push(END);
    }

    // Of braces in one line alone the compiler says that they are unnecessary.
    #[rustfmt::skip]
    #[locked(provider = locks, name = "short", at_most = "1m")]
    pub(super) async fn short(locks: InMemoryLockProvider) -> u8 { 3 }

    #[locked(provider = locks, name = "opaque", at_most = "1m")]
    pub(super) async fn opaque(locks: InMemoryLockProvider) -> impl Iterator<Item = u8> {
        const END: u8 = 3;
        0..END
    }
}

macro_rules! by_macro {
    ($name:ident, $locks:expr, $ty:ty, $body:block) => {
        #[locked(provider = $locks, name = "of-a-macro", at_most = "1m")]
        async fn $name() -> $ty $body
    };
}

static LOCKS: LazyLock<InMemoryLockProvider> = LazyLock::new(InMemoryLockProvider::new);

by_macro!(of_a_macro, &*LOCKS, String, { lock_name() });

#[tokio::test]
async fn every_kind_of_fn() {
    let locks = InMemoryLockProvider::new();
    let named = ("acme".to_owned(), "acme-05-{x} 5".to_owned());
    assert_eq!(
        by_value(&locks, "acme".to_owned(), 5).await.unwrap(),
        Outcome::Ran(named)
    );
    let first = ("{braces}".to_owned(), Some(&"a"));
    assert_eq!(
        generic(locks.clone(), &["a", "b"]).await.unwrap(),
        Outcome::Ran(first)
    );
    assert_eq!(
        keyword(locks.clone(), "a").await.unwrap(),
        Outcome::Ran("of-a".to_owned())
    );
    assert_eq!(
        patterns(locks.clone(), (1, 2), String::new())
            .await
            .unwrap(),
        Outcome::Ran(3)
    );
    assert_eq!(unit(locks.clone()).await.unwrap(), Outcome::Ran(()));
    assert_eq!(
        boxed(locks.clone(), true)
            .await
            .unwrap()
            .ran()
            .unwrap()
            .count(),
        3
    );
    assert_eq!(
        of_a_macro().await.unwrap(),
        Outcome::Ran("of-a-macro".to_owned())
    );
    assert_eq!(
        beside_items::beside_items(locks.clone()).await.unwrap(),
        Outcome::Ran("beside-items".to_owned())
    );
    assert_eq!(opaque(locks).await.unwrap().ran().unwrap().count(), 3);
}

#[tokio::test]
async fn bodies_under_lints() {
    let locks = InMemoryLockProvider::new();
    for (text, result) in [("7", Ok(3)), ("", Err("no text".to_owned()))] {
        let outcome = under_lints::items(locks.clone(), text).await.unwrap();
        assert_eq!(outcome, Outcome::Ran(result));
    }
    let mut text = "a".to_owned();
    let outcome = under_lints::unit(locks.clone(), &mut text).await.unwrap();
    assert_eq!((outcome, &*text), (Outcome::Ran(()), "a."));
    let outcome = under_lints::short(locks.clone()).await.unwrap();
    assert_eq!(outcome, Outcome::Ran(3));
    let opaque = under_lints::opaque(locks).await.unwrap();
    assert_eq!(opaque.ran().unwrap().count(), 3);
}

#[tokio::test]
async fn a_wrong_name_runs_nothing() {
    let error = by_value(&InMemoryLockProvider::new(), "x".repeat(60), 5)
        .await
        .unwrap_err();
    assert!(
        matches!(error, LockError::Config(ConfigError::Name(_))),
        "{error}"
    );
}

#[locked(provider = locks, name = "panics", at_most = "1m")]
async fn panics(locks: InMemoryLockProvider, now: bool) {
    assert!(!now, "out of paper");
}

#[tokio::test]
async fn a_panic_goes_on_and_releases_the_lock() {
    let locks = InMemoryLockProvider::new();
    let panicked = tokio::spawn(panics(locks.clone(), true)).await.unwrap_err();
    assert_eq!(panicked.into_panic().downcast_ref(), Some(&"out of paper"));
    assert_eq!(panics(locks, false).await.unwrap(), Outcome::Ran(()));
}
