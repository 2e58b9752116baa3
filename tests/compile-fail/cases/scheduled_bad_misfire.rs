use shedlock::scheduled;

#[scheduled(cron = "0 0 12 * * *", lock = "send-report", at_most = "14m", misfire = "all")]
async fn send_report() {}

fn main() {}
