use shedlock::scheduled;

#[scheduled(lock = "send-report", at_most = "14m", every = 2 *)]
async fn send_report() {}

fn main() {}
