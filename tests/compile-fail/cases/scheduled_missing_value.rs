use shedlock::scheduled;

#[scheduled(cron, lock = , at_most = "14m")]
async fn send_report() {}

fn main() {}
