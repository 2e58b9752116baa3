use proc_macro2::TokenStream;

use super::model::Scheduled;
use crate::arguments::{Arguments, Known};
use crate::errors::Errors;
use crate::lease::Lease;

const ARGUMENTS: &[Known] = &[
    Known::new("cron", "\"0 */15 * * * *\"").instead_of("every"),
    Known::new("every", "\"30s\"").instead_of("cron"),
    Known::new("lock", "\"send-report\""),
    Known::new("at_least", "\"59s\""),
    Known::new("at_most", "\"14m\""),
    Known::new("zone", "\"Europe/Berlin\""),
    Known::new("keep_alive", "true"),
    Known::new("on_lost", "\"continue\""),
    Known::new("misfire", "\"once\""),
    Known::new("provider", "\"reports\""),
    Known::new("name", "\"send-report\""),
    Known::new("crate", "my_crate::shedlock"),
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
