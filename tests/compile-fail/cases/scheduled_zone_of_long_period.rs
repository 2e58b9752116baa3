use shedlock::scheduled;

#[scheduled(every = "1d", zone = "Asia/Seoul")]
async fn send_report() {}

#[scheduled(every = "6h", zone = "Europe/Berlin")]
async fn sync_users() {}

fn main() {}
