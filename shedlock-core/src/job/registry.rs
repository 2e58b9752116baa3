use super::Job;

/// What `#[scheduled]` leaves behind at link time: how to make its job.
#[derive(Clone, Copy, Debug)]
pub struct Registration(fn() -> Job);

impl Registration {
    /// Registers the job that `job` makes.
    pub const fn new(job: fn() -> Job) -> Self {
        Self(job)
    }
}

inventory::collect!(Registration);

/// Every job that is linked into this program.
pub(crate) fn linked_jobs() -> impl Iterator<Item = Job> {
    inventory::iter::<Registration>
        .into_iter()
        .map(|registration| (registration.0)())
}
