use shedlock::{Data, scheduled};

#[scheduled(every = "30s")]
async fn of_type<T: Clone + Send + Sync + 'static>(_value: Data<T>) {}

#[scheduled(every = "30s")]
async fn of_lifetime<'a>(_value: Data<&'a str>) {}

#[scheduled(every = "30s")]
async fn of_constant<const N: usize>(_value: Data<[u8; N]>) {}

fn main() {}
