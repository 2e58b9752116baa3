use shedlock::scheduled;

#[scheduled(every = "0 */5 * * * *")]
async fn send_report() {}

#[scheduled(cron = "5m")]
async fn sync_users() {}

#[scheduled(cron = "every 5m")]
async fn clean_up() {}

fn main() {}
