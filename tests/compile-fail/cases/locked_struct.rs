use shedlock::locked;

#[locked(provider = locks, name = "import", at_most = "10m")]
struct Import;

fn main() {}
