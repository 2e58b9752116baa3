use std::pin::Pin;

use shedlock::{InMemoryLockProvider, locked};

#[locked(provider = *locks, name = "import", at_most = "10m")]
fn import(locks: &InMemoryLockProvider) -> impl Future<Output = Result<u64, String>> {
    let _ = locks;
    async { Ok(7) }
}

#[locked(provider = *locks, name = "settle", at_most = "10m")]
async fn settle(locks: &InMemoryLockProvider) -> impl Future<Output = Result<u64, String>> {
    let _ = locks;
    async { Ok(7) }
}

#[locked(provider = *locks, name = "count", at_most = "10m")]
async fn count(locks: &InMemoryLockProvider) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    let _ = locks;
    Box::pin(async {})
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

macro_rules! of_a_macro {
    ($ty:ty) => {
        #[locked(provider = *locks, name = "drain", at_most = "10m")]
        async fn drain(locks: &InMemoryLockProvider) -> $ty {
            let _ = locks;
            Box::pin(async { 7 })
        }
    };
}

of_a_macro!(BoxFuture<'static, u8>);

fn main() {}
