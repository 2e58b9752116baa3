use shedlock::scheduled;

#[scheduled(every = 30, lock = "send-report", at_most = 1.5)]
async fn send_report() {}

fn main() {}
