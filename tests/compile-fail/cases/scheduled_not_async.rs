use shedlock::scheduled;

#[scheduled(every = "30s")]
fn send_report() {}

fn main() {}
