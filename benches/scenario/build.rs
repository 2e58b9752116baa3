//! What it costs to compile: hello worlds of ours and of others, and an annotated fn.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use futures_util::FutureExt;

use super::{Scenario, When};
use crate::race::statistics::{number, of};
use crate::race::table::Table;

pub(crate) const SCENARIO: Scenario = Scenario {
    name: "build",
    about: "clean release builds of hello worlds, and the compile time of #[scheduled]",
    when: When::IfNamed,
    run: |stage, show| {
        let repetitions = stage.options.repetitions;
        async move {
            show(hello_worlds()?);
            show(annotated_fns(repetitions)?);
            Ok(())
        }
        .boxed_local()
    },
};

/// The folders of `benches/hello`.
const HELLOS: [&str; 5] = [
    "shedlock",
    "sqlx",
    "tokio-cron-scheduler",
    "apalis-cron",
    "summer-job",
];

fn hello_worlds() -> Result<Table> {
    let columns = [
        "",
        "crates compiled",
        "dependencies",
        "clean build s",
        "binary KiB",
    ];
    let mut table = Table::new(
        "Hello world, release".to_owned(),
        columns.map(str::to_owned).into(),
    );
    let mut data = Vec::new();
    for name in HELLOS {
        match hello_world(name) {
            Ok(numbers) => {
                let cells = [name.to_owned()].into_iter().chain(numbers.map(number));
                table.row(cells.collect());
                data.push(serde_json::json!({ "hello": name, "crates": numbers[0], "dependencies": numbers[1], "seconds": numbers[2], "kib": numbers[3] }));
            }
            Err(error) => {
                table.row(vec![name.to_owned(), "missing".to_owned()]);
                table.note(format!("{name}: {error:#}"));
            }
        }
    }
    table.data = data.into();
    Ok(table)
}

/// Crates that were compiled, dependencies at run time, seconds, and KiB.
fn hello_world(name: &str) -> Result<[f64; 4]> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("hello")
        .join(name);
    let target = tempfile::tempdir()?;
    cargo(&project, target.path(), &["fetch"])?;
    let start = Instant::now();
    let built = cargo(&project, target.path(), &["build", "--release"])?;
    let seconds = start.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&built.stderr);
    let crates = said
        .lines()
        .filter(|line| line.trim_start().starts_with("Compiling "))
        .count();
    let tree = cargo(
        &project,
        target.path(),
        &["tree", "-e", "normal", "--prefix", "none", "-f", "{p}"],
    )?;
    let tree = String::from_utf8(tree.stdout)?;
    let mut dependencies: Vec<_> = tree
        .lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .collect();
    dependencies.sort_unstable();
    dependencies.dedup();
    let size = fs::metadata(target.path().join("release/hello"))?.len();
    // Itself is no dependency.
    Ok([
        crates as f64,
        dependencies.len() as f64 - 1.0,
        seconds,
        size as f64 / 1024.0,
    ])
}

/// The text of the fn of this number.
type Text = fn(usize) -> String;

/// So many fns are compiled beside one, to see what one of them costs.
const MANY: usize = 201;

fn annotated_fns(repetitions: usize) -> Result<Table> {
    let folder = tempfile::tempdir()?;
    let target = folder.path().join("target");
    let kinds: [(_, _, Text); 4] = [
        ("1 annotated fn", 1, annotated),
        ("201 annotated fns", MANY, annotated),
        ("1 plain fn", 1, plain),
        ("201 plain fns", MANY, plain),
    ];
    let mut projects = Vec::new();
    for (number, (label, count, text)) in kinds.into_iter().enumerate() {
        let project = write_project(&folder.path().join(format!("fns-{number}")), count, text)?;
        cargo(&project, &target, &["build"])?;
        projects.push((label, project, Vec::new()));
    }
    for _ in 0..repetitions.max(1) {
        for (_, project, times) in &mut projects {
            let main = project.join("main.rs");
            fs::write(&main, fs::read(&main)?)?;
            let start = Instant::now();
            cargo(project, &target, &["build"])?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    let columns = ["", "build ms", "spread", "ms for each more"];
    let mut table = Table::new(
        "#[scheduled], debug build of the fns' crate alone".to_owned(),
        columns.map(str::to_owned).into(),
    );
    let mut fewer = 0.0;
    for (index, (label, _, times)) in projects.iter().enumerate() {
        let summary = of(times.iter().copied());
        let median = summary.median.unwrap_or_default();
        let each = match index % 2 {
            0 => String::new(),
            _ => number((median - fewer) / (MANY - 1) as f64),
        };
        fewer = median;
        table.row(vec![
            (*label).to_owned(),
            number(median),
            summary.spread_text(),
            each,
        ]);
    }
    table.data = serde_json::json!(
        projects
            .iter()
            .map(|(label, _, times)| (label, times))
            .collect::<Vec<_>>()
    );
    Ok(table)
}

fn annotated(number: usize) -> String {
    format!(
        "#[shedlock::scheduled(cron = \"0 */15 * * * *\", lock = \"job-{number}\", at_most = \"1m\")]\n{}",
        plain(number)
    )
}

fn plain(number: usize) -> String {
    format!("async fn job_{number}() {{ println!(\"{number}\") }}\n")
}

fn write_project(folder: &Path, count: usize, text: Text) -> Result<PathBuf> {
    let shedlock = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let name = folder.file_name().context("a folder")?.display();
    let manifest = format!(
        "[package]\nname = \"{name}\"\nedition = \"2024\"\n[workspace]\n[[bin]]\nname = \"{name}\"\npath = \"main.rs\"\n[dependencies]\nshedlock = {{ path = {:?} }}\n",
        shedlock.canonicalize()?.display().to_string(),
    );
    let mut main = "#![allow(dead_code)]\nfn main() {}\n".to_owned();
    for number in 0..count {
        write!(main, "{}", text(number))?;
    }
    fs::create_dir_all(folder)?;
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::write(folder.join("main.rs"), main)?;
    Ok(folder.to_owned())
}

fn cargo(project: &Path, target: &Path, arguments: &[&str]) -> Result<Output> {
    let output = Command::new("cargo")
        .args(arguments)
        .current_dir(project)
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO_TERM_COLOR", "never")
        .output()?;
    ensure!(
        output.status.success(),
        "cargo {arguments:?} in {}: {}",
        project.display(),
        last_lines(&output.stderr)
    );
    Ok(output)
}

fn last_lines(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join(" ")
}
