use shedlock::scheduled;

#[scheduled(cron = "0 0 12 * * *", provider = "reports")]
async fn send_report() {}

fn main() {}
