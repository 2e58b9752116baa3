use super::answers::{AcquireAnswer, ReleaseAnswer};
use super::stage::{LONG, Stage};
use crate::Acquire;

pub(super) async fn names_are_independent(stage: &Stage<'_>) {
    let [a, b] = stage.nodes().await;
    let (one, other) = (stage.lock(LONG), stage.lock(LONG));
    let lease = a.acquire(&Acquire::new(&one)).await.acquired();
    b.acquire(&Acquire::new(&other)).await.acquired();
    a.release(&lease, one.least()).await.released();
    b.acquire(&Acquire::new(&one)).await.acquired();
    a.acquire(&Acquire::new(&other)).await.held();
}
