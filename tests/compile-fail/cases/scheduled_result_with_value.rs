use shedlock::scheduled;

#[scheduled(every = "30s")]
async fn send_report() -> Result<u64, String> {
    Ok(1)
}

fn main() {}
