use shedlock::scheduled;

#[scheduled(lock = "send-report", at_most = "14m")]
async fn send_report() {}

fn main() {}
