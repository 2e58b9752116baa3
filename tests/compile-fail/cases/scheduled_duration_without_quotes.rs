use shedlock::scheduled;

#[scheduled(every = 5_000, lock = "send-report", at_least = 1M, at_most = 14m)]
async fn send_report() {}

fn main() {}
