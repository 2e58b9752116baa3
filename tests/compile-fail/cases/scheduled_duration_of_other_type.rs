use shedlock::scheduled;

#[scheduled(every = 20 + 10)]
async fn send_report() {}

fn main() {}
