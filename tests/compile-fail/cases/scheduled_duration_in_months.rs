use shedlock::scheduled;

#[scheduled(every = "1M")]
async fn send_report() {}

fn main() {}
