use shedlock::scheduled;

#[scheduled(corn = "0 0 12 * * *")]
async fn send_report() {}

fn main() {}
