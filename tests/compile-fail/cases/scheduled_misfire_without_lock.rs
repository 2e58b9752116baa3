use shedlock::scheduled;

#[scheduled(cron = "0 0 12 * * *", misfire = "once")]
async fn send_report() {}

fn main() {}
