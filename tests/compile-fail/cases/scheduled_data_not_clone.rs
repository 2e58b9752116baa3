use shedlock::{Data, scheduled};

struct Mailer;

#[scheduled(every = "30s")]
async fn send_report(_mailer: Data<Mailer>) {}

fn main() {}
