use shedlock::scheduled;

#[scheduled(cron = "0 0 12")]
async fn send_report() {}

fn main() {}
