use shedlock::scheduled;

#[scheduled(cron = "0 0 12 * * *", lock = "send-the-weekly-report-of-all-tenants-to-everybody-who-wants-to-get-it", at_most = "14m")]
async fn send_report() {}

fn main() {}
