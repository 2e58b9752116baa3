use shedlock::scheduled;

#[scheduled(cron = 5)]
async fn send_report() {}

fn main() {}
