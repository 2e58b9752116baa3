use shedlock::scheduled;

struct Reports;

impl Reports {
    #[scheduled(every = "30s")]
    async fn send_report(&self) {}
}

fn main() {}
