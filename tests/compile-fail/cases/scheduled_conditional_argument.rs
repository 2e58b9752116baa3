use shedlock::{Run, scheduled};

#[scheduled(every = "30s")]
async fn send_report(#[cfg(unix)] _run: Run) {}

fn main() {}
