use shedlock::scheduled;

#[scheduled(cron = "0 0 12 * * *", Lock = "send-report", AtMost = "14m")]
async fn send_report() {}

fn main() {}
