use shedlock::scheduled;

#[scheduled("0 0 12 * * *", "send-report", "5m")]
async fn send_report() {}

#[scheduled(every = "30s", "sync-users")]
async fn sync_users() {}

fn main() {}
