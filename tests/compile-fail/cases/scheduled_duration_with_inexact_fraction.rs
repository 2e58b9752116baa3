use shedlock::scheduled;

#[scheduled(every = "0.333h", lock = "send-report", at_most = 0.333h)]
async fn send_report() {}

fn main() {}
