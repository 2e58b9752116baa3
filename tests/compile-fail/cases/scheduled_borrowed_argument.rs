use shedlock::{Data, Run, scheduled};

#[scheduled(every = "30s")]
async fn send_report(_value: &Data<String>, _run: &Run) {}

fn main() {}
