use shedlock::scheduled;

#[scheduled(cron = "0 0 12 * * *", retries = 3)]
async fn send_report() {}

fn main() {}
