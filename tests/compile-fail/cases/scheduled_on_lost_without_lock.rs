use shedlock::scheduled;

#[scheduled(cron = "0 0 12 * * *", on_lost = "continue")]
async fn send_report() {}

fn main() {}
