use shedlock::scheduled;

struct Reports;

// An attribute cannot see where its fn stands, so the words are the compiler's. The documentation has them.
impl Reports {
    #[scheduled(every = "30s")]
    async fn send_report() {}
}

fn main() {}
