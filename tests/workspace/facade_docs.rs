//! What a service reads on the pages of `shedlock` compiles where only `shedlock` is a dependency:
//! examples name no other crate of this workspace, except in lines that are hidden.

use std::fs;
use std::path::{Path, PathBuf};

const BEHIND_THE_FACADE: [&str; 4] = [
    "shedlock_core",
    "shedlock_schedule",
    "shedlock_sqlx",
    "shedlock_redis",
];

/// For the authors of providers, or shared by our crates: the facade has none of these.
const NOT_IN_THE_FACADE: [&str; 9] = [
    "shedlock-core/src/lib.rs",
    "shedlock-core/src/conformance/",
    "shedlock-core/src/lock/coalescer/",
    "shedlock-core/src/settings.rs",
    "shedlock-schedule/src/lib.rs",
    "shedlock-schedule/src/zone/",
    "shedlock-schedule/src/duration/",
    "shedlock-schedule/src/lock_name.rs",
    "shedlock-schedule/src/lease_time.rs",
];

#[test]
fn examples_of_the_facade_name_no_other_crate() {
    let mut examples = 0;
    for crate_ in BEHIND_THE_FACADE {
        for file in sources(&root().join(crate_.replace('_', "-")).join("src")) {
            let name = file.strip_prefix(root()).unwrap().to_str().unwrap();
            if NOT_IN_THE_FACADE
                .iter()
                .any(|other| name.starts_with(other))
            {
                continue;
            }
            for line in example_lines(&fs::read_to_string(&file).unwrap()) {
                examples += 1;
                let named = BEHIND_THE_FACADE
                    .iter()
                    .find(|other| line.contains(**other));
                assert_eq!(named, None, "{name}: {line}");
            }
        }
    }
    assert!(examples > 300, "found too few lines: {examples}");
}

/// The lines that a reader sees in examples.
fn example_lines(source: &str) -> Vec<&str> {
    let mut in_example = false;
    let docs = source.lines().filter_map(|line| {
        let line = line.trim_start();
        line.strip_prefix("///").or(line.strip_prefix("//!"))
    });
    docs.map(str::trim_start)
        .filter(|line| {
            let fence = line.starts_with("```");
            in_example ^= fence;
            in_example && !fence && *line != "#" && !line.starts_with("# ")
        })
        .collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap().to_owned()
}
