use shedlock_schedule::check_lock_name;
use syn::{LitStr, Signature, Type};

use super::model::Locked;
use super::output::Output;
use super::placeholders::{self, Name};
use crate::errors::Errors;
use crate::value::Text;

/// Checks the literals, as the library would check them at each call.
pub(super) fn check_arguments(locked: &Locked, errors: &mut Errors) {
    if let Some(name) = locked.name.as_ref().and_then(Text::literal) {
        check_name(name, errors);
    }
    locked.lease.check(errors);
}

/// Checks that the fn can run under a lock; none if nothing can be made of it.
pub(super) fn check_signature(signature: &Signature, errors: &mut Errors) -> Option<Output> {
    let Some(output) = Output::of(signature) else {
        let name = &signature.ident;
        errors.at(
            signature.fn_token,
            format!("a lock is taken without blocking a thread, so the fn has to be async: write `async fn {name}`"),
        );
        return None;
    };
    if let Type::Never(never) = output.ty() {
        errors.at(
            never,
            "a locked fn must return, so that the lock can be released: return `()` (or a `Result`), and loop around its call",
        );
        return None;
    }
    Some(output)
}

fn check_name(literal: &LitStr, errors: &mut Errors) {
    match placeholders::parse(&literal.value()) {
        Ok(Name::Fixed(name)) => {
            if let Err(error) = check_lock_name(&name) {
                errors.at(literal, error);
            }
        }
        // Its arguments are not known yet: the library checks the name at each call.
        Ok(Name::Formatted) => {}
        Err(error) => errors.at(literal, error),
    }
}
