//! What time it is in a store, and which jobs are due by then.

mod agenda;
mod shared_schedule;
mod store_clock;

pub(super) use agenda::{Agenda, Entry};
pub(super) use shared_schedule::{ScheduleInterner, SharedSchedule};
pub(super) use store_clock::{STORE_PRECISION, StoreClock};
