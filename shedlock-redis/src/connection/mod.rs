//! From what a user gives to open connections that many calls use.

mod connections;
mod lazy_connection;
mod open;
mod origin;
mod redis_connection;
mod scan;
mod shared_task;

pub use redis_connection::RedisConnection;

pub(crate) use connections::{Connections, MAX_CONNECTIONS};
pub(crate) use scan::Scan;
