use shedlock::scheduled;

#[scheduled(cron = "0 0 12 * * *", keep_alive)]
async fn send_report() {}

fn main() {}
