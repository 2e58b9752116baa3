use shedlock::scheduled;

#[scheduled(cron = "0 0 12 * * *", at_least = "14m")]
async fn send_report() {}

fn main() {}
