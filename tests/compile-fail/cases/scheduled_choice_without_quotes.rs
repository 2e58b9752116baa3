use shedlock::scheduled;

#[scheduled(every = "30s", lock = "send-report", at_most = "14m", misfire = once, on_lost = continue)]
async fn send_report() {}

fn main() {}
