use shedlock::scheduled;

#[scheduled(every = "30s")]
async fn send_report() -> Option<()> {
    None
}

fn main() {}
