use shedlock::scheduled;

#[scheduled(every = "30s")]
struct SendReport;

fn main() {}
