use shedlock::{Run, scheduled};

struct Mailer;

#[scheduled(every = "30s")]
async fn send_report(_run: Run, _mailer: Mailer) {}

fn main() {}
