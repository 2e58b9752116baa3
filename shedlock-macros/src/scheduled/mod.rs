//! `#[scheduled]`: parse -> model -> check -> expand.

mod check;
mod expand;
mod model;
mod parse;

use proc_macro2::TokenStream;

use crate::errors::Errors;
use crate::function::Function;

/// What is wrong with a fn that has both attributes.
pub(crate) const LOCKED_JOB: &str =
    "a job takes its lock with `lock = \"..\"` and `at_most = \"..\"`: remove `#[locked]`";

pub(crate) fn scheduled(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let scheduled = parse::parse(arguments, &mut errors);
    check::check_arguments(&scheduled, &mut errors);
    let mut function: Function = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            errors.add(error);
            return errors.beside(item);
        }
    };
    check::take_out_rivals(&mut function, &mut errors);
    check::check_signature(&function.signature, &mut errors);
    match errors.into_tokens() {
        None => expand::expand(&scheduled, &function),
        Some(errors) => expand::expand_wrong(&scheduled, &function, &errors),
    }
}
