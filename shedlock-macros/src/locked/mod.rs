//! `#[locked]`: parse -> model -> check -> expand.

mod check;
mod expand;
mod model;
mod output;
mod parse;

use proc_macro2::TokenStream;

use crate::errors::Errors;
use crate::function::Function;
use crate::scheduled::LOCKED_JOB;

pub(crate) fn locked(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let locked = parse::parse(arguments, &mut errors);
    check::check_arguments(&locked, &mut errors);
    let function: Function = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            errors.add(error);
            return errors.beside(item);
        }
    };
    if function.has_attribute("scheduled") {
        errors.at_attribute(LOCKED_JOB);
        return errors.beside(item);
    }
    let Some(output) = check::check_signature(&function.signature, &mut errors) else {
        return errors.beside(item);
    };
    match errors.into_tokens() {
        None => expand::expand(&locked, function, &output),
        Some(errors) => expand::expand_wrong(&locked, function, &output, &errors),
    }
}
