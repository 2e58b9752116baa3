use shedlock::scheduled;

#[scheduled(cron = "0 0 0 30 2 *")]
async fn send_report() {}

fn main() {}
