use shedlock::scheduled;

#[scheduled(every = "1d", zone = "Asia/Seoul")]
async fn send_report() {}

#[scheduled(every = "6h", zone = "Europe/Berlin")]
async fn sync_users() {}

#[scheduled(cron = "@every 24h", zone = "Asia/Seoul")]
async fn sync_groups() {}

#[scheduled(cron = "@every 24h Asia/Seoul")]
async fn sync_roles() {}

fn main() {}
