//! The drivers alone, sending what the provider sends.

mod check;
mod redis;
mod sql;

pub(crate) use check::check;
pub(crate) use redis::Redis;
pub(crate) use sql::{Sql, send};

/// A lock that was taken by a statement whose answer nobody has to read: nobody else asks for it.
pub(crate) struct Taken {
    name: String,
    fire_time: i64,
}
