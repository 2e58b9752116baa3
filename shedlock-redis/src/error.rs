use std::time::Duration;

use redis::RedisError;
use shedlock_core::LockError;

use crate::kind::{Kind, was_refused};
use crate::refusal::Refusal;

/// What to check, and which rights the user of a Redis needs.
const RIGHTS: &str = "check user and password, and allow the user these keys, the commands EVALSHA, EVAL and SCAN, and those that the scripts call (GET, SET, DEL, PEXPIREAT, PEXPIRETIME, PTTL, TIME)";

/// Why a call failed.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// There is no connection to be had, so nothing was sent.
    #[error("no connection")]
    Unconnected(#[source] RedisError),
    /// The driver or the server said so.
    #[error("the command failed")]
    Command(#[source] RedisError),
    /// The last error of a Cluster's driver, which sends a command again by itself.
    #[error("the command failed in the Cluster")]
    InCluster(#[source] RedisError),
    /// No connection in time, so nothing was sent.
    #[error("no connection within {0:?}")]
    ConnectingTimedOut(Duration),
    /// No answer in time.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The acquisition was granted or taken back already, so this is a duplicate of its command.
    #[error("the command was carried out more than once")]
    Duplicate,
}

impl Failure {
    /// None if the driver says nothing about it.
    fn kind(&self) -> Option<Kind> {
        match self {
            Self::Unconnected(error) | Self::Command(error) => Some(Kind::of(error)),
            Self::InCluster(error) => Some(Kind::in_cluster(error)),
            Self::ConnectingTimedOut(_) | Self::TimedOut(_) | Self::Duplicate => None,
        }
    }

    /// Whether it is worth trying again.
    pub(crate) fn is_transient(&self) -> bool {
        self.kind().is_none_or(Kind::is_transient)
    }

    /// Whether the server may have carried the command out, or still may.
    pub(crate) fn leaves_in_doubt(&self) -> bool {
        match self {
            Self::Command(error) => !was_refused(error) && !error.is_connection_refusal(),
            // A node that was asked before may have done it. A script that is refused for good
            // has reached the node in charge, and would have found what was done.
            Self::InCluster(error) => !was_refused(error) || self.is_transient(),
            Self::TimedOut(_) | Self::Duplicate => true,
            Self::Unconnected(_) | Self::ConnectingTimedOut(_) => false,
        }
    }

    /// Whether the reason may be that of one lock among many, or that there are many.
    pub(crate) fn may_concern_one(&self) -> bool {
        let of_all = |error| {
            matches!(
                Kind::of(error),
                Kind::ProxyFailed
                    | Kind::ReadOnly
                    | Kind::NotReady
                    | Kind::TooManyConnections
                    | Kind::OutOfMemory
                    | Kind::CannotPersist
            )
        };
        matches!(self, Self::Command(error) if error.code().is_some() && !of_all(error))
    }

    /// Whether another connection may do better: this one is broken, does not answer, or leads to
    /// what is no master any more.
    pub(crate) fn needs_new_connection(&self) -> bool {
        match self {
            Self::Command(error) | Self::InCluster(error) => {
                matches!(Kind::of(error), Kind::Broken | Kind::ReadOnly)
            }
            Self::TimedOut(_) => true,
            _ => false,
        }
    }

    /// As the caller is told, with the keys that it asked about.
    pub(crate) fn about(self, keys: &str) -> LockError {
        match self {
            Self::Unconnected(error) | Self::Command(error) => {
                described(keys, Kind::of(&error), error)
            }
            Self::InCluster(error) => described(keys, Kind::in_cluster(&error), error),
            Self::ConnectingTimedOut(after) | Self::TimedOut(after) => LockError::Unavailable {
                problem: format!(
                    "Redis did not answer within {after:?}; is the server up, and the network?"
                ),
                source: self.into(),
            },
            Self::Duplicate => LockError::Unavailable {
                problem: "the connection failed again and again while the lock was asked for"
                    .into(),
                source: self.into(),
            },
        }
    }
}

fn described(keys: &str, kind: Kind, error: RedisError) -> LockError {
    let source = error.clone().into();
    let store = |problem: String| LockError::Store {
        problem,
        source: error.clone().into(),
    };
    match kind {
        Kind::Denied => LockError::PermissionDenied {
            locks: keys.to_owned(),
            remedy: RIGHTS.to_owned(),
            source,
        },
        Kind::ReadOnly => LockError::ReadOnly { source },
        Kind::NotReady => LockError::Unavailable {
            problem: format!(
                "Redis answers but cannot serve requests yet ({}); this usually ends by itself",
                Refusal::of(&error).map_or("", |refusal| refusal.code)
            ),
            source,
        },
        Kind::TooManyConnections => LockError::Unavailable {
            problem: "Redis lets in no more clients: raise its `maxclients`, or find who keeps so many connections".into(),
            source,
        },
        Kind::CannotPersist => LockError::Unavailable {
            problem: "Redis refuses writes as it cannot save its data to disk: its log says why, and once it can save, this ends by itself".into(),
            source,
        },
        Kind::Broken => LockError::Unavailable {
            problem: if error.is_connection_refusal() {
                "nothing listens at the address of Redis; is the server up, and is the address right?".into()
            } else {
                format!("the connection to Redis failed ({})", error.category())
            },
            source,
        },
        Kind::ProxyFailed => LockError::Unavailable {
            problem: format!(
                "a proxy answers that it did not get through to Redis ({})",
                Refusal::of(&error).map_or_else(String::new, |refusal| refusal.to_string())
            ),
            source,
        },
        // At this time, its words hold nothing of the URL.
        Kind::Settings => LockError::Setup {
            problem: format!("the driver cannot connect as it is told to ({error})"),
        },
        Kind::WrongNode => store(
            "this Redis is a node of a Cluster: connect by `redis+cluster://` or with a `ClusterConnection`".into(),
        ),
        Kind::OutOfMemory => store(
            "Redis is out of memory: raise its `maxmemory`, or delete what nobody needs".into(),
        ),
        Kind::WrongType => store(format!(
            "something else keeps its data under keys like `{keys}`: set another key prefix or environment"
        )),
        Kind::Other => store(match Refusal::of(&error) {
            Some(refusal) => format!("Redis refused with `{refusal}`"),
            None => format!("the driver reports a problem of its own ({})", error.category()),
        }),
    }
}

/// A setting that cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Invalid {
    #[error(
        "key prefix `{prefix}` and environment `{environment}` cannot be used: neither may be empty, the environment may not begin with a colon, and braces in the prefix must enclose a hash tag"
    )]
    Keys { prefix: String, environment: String },
    #[error(
        "a Redis URL starts with its scheme and `://`, without blanks or quotes before it; schemes are redis, rediss (TLS), redis+cluster, rediss+cluster, redis+unix, and the same with valkey"
    )]
    Scheme,
    #[error(
        "Sentinel has no URL: use `RedisConnection::sentinel`, which needs the cargo feature `redis-sentinel` of shedlock (`sentinel` of shedlock-redis)"
    )]
    Sentinel,
    #[error(
        "`{scheme}` needs the cargo feature `{feature}` of shedlock (`{own}` of shedlock-redis), which is off"
    )]
    #[cfg_attr(
        all(feature = "cluster", feature = "tls"),
        expect(dead_code, reason = "no feature is off")
    )]
    Feature {
        scheme: String,
        feature: &'static str,
        /// What it turns on here.
        own: &'static str,
    },
    /// Without the driver's details, which quote parameters: that may be the end of a password
    /// which was not escaped.
    #[error(
        "the address of Redis cannot be used ({}): check host, port and database number, and percent-encode what is special in user and password",
        .0.category()
    )]
    Address(RedisError),
}

impl From<Invalid> for LockError {
    fn from(invalid: Invalid) -> Self {
        Self::Setup {
            problem: invalid.to_string(),
        }
    }
}
