use shedlock::scheduled;

#[scheduled(cron = "0 0 12 * * *", priority = 3)]
async fn send_report() {}

fn main() {}
