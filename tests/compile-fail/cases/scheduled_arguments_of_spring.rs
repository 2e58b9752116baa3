use shedlock::scheduled;

#[scheduled(fixedRate = 5000, lockName = "send-report", lockAtMostFor = "14m")]
async fn send_report() {}

#[scheduled(fixedDelayString = "PT5S", initialDelay = 5000)]
async fn sync_users() {}

fn main() {}
