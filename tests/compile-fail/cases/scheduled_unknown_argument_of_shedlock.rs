use shedlock::scheduled;

#[scheduled(cron = "0 0 12 * * *", lock = "send-report", lock_at_most_for = "14m")]
async fn send_report() {}

fn main() {}
