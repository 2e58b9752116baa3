use shedlock::{InMemoryLockProvider, Run, Scheduler, scheduled};

#[scheduled(cron = "0 0 25 * * *", lock = "", at_most = "1x", zone = "Mars/Olympus", misfire = "all", retries = 3)]
async fn send_report(_run: &Run) -> ! {
    loop {}
}

// No other error follows where the job is used.
fn main() {
    let _ = Scheduler::builder(InMemoryLockProvider::new()).job::<send_report>().build();
}
