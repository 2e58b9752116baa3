use shedlock::scheduled;

#[scheduled(cron = "0 0 12 * * *")]
#[scheduled(cron = "0 0 18 * * *")]
async fn send_report() {}

fn main() {}
