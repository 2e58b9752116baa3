use shedlock::scheduled;

#[scheduled(every = "30s")]
async unsafe fn send_report() {}

fn main() {}
