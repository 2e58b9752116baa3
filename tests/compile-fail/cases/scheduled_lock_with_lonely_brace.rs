use shedlock::scheduled;

#[scheduled(cron = "0 0 12 * * *", lock = "job-}", at_most = "14m")]
async fn import() {}

fn main() {}
