use proc_macro2::TokenStream;

use super::model::Locked;
use crate::arguments::{Arguments, Known};
use crate::errors::Errors;
use crate::lease::Lease;

const ARGUMENTS: &[Known] = &[
    Known {
        name: "provider",
        example: "self.locks",
    },
    Known {
        name: "name",
        example: "\"import-{tenant}\"",
    },
    Known {
        name: "at_most",
        example: "\"10m\"",
    },
    Known {
        name: "at_least",
        example: "\"1m\"",
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
        name: "crate",
        example: "my_crate::shedlock",
    },
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
