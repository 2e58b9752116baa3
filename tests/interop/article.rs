//! The example `article` as two processes on a database of their own, with seconds for the minute:
//! the row says which one runs.

mod database;
mod server;

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use database::Database;
use server::Server;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

const PATIENCE: Duration = Duration::from_secs(60);

struct Instance {
    /// Where it listens, and how `locked_by` names it.
    name: String,
    process: Child,
}

/// A run that began.
#[derive(Debug)]
struct Begun {
    instance: String,
    fire_time: String,
}

#[tokio::test]
async fn the_row_tells_which_server_runs_the_job() {
    let url = database_of_its_own().await;
    let (tell, mut begun) = mpsc::unbounded_channel();
    let mut servers = BTreeMap::new();
    for _ in 0..2 {
        let server = start(&url, tell.clone()).await;
        servers.insert(server.name.clone(), server);
    }

    let mut runs = Vec::new();
    while runs.len() < 2 {
        runs.push(next(&mut begun).await);
        assert_row_names_the_runner(&servers, &runs).await;
    }
    // One server dies, in the middle of its run, and the other one has the job for itself.
    let last = runs.last().expect("a run").instance.clone();
    let mut gone = servers.remove(&last).expect("a server");
    gone.process.kill().await.expect("to kill");
    for _ in 0..2 {
        let run = next(&mut begun).await;
        assert_ne!(run.instance, last);
        runs.push(run);
        assert_row_names_the_runner(&servers, &runs).await;
    }

    runs.sort_by(|one, other| one.fire_time.cmp(&other.fire_time));
    for pair in runs.windows(2) {
        assert_ne!(pair[0].fire_time, pair[1].fire_time, "{runs:?}");
    }
}

async fn database_of_its_own() -> String {
    let server = Server::MariaDb.url();
    let name = format!("article_{}", std::process::id());
    let database = Database::connect(server).await;
    database.execute(&format!("CREATE DATABASE {name}")).await;
    let (place, _) = server.rsplit_once('/').expect("a URL with a database");
    format!("{place}/{name}")
}

/// Tells each run that begins.
async fn start(url: &str, tell: mpsc::UnboundedSender<Begun>) -> Instance {
    let mut process = Command::new(env!("CARGO_BIN_EXE_article_server"))
        .arg("0")
        .env("DATABASE_URL", url)
        .env("REPORT_CRON", "*/5 * * * * *")
        .env("REPORT_LEASE", "PT4.9S")
        .env("NO_COLOR", "1")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the example");
    let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
    let name = loop {
        let line = lines.next_line().await.expect("to read");
        let line = line.expect("a greeting");
        if let Some((_, name)) = line.split_once("on http://") {
            break name.to_owned();
        }
    };
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            if line.contains("report begins") {
                let instance = value(&line, "holder");
                let (_, fire_time) = line.split_once("fire_time=").expect("a fire time");
                let fire_time = fire_time[..19].to_owned();
                // Fails once the test has seen enough.
                let _ = tell.send(Begun {
                    instance,
                    fire_time,
                });
            }
        }
    });
    Instance { name, process }
}

async fn next(begun: &mut mpsc::UnboundedReceiver<Begun>) -> Begun {
    let next = tokio::time::timeout(PATIENCE, begun.recv()).await;
    next.expect("a run in time").expect("a server")
}

/// Every server shows the row of the latest run.
async fn assert_row_names_the_runner(servers: &BTreeMap<String, Instance>, runs: &[Begun]) {
    let run = runs.last().expect("a run");
    for server in servers.keys() {
        let page = get(server).await;
        assert!(page.contains("name=send-report "), "{page}");
        assert!(page.contains("(taken)"), "{page}");
        assert_eq!(value(&page, "locked_by"), run.instance, "{page} {runs:?}");
        let locked_at = value(&page, "locked_at");
        assert_eq!(run.fire_time[11..], locked_at[..8], "{page} {runs:?}");
    }
}

async fn get(server: &str) -> String {
    let mut stream = TcpStream::connect(server).await.expect("a server");
    let request = format!("GET / HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("to ask");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer
}

/// What stands after `key=`.
fn value(line: &str, key: &str) -> String {
    let (_, rest) =
        (line.split_once(&format!("{key}="))).unwrap_or_else(|| panic!("no {key} in: {line}"));
    let end = rest.find([' ', '\n']).unwrap_or(rest.len());
    rest[..end].trim_matches('"').to_owned()
}
