//! The Java program in `java/`, built once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Further arguments of Maven, for another version of ShedLock: `-Dshedlock.version=6.10.0`.
const OPTIONS: &str = "SHEDLOCK_TEST_MAVEN_OPTIONS";

/// The class path of the program. Whoever asks first builds it; a build of an earlier run is used
/// if nothing has changed.
pub(crate) fn class_path() -> &'static str {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("interop-java");
        build(&target);
        format!("{0}/classes:{0}/lib/*", target.display())
    })
}

fn build(target: &Path) {
    fs::create_dir_all(target).expect("a folder");
    // Two test programs may want it at once.
    let lock = fs::File::create(target.with_extension("lock")).expect("a file");
    lock.lock().expect("a lock");
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/java");
    let options = std::env::var(OPTIONS).unwrap_or_default();
    let (stamp, inputs) = (
        target.join("built-from"),
        format!("{options}\n{}", sources(&project)),
    );
    if fs::read_to_string(&stamp).is_ok_and(|built| built == inputs) {
        return;
    }
    let online: Vec<&str> = options.split_whitespace().collect();
    // Without the network if an earlier build on this machine has fetched everything.
    let offline = [&online[..], &["-o", "-l", "/dev/null"]].concat();
    assert!(
        maven(&project, target, &offline) || maven(&project, target, &online),
        "Maven could not build {} {options}",
        project.display()
    );
    fs::write(stamp, inputs).expect("to write");
}

fn maven(project: &Path, target: &Path, arguments: &[&str]) -> bool {
    let status = Command::new("mvn")
        .args(["-q", "-B", "clean", "package"])
        .arg(format!("-Dpeer.target={}", target.display()))
        .args(arguments)
        .current_dir(project)
        .status();
    status
        .expect("Maven: run the tests with ./scripts/test, which installs it")
        .success()
}

/// All files that the build depends on.
fn sources(project: &Path) -> String {
    let sources = project.join("src/main/java");
    let mut files: Vec<PathBuf> = fs::read_dir(sources)
        .expect("sources")
        .map(|file| file.expect("a file").path())
        .collect();
    files.push(project.join("pom.xml"));
    files.sort();
    (files
        .iter()
        .map(|file| fs::read_to_string(file).expect("a file")))
    .collect()
}
