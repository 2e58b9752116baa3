//! The texts that were found by fuzzing, and made-up ones, through the same entries, with any compiler.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::select;
use shedlock_fuzz_entries::{ENTRIES, SECRET, locked, scheduled, store_url};

#[test]
fn each_text_of_the_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    for (name, entry) in ENTRIES {
        let texts = fs::read_dir(corpus.join(name)).expect("a folder for each entry");
        let mut count = 0;
        for text in texts {
            let path = text.expect("a file").path();
            let text = fs::read(&path).expect("its text");
            // As a fuzz target is given it.
            if let Ok(text) = std::str::from_utf8(&text) {
                entry(text);
                count += 1;
            }
        }
        assert!(count > 0, "{name} has no corpus");
    }
}

#[test]
fn each_entry_has_a_target() {
    let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../targets");
    let mut targets: Vec<_> = fs::read_dir(targets)
        .expect("the targets")
        .map(|file| {
            file.expect("a file")
                .path()
                .file_stem()
                .expect("a name")
                .to_owned()
        })
        .collect();
    let mut entries: Vec<_> = ENTRIES.iter().map(|(name, _)| *name).collect();
    targets.sort();
    entries.sort_unstable();
    assert_eq!(targets, entries);
}

fn urls() -> impl Strategy<Value = String> {
    let scheme = select(
        &[
            "postgres",
            "postgresql",
            "mysql",
            "mariadb",
            "sqlite",
            "redis",
            "rediss",
            "valkey",
            "redis+unix",
            "unix",
            "redis+cluster",
            "rediss+cluster",
            "oracle",
            "",
        ][..],
    );
    let separator = select(&["://", ":", ":///", "//", ""][..]);
    let user = select(
        &[
            "",
            "u:S3CRET@",
            ":S3CRET@",
            "S3CRET@",
            "u:S3CRET#@",
            "u:S3/CRET@",
            "u:%zzS3CRET@",
        ][..],
    );
    let host = "[a-z0-9.:,\\[\\]%_-]{0,12}";
    let rest = select(
        &[
            "",
            "/",
            "/db",
            "/0",
            "/99999999999999999999",
            "/?password=S3CRET",
            "?pass=S3CRET&db=x",
            "?sslmode=odd&password=S3CRET",
            "?sslpassword=S3CRET",
            "#S3CRET",
            "?statement-cache-capacity=-1",
            "?mode=odd",
            "/%ff?x[=S3CRET",
            "?options[a]=S3CRET",
        ][..],
    );
    (scheme, separator, user, host, rest).prop_map(|(scheme, separator, user, host, rest)| {
        [scheme, separator, user, &host, rest].concat()
    })
}

fn arguments() -> impl Strategy<Value = String> {
    let name = select(
        &[
            "cron",
            "every",
            "lock",
            "at_least",
            "at_most",
            "zone",
            "keep_alive",
            "on_lost",
            "misfire",
            "provider",
            "name",
            "crate",
            "evrey",
            "r#type",
            "5",
        ][..],
    );
    let value = select(
        &[
            "",
            " = ",
            " = \"30s\"",
            " = \"0 0 0 L * ?\"",
            " = \"{a}-{b:?}\"",
            " = \"\"",
            " = \"once\"",
            " = true",
            " = a::B",
            " = self.locks",
            " = *locks",
            " = format!(\"{}\", 1)",
            " = || {}",
            " = 5u8",
            " = r\"{\"",
            "(x)",
            " = 'a'",
            " = -1",
            " = b\"x\"",
            " = \"\u{2028}\"",
            " == 1",
        ][..],
    );
    let argument = (name, value).prop_map(|(name, value)| format!("{name}{value}"));
    prop::collection::vec(argument, 0..5).prop_map(|arguments| arguments.join(", "))
}

fn items() -> impl Strategy<Value = String> {
    let head = select(
        &[
            "async fn",
            "fn",
            "pub async fn",
            "const fn",
            "unsafe async fn",
            "extern \"C\" fn",
            "#[a] async fn",
            "pub(in a) default async fn",
            "struct",
            "",
        ][..],
    );
    let name = select(
        &[
            " f",
            " r#fn",
            " async",
            " _",
            " f<'a, T: X<'a>>",
            " f<const N: u8>",
        ][..],
    );
    let parameters = select(
        &[
            "()",
            "(self)",
            "(&mut self, a: u8)",
            "(a: u8, b: &str)",
            "(Data(a): Data<T>, b: Run)",
            "(mut a: [u8; 2])",
            "(a: impl X, ..)",
            "(&self, (a, b): (u8, u8))",
            "(#[cfg(x)] a: u8)",
            "",
        ][..],
    );
    let output = select(
        &[
            "",
            " -> u8",
            " -> ()",
            " -> !",
            " -> Result<(), E>",
            " -> impl Future<Output = u8> + 'a",
            " -> Pin<Box<dyn Future<Output = Result<(), E>> + Send>>",
            " -> Pin<Box<dyn X>>",
            " -> Self where Self: X",
            " ->",
        ][..],
    );
    let body = select(
        &[
            " {}",
            ";",
            " { a }",
            " { Box::pin(async move { 1 }) }",
            " { let x = }",
            "",
        ][..],
    );
    (head, name, parameters, output, body).prop_map(|(head, name, parameters, output, body)| {
        [head, name, parameters, output, body].concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_url_panics_or_shows_its_secret(url in urls(), text in any::<String>()) {
        store_url(&url);
        store_url(&format!("{text}{SECRET}"));
    }

    #[test]
    fn no_attribute_panics(arguments in arguments(), item in items()) {
        scheduled(&format!("{arguments}\n{item}"));
        locked(&format!("{arguments}\n{item}"));
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        for (_, entry) in ENTRIES {
            entry(&text);
        }
    }
}
