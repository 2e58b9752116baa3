use shedlock::scheduled;

#[scheduled(every = "half an hour")]
async fn send_report() {}

fn main() {}
