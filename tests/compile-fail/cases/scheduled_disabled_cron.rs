use shedlock::scheduled;

#[scheduled(cron = "-")]
async fn send_report() {}

fn main() {}
