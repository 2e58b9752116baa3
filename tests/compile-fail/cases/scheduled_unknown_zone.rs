use shedlock::scheduled;

#[scheduled(cron = "0 0 12 * * *", zone = "Europe/Berlni")]
async fn send_report() {}

fn main() {}
