use proc_macro2::TokenStream;

use super::model::Scheduled;
use crate::arguments::{Arguments, Known};
use crate::errors::Errors;
use crate::lease::Lease;

const ARGUMENTS: &[Known] = &[
    Known {
        name: "cron",
        example: "\"0 */15 * * * *\"",
    },
    Known {
        name: "every",
        example: "\"30s\"",
    },
    Known {
        name: "lock",
        example: "\"send-report\"",
    },
    Known {
        name: "at_least",
        example: "\"59s\"",
    },
    Known {
        name: "at_most",
        example: "\"14m\"",
    },
    Known {
        name: "zone",
        example: "\"Europe/Berlin\"",
    },
    Known {
        name: "keep_alive",
        example: "true",
    },
    Known {
        name: "on_lost",
        example: "\"continue\"",
    },
    Known {
        name: "misfire",
        example: "\"once\"",
    },
    Known {
        name: "provider",
        example: "\"reports\"",
    },
    Known {
        name: "name",
        example: "\"send-report\"",
    },
    Known {
        name: "crate",
        example: "my_crate::shedlock",
    },
];

/// What means nothing without a lock.
const LOCK_SETTINGS: &[&str] = &["at_least", "at_most", "keep_alive", "on_lost", "provider"];

pub(super) fn parse(tokens: TokenStream, errors: &mut Errors) -> Scheduled {
    let mut arguments = Arguments::parse("scheduled", ARGUMENTS, tokens, errors);
    arguments.require_one_of("cron", "every", "when the job is due");
    arguments.require_for(
        LOCK_SETTINGS,
        "lock",
        "without one the job runs on every node and holds nothing",
    );
    Scheduled {
        name: arguments.text("name"),
        cron: arguments.text("cron"),
        every: arguments.duration("every"),
        zone: arguments.text("zone"),
        misfire: arguments.choice("misfire", &["skip", "once"]),
        mentions_lock: arguments.mentions("lock"),
        lock: arguments.text("lock"),
        lease: Lease::parse(&mut arguments),
        provider: arguments.text("provider"),
        library: arguments.library(),
    }
}
