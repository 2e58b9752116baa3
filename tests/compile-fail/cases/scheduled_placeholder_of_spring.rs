use shedlock::scheduled;

#[scheduled(cron = "${report.cron}", zone = "${zone}", lock = "report-#{id}", at_most = "${report.at-most:PT14M}")]
async fn send_report() {}

fn main() {}
