//! Lock store for shedlock in Redis and Valkey, through [redis-rs](https://docs.rs/redis): one
//! server, Cluster or Sentinel.
//!
//! Nothing is on by default: the features `cluster` and `sentinel` (of shedlock: `redis-cluster` and
//! `redis-sentinel`) bring a topology each, `tls` encrypts connections.
//!
//! Keys and values are [ShedLock's](https://github.com/lukas-krecan/ShedLock), so a fleet may be
//! half Java and half Rust. Every time that is stored or compared is computed by the server, one
//! script decides each acquire, and a refused one writes nothing. See [`RedisLockProvider`].

#![cfg_attr(docsrs, feature(doc_cfg))]

mod acquiring;
mod answer;
mod attempt;
mod batcher;
mod builder;
mod connection;
mod error;
mod keys;
mod kind;
mod listing;
mod provider;
mod queue;
mod refusal;
mod script;
mod store;
mod tries;
mod value;

pub use builder::Builder;
pub use connection::RedisConnection;
pub use provider::RedisLockProvider;

/// The driver, in the version whose types this crate takes.
pub use redis;
