use shedlock::scheduled;

#[scheduled(cron = "0 0 12 * * *", lock = "", at_most = "14m")]
async fn send_report() {}

fn main() {}
