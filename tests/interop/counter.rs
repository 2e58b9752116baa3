//! What `java/src/main/java/Counter.java` does, in Rust and by the same orders: it counts in the database under a lock, by
//! reading and then writing. Arguments: database URL, lock table.

mod database;

use std::collections::BTreeMap;
use std::io::BufRead;
use std::time::{Duration, Instant};

use database::Database;
use shedlock::sqlx::SqlxLockProvider;
use shedlock::{Acquire, Acquisition, LockConfig, LockProvider};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (url, table) = (
        arguments.next().expect("a URL"),
        arguments.next().expect("a table"),
    );
    let database = Database::connect(&url).await;
    let locks = database.locks(&table);
    println!("ready {}", shedlock::default_holder());
    for order in std::io::stdin().lock().lines() {
        let order = order.expect("an order");
        let ["count", millis, names @ ..] = &order.split(' ').collect::<Vec<_>>()[..] else {
            panic!("no such order: {order}")
        };
        let time = Duration::from_millis(millis.parse().expect("a time"));
        println!("{}", count(&locks, &database, &table, time, names).await);
    }
}

async fn count(
    locks: &SqlxLockProvider,
    database: &Database,
    table: &str,
    time: Duration,
    names: &[&str],
) -> String {
    let end = Instant::now() + time;
    let mut counted = BTreeMap::<&str, i64>::new();
    let mut overlaps = 0;
    while Instant::now() < end {
        // Each process begins somewhere else, so that they do not walk in step.
        let first = std::process::id() as usize + counted.values().sum::<i64>() as usize;
        for step in 0..names.len() {
            let name = names[(first + step) % names.len()];
            let config = LockConfig::new(name, "60s").expect("a lock");
            let answer = locks.acquire(&Acquire::new(&config)).await;
            let Acquisition::Acquired(lease) = answer.expect("an answer") else {
                continue;
            };
            overlaps += i64::from(!count_once(database, table, name).await);
            *counted.entry(name).or_default() += 1;
            locks
                .release(&lease, Duration::ZERO)
                .await
                .expect("a release");
        }
    }
    let mut answer = format!("counted overlaps={overlaps}");
    for (name, n) in counted {
        answer += &format!(" {name}={n}");
    }
    answer
}

/// Whether nobody else counted meanwhile.
async fn count_once(database: &Database, table: &str, name: &str) -> bool {
    let read = format!("SELECT n FROM {table}_count WHERE name = '{name}'");
    let next = database.number(&read).await + 1;
    let write = format!("UPDATE {table}_count SET n = {next} WHERE name = '{name}'");
    database.execute(&write).await;
    database.number(&read).await == next
}
