use shedlock::scheduled;

#[scheduled(cron = "0 0 12 * * *", jitter = "1s", max_concurrent_runs = 8, misfire_grace = "5s")]
async fn send_report() {}

#[scheduled(every = "30s", enabled = false, retries = 3, timeout = "10s")]
async fn sync_users() {}

fn main() {}
