//! No provider of this workspace goes without the conformance suite: a crate that implements
//! `LockProvider` runs it, and `shedlock-sqlx` runs it for each of its dialects.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn each_crate_with_a_provider_runs_the_suite() {
    let providers = crates().into_iter().filter(|crate_| {
        let sources = sources(&crate_.join("src"));
        sources.iter().any(|source| {
            let provides =
                |line: &&str| line.starts_with("impl") && line.contains("LockProvider for ");
            // The provider behind an `Arc` is one that the suite has seen already.
            source
                .lines()
                .filter(provides)
                .any(|line| !line.contains("for Arc<"))
        })
    });
    let providers: Vec<_> = providers.collect();
    assert!(
        providers.len() >= 2,
        "found too few providers: {providers:?}"
    );
    for provider in providers {
        let suites = suites(&provider);
        assert!(
            !suites.is_empty(),
            "{} does not run the conformance suite",
            provider.display()
        );
    }
}

#[test]
fn each_dialect_runs_the_suite() {
    let sqlx = root().join("shedlock-sqlx");
    let suites = suites(&sqlx);
    let mut dialects = Vec::new();
    for file in fs::read_dir(sqlx.join("src/dialect")).unwrap() {
        let file = file.unwrap().path();
        let dialect = file.file_stem().unwrap().to_str().unwrap().to_owned();
        if dialect != "mod" {
            assert!(
                suites.iter().any(|suite| suite.starts_with(&dialect)),
                "no conformance suite is named after {dialect}: {suites:?}"
            );
            dialects.push(dialect);
        }
    }
    assert!(dialects.len() >= 3, "found too few dialects: {dialects:?}");
}

/// The names of the suites that a crate's tests run.
fn suites(crate_: &Path) -> Vec<String> {
    let tests = sources(&crate_.join("tests"));
    let runs = tests
        .iter()
        .flat_map(|source| source.split("conformance_suite!(").skip(1));
    runs.map(|arguments| arguments.trim_start().to_owned())
        .collect()
}

fn crates() -> Vec<PathBuf> {
    let folders = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    folders
        .filter(|folder| folder.join("src").is_dir() && folder.join("Cargo.toml").is_file())
        .collect()
}

fn sources(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.extension() {
            Some(extension) if extension == "rs" => vec![fs::read_to_string(&path).unwrap()],
            _ if path.is_dir() => sources(&path),
            _ => Vec::new(),
        })
        .collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}
