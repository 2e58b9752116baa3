//! What can be done to a fleet.

use std::fmt;

use crate::faults::{clocks, network, processes, server, store};
use crate::options::Provider;
use crate::stage::Stage;
use crate::store::Kind;

/// A kind of fault; a plan injects it again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A worker is killed (SIGKILL), and another started.
    Kill,
    /// All workers are replaced one by one, by SIGTERM.
    Roll,
    /// A worker stands still (SIGSTOP), for longer than its leases.
    Pause,
    /// The clock of a worker is set.
    Clock,
    /// The server is stopped and started, gracefully or not.
    Restart,
    /// The server is away for longer than leases.
    Outage,
    /// The server stands still (SIGSTOP).
    Freeze,
    /// Connections are delayed, held up, cut, and lose their answers.
    Network,
    /// Somebody locks the rows or the file, or pauses the server.
    Contention,
    /// Rows are deleted and edited by hand.
    Tamper,
    /// The table is dropped and made again.
    Table,
}

impl Fault {
    pub(crate) const ALL: [Self; 11] = [
        Self::Kill,
        Self::Roll,
        Self::Pause,
        Self::Clock,
        Self::Restart,
        Self::Outage,
        Self::Freeze,
        Self::Network,
        Self::Contention,
        Self::Tamper,
        Self::Table,
    ];

    /// Whether it can be done there.
    pub(crate) fn is_for(self, provider: &Provider) -> bool {
        let is_server = provider.kind() != Kind::Sqlite;
        match self {
            Self::Restart | Self::Outage | Self::Freeze => {
                is_server && matches!(provider, Provider::Own(_))
            }
            // The clock of a SQLite fleet is that of its machine.
            Self::Network | Self::Clock => is_server,
            _ => true,
        }
    }

    /// Does it once. At its end everything works again.
    pub(crate) async fn inject(self, stage: &mut Stage<'_>) -> anyhow::Result<()> {
        match self {
            Self::Kill => processes::kill(stage).await,
            Self::Roll => processes::roll(stage).await,
            Self::Pause => processes::pause(stage).await,
            Self::Clock => clocks::step(stage).await,
            Self::Restart => server::restart(stage).await,
            Self::Outage => server::outage(stage).await,
            Self::Freeze => server::freeze(stage).await,
            Self::Network => network::disturb(stage).await,
            Self::Contention => store::contend(stage).await,
            Self::Tamper => store::tamper(stage).await,
            Self::Table => store::drop_table(stage).await,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}
