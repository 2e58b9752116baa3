use shedlock::scheduled;

#[scheduled(every = "30s")]
async fn send_report() -> Result<(), Failure> {
    Err(Failure)
}

struct Failure;

fn main() {}
