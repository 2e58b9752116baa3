use shedlock::scheduled;

#[scheduled(cron = "@reboot")]
async fn send_report() {}

fn main() {}
