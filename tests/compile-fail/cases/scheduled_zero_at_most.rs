use shedlock::scheduled;

#[scheduled(every = "30s", lock = "send-report", at_most = "0s")]
async fn send_report() {}

fn main() {}
