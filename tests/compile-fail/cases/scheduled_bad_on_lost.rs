use shedlock::scheduled;

#[scheduled(cron = "0 0 12 * * *", lock = "send-report", at_most = "14m", on_lost = "abort")]
async fn send_report() {}

fn main() {}
