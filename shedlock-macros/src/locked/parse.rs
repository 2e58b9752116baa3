use proc_macro2::TokenStream;

use super::model::Locked;
use crate::arguments::{Arguments, Known};
use crate::errors::Errors;
use crate::lease::Lease;

const ARGUMENTS: &[Known] = &[
    Known::new("provider", "self.locks"),
    Known::new("name", "\"import-{tenant}\""),
    Known::new("at_most", "\"10m\""),
    Known::new("at_least", "\"1m\""),
    Known::new("keep_alive", "true"),
    Known::new("on_lost", "\"continue\""),
    Known::new("crate", "my_crate::shedlock"),
];

pub(super) fn parse(tokens: TokenStream, errors: &mut Errors) -> Locked {
    let mut arguments = Arguments::parse("locked", ARGUMENTS, tokens, errors);
    arguments.require(
        "provider",
        "which takes the lock: a lock provider, an `Arc` of one, or a `LockExecutor`",
    );
    arguments.require("name", "the lock's name, which may use the fn's arguments");
    arguments.require(
        "at_most",
        "after which the lock is free even if its holder died",
    );
    Locked {
        provider: arguments.expression("provider"),
        name: arguments.text("name"),
        lease: Lease::parse(&mut arguments),
        library: arguments.library(),
    }
}
