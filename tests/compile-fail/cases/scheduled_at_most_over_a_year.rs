use shedlock::scheduled;

#[scheduled(every = "30s", lock = "send-report", at_most = "367d")]
async fn send_report() {}

fn main() {}
