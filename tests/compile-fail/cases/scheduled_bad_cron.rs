use shedlock::scheduled;

#[scheduled(cron = "0 0 25 * * *")]
async fn send_report() {}

fn main() {}
