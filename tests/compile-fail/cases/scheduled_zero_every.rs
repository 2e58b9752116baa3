use shedlock::scheduled;

#[scheduled(every = "0s")]
async fn send_report() {}

fn main() {}
