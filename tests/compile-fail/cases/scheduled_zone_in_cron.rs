use shedlock::scheduled;

#[scheduled(cron = "CRON_TZ=Asia/Tokyo 0 6 * * *")]
async fn send_report() {}

fn main() {}
