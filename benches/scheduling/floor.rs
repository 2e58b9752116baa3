//! No scheduler at all: one task that sleeps until each moment, which is as late as tokio's timer
//! and the machine make it.

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::sleep;

use super::case::{Case, Due};
use super::watch::Watch;
use super::{period, print};

/// Measures one case, and prints what was seen.
pub(crate) async fn serve(words: &[&str]) -> Result<()> {
    let case = Case::read(words)?;
    let (watch, first) = (Watch::new(case)?, case.first_due());
    let mut moments: Vec<_> = (0..case.jobs)
        .map(|number| (moment(number, case.due, first), number))
        .collect();
    moments.sort_unstable();
    let board = watch.board();
    tokio::spawn(async move {
        for (due, number) in moments {
            if let Ok(rest) = (due - Utc::now()).to_std() {
                sleep(rest).await;
            }
            board.ran(number, due);
        }
    });
    print(&watch.started().await?)
}

/// When a job would first be due.
fn moment(number: usize, due: Due, first: DateTime<Utc>) -> DateTime<Utc> {
    match due {
        Due::NextYear => first + TimeDelta::days(365),
        Due::AtOnce => first,
        Due::OnFullSeconds => {
            let seconds = (number as i64 - first.timestamp()).rem_euclid(60);
            first + TimeDelta::seconds(seconds)
        }
        Due::WithinAMinute => {
            let period = period(number).as_millis() as i64;
            let next = (first.timestamp_millis() / period + 1) * period;
            DateTime::from_timestamp_millis(next).unwrap_or(first)
        }
    }
}
