use std::rc::Rc;

use shedlock::scheduled;

#[scheduled(every = "30s")]
async fn send_report() {
    let recipients = Rc::new(3);
    std::future::ready(()).await;
    drop(recipients);
}

fn main() {}
