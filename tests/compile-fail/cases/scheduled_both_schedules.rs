use shedlock::scheduled;

#[scheduled(cron = "0 0 12 * * *", every = "30s")]
async fn send_report() {}

fn main() {}
