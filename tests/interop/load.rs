//! Processes of both languages count in the store by reading and then writing, under locks: exact
//! only if they exclude each other.

use std::collections::BTreeMap;

use tokio::sync::Mutex;

use crate::peer::{Clock, Peer};
use crate::setup::{Place, Setup};

const NAMES: u32 = 10;

/// A process of each language has each of these: the nodes' clocks must not matter.
const CLOCKS: [Clock; 4] = [Clock(0), Clock(1), Clock(-1), Clock(72)];

/// Lengthens it: `SHEDLOCK_TEST_LOAD_SECONDS=30`.
fn seconds() -> u64 {
    std::env::var("SHEDLOCK_TEST_LOAD_SECONDS")
        .map_or(10, |it| it.parse().expect("a number of seconds"))
}

pub(crate) async fn counts_are_exact(setup: Setup) {
    // Eight processes are enough for the machine.
    static TURN: Mutex<()> = Mutex::const_new(());
    let _turn = TURN.lock().await;
    let place = Place::prepare(setup).await;
    let names: Vec<String> = (0..NAMES).map(|number| format!("name-{number}")).collect();
    place.store.create_counters(&names).await;

    // All are ready before the first one counts.
    let (mut java, mut rust) = (Vec::new(), Vec::new());
    for clock in CLOCKS {
        java.push(Peer::java(&place, clock).await);
        rust.push(Peer::rust(&place, clock).await);
    }
    let order = format!("count {} {}", seconds() * 1_000, names.join(" "));
    let (by_java, by_rust) = tokio::join!(count(java, &order), count(rust, &order));

    let sums = [&by_java, &by_rust].map(|by| by.values().sum::<i64>());
    eprintln!("{setup:?}: {} by Java, {} by Rust", sums[0], sums[1]);
    assert!(
        sums.iter().all(|sum| *sum > 0),
        "one side never got a lock: {sums:?}"
    );
    for name in &names {
        let counted = [&by_java, &by_rust].map(|by| by.get(name).copied().unwrap_or(0));
        let stored = place.store.read(name).await;
        assert_eq!(
            counted.iter().sum::<i64>(),
            stored,
            "{name}: counts were lost"
        );
    }
}

/// What these processes counted together, by name.
async fn count(peers: Vec<Peer>, order: &str) -> BTreeMap<String, i64> {
    let mut counting = tokio::task::JoinSet::new();
    for peer in peers {
        let order = order.to_owned();
        counting.spawn(async move { peer.order(&order).await });
    }
    let mut sums = BTreeMap::new();
    for answer in counting.join_all().await {
        let (overlaps, counts) = (answer.strip_prefix("counted overlaps="))
            .map(|rest| rest.split_once(' ').unwrap_or((rest, "")))
            .unwrap_or_else(|| panic!("{answer}"));
        assert_eq!(
            overlaps, "0",
            "somebody else counted under a lock that was held"
        );
        for count in counts.split_whitespace() {
            let (name, n) = count.split_once('=').expect("a count");
            *sums.entry(name.to_owned()).or_default() += n.parse::<i64>().expect("a number");
        }
    }
    sums
}
