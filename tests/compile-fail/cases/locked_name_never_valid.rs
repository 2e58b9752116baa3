use shedlock::{InMemoryLockProvider, locked};

#[locked(provider = *locks, name = "import-the-customers-and-orders-and-invoices-of-every-single-tenant-{tenant}", at_most = "10m")]
async fn import(locks: &InMemoryLockProvider, tenant: &str) {
    let _ = (locks, tenant);
}

#[locked(provider = *locks, name = "settle-{tenant} ", at_most = "10m")]
async fn settle(locks: &InMemoryLockProvider, tenant: &str) {
    let _ = (locks, tenant);
}

fn main() {}
