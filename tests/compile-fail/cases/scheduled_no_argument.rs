use shedlock::scheduled;

#[scheduled]
async fn send_report() {}

fn main() {}
