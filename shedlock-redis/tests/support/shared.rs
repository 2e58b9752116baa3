//! Servers that all tests of a process share.

use std::sync::OnceLock;

use shedlock_test_support::Servers;

pub(crate) fn cluster() -> &'static Servers {
    static CLUSTER: OnceLock<Servers> = OnceLock::new();
    CLUSTER.get_or_init(|| Servers::start(&["redis-cluster"]))
}

pub(crate) fn sentinel() -> &'static Servers {
    static SENTINEL: OnceLock<Servers> = OnceLock::new();
    SENTINEL.get_or_init(|| Servers::start(&["redis-sentinel"]))
}

pub(crate) fn tls() -> &'static Servers {
    static TLS: OnceLock<Servers> = OnceLock::new();
    TLS.get_or_init(|| Servers::start(&["redis-tls"]))
}
