use shedlock::scheduled;

#[scheduled(every = "30s")]
async fn send_report() -> Result<(), String> {
    let lines: usize = "many";
    print_lines(lines);
    Ok(())
}

fn main() {}
