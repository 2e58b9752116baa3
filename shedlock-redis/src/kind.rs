use redis::{ErrorKind, RedisError};

use crate::refusal::Refusal;

/// What a server says, without a code of its own, to a client that it does not let in.
const MAX_CLIENTS: &str = "max number of clients";

/// What an error of the driver means for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Denied,
    ReadOnly,
    /// The server is there and will decide, but not now.
    NotReady,
    /// The server has as many clients as it lets in.
    TooManyConnections,
    /// The connection is of no use any more; another one may be.
    Broken,
    /// A proxy did not get through to the server, or heard no answer of it.
    ProxyFailed,
    /// A Cluster's node was asked for another node's key.
    WrongNode,
    OutOfMemory,
    /// The server cannot save its data, and takes no more until it can: that may be longer than a
    /// call waits.
    CannotPersist,
    WrongType,
    /// The driver cannot connect as the URL or the client asks for.
    Settings,
    Other,
}

impl Kind {
    pub(crate) fn of(error: &RedisError) -> Self {
        match Refusal::of(error) {
            Some(refusal) if refusal.text.starts_with(MAX_CLIENTS) => Self::TooManyConnections,
            Some(refusal) if refusal.is_of_proxy() => Self::ProxyFailed,
            Some(refusal) => Self::named(refusal.code),
            None => Self::of_driver(error.kind()),
        }
    }

    fn named(code: &str) -> Self {
        match code {
            "NOAUTH" | "WRONGPASS" | "NOPERM" => Self::Denied,
            "READONLY" => Self::ReadOnly,
            "LOADING" | "BUSY" | "TRYAGAIN" | "ASK" | "CLUSTERDOWN" | "MASTERDOWN"
            | "NOREPLICAS" => Self::NotReady,
            "MOVED" | "CROSSSLOT" => Self::WrongNode,
            "OOM" => Self::OutOfMemory,
            "MISCONF" => Self::CannotPersist,
            "WRONGTYPE" => Self::WrongType,
            _ => Self::Other,
        }
    }

    fn of_driver(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::AuthenticationFailed => Self::Denied,
            ErrorKind::InvalidClientConfig => Self::Settings,
            ErrorKind::Io
            | ErrorKind::Parse
            | ErrorKind::ClusterConnectionNotFound
            | ErrorKind::MasterNameNotFoundBySentinel => Self::Broken,
            _ => Self::Other,
        }
    }

    /// Its driver follows redirections by itself: one that is left in the end is to a key that is
    /// about to move, as in a failover.
    pub(crate) fn in_cluster(error: &RedisError) -> Self {
        match Self::of(error) {
            Self::WrongNode => Self::NotReady,
            kind => kind,
        }
    }

    /// Whether it is worth trying again.
    pub(crate) fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Broken
                | Self::ProxyFailed
                | Self::NotReady
                | Self::TooManyConnections
                | Self::ReadOnly
        )
    }
}

/// Whether the server says that it did not begin. An unknown error may come from a proxy that did
/// not hear what the server did.
pub(crate) fn was_refused(error: &RedisError) -> bool {
    Refusal::of(error).is_some_and(|refusal| match Kind::of(error) {
        Kind::ProxyFailed => false,
        Kind::Other => refusal.is_of_script(),
        _ => true,
    })
}
