use shedlock::{Data, scheduled};

#[scheduled(every = "30s")]
async fn send_report(_value: Data<impl Clone>) {}

fn main() {}
