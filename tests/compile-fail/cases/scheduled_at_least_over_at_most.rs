use shedlock::scheduled;

#[scheduled(every = "5m", lock = "send-report", at_least = "2m", at_most = "PT1M")]
async fn send_report() {}

fn main() {}
