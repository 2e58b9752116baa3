//! Watches a scheduler in this process: how much memory and CPU time it takes, and how late its
//! jobs are. Shared with `peers/rust`.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use tokio::time::sleep;

use super::case::{Case, Due, Measured};

const NEVER: u64 = u64::MAX;

/// Where jobs tell that they ran.
pub(crate) struct Board {
    /// Microseconds, of each job's first run.
    late_by: Vec<AtomicU64>,
    ran: AtomicUsize,
}

/// A scheduler that is being set up.
pub(crate) struct Watch {
    case: Case,
    board: Arc<Board>,
    bytes: f64,
    began: Instant,
}

impl Board {
    pub(crate) fn ran(&self, job: usize, due: DateTime<Utc>) {
        let late_by = (Utc::now() - due).num_microseconds().unwrap_or_default();
        let late_by = u64::try_from(late_by).unwrap_or_default();
        let first = self.late_by[job].compare_exchange(
            NEVER,
            late_by,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if first.is_ok() {
            self.ran.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How late a part of the runs was at most, in milliseconds.
    fn late_ms(sorted: &[u64], part: f64) -> f64 {
        let last = sorted.len().saturating_sub(1) as f64;
        let late_by = sorted.get((last * part).round() as usize);
        late_by.map_or(0.0, |micros| *micros as f64 / 1e3)
    }
}

impl Watch {
    pub(crate) fn new(case: Case) -> Result<Self> {
        let board = Board {
            late_by: (0..case.jobs).map(|_| AtomicU64::new(NEVER)).collect(),
            ran: AtomicUsize::new(0),
        };
        Ok(Self {
            case,
            board: Arc::new(board),
            bytes: bytes()?,
            began: Instant::now(),
        })
    }

    pub(crate) fn board(&self) -> Arc<Board> {
        self.board.clone()
    }

    /// Watches from now on, as the scheduler has been started.
    pub(crate) async fn started(self) -> Result<Measured> {
        let setup_ms = self.began.elapsed().as_secs_f64() * 1e3;
        let bytes = bytes()? - self.bytes;
        let (cpu, began) = (cpu_seconds()?, Instant::now());
        while began.elapsed() < self.case.patience() && !self.is_over() {
            sleep(Duration::from_millis(200)).await;
        }
        let share = (cpu_seconds()? - cpu) / began.elapsed().as_secs_f64();
        let late_by = self.board.late_by.iter();
        let mut late_by: Vec<_> = late_by.map(|late| late.load(Ordering::Relaxed)).collect();
        late_by.retain(|late| *late != NEVER);
        late_by.sort_unstable();
        Ok(Measured {
            setup_ms,
            bytes,
            idle_cpu_percent: share * 100.0,
            ran: late_by.len(),
            p50_ms: Board::late_ms(&late_by, 0.5),
            p99_ms: Board::late_ms(&late_by, 0.99),
            max_ms: Board::late_ms(&late_by, 1.0),
        })
    }

    fn is_over(&self) -> bool {
        self.case.due != Due::NextYear && self.board.ran.load(Ordering::Relaxed) == self.case.jobs
    }
}

/// The memory that this process has.
fn bytes() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kib.context("the size of this process")?.parse::<f64>()? * 1024.0)
}

/// The CPU time that this process has used; Linux counts it in hundredths of a second.
fn cpu_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(") ").context("the fields of a process")?;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / 100.0)
}
