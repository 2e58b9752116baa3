use shedlock::scheduled;

#[scheduled(cron = "0 0 12 * * *", crate = "my_crate::shedlock")]
async fn send_report() {}

fn main() {}
