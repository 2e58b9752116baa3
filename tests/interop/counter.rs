//! What `java/src/main/java/Counter.java` does, in Rust and by the same orders: it counts in the
//! store under locks, by reading and then writing. Arguments: those of `Store::connect`.

mod database;
mod store;

use std::collections::BTreeMap;
use std::io::BufRead;
use std::time::{Duration, Instant};

use shedlock::{Acquire, Acquisition, LockConfig, LockProvider};
use store::Store;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, url, space] = &arguments[..] else {
        panic!("not a URL and a lock table: {arguments:?}")
    };
    let store = Store::connect(url, space).await;
    let locks = store.locks();
    println!("ready {}", shedlock::default_holder());
    for order in std::io::stdin().lock().lines() {
        let order = order.expect("an order");
        let ["count", millis, names @ ..] = &order.split(' ').collect::<Vec<_>>()[..] else {
            panic!("no such order: {order}")
        };
        let time = Duration::from_millis(millis.parse().expect("a time"));
        println!("{}", count(&*locks, &store, time, names).await);
    }
}

async fn count(locks: &dyn LockProvider, store: &Store, time: Duration, names: &[&str]) -> String {
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
            overlaps += i64::from(!count_once(store, name).await);
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
async fn count_once(store: &Store, name: &str) -> bool {
    let next = store.read(name).await + 1;
    store.write(name, next).await;
    store.read(name).await == next
}
