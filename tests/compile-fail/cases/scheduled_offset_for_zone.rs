use shedlock::scheduled;

#[scheduled(cron = "0 0 12 * * *", zone = "GMT+9")]
async fn send_report() {}

fn main() {}
