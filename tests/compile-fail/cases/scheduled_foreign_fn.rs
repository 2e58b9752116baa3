use shedlock::scheduled;

#[scheduled(every = "30s")]
async extern "C" fn send_report() {}

fn main() {}
