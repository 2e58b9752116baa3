use shedlock::scheduled;

#[scheduled(cron = "0 0 12 * * *", name = " ")]
async fn send_report() {}

fn main() {}
