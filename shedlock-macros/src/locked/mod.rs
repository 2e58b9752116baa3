//! `#[locked]`: parse -> model -> check -> expand.

mod check;
mod expand;
mod model;
mod output;
mod parse;

use proc_macro2::TokenStream;

use crate::errors::Errors;
use crate::function::Function;

pub(crate) fn locked(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let locked = parse::parse(arguments, &mut errors);
    check::check_arguments(&locked, &mut errors);
    let function: Function = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            errors.add(error);
            return [Some(item), errors.into_tokens()]
                .into_iter()
                .flatten()
                .collect();
        }
    };
    let output = check::check_signature(&function.signature, &mut errors);
    match (output, errors.into_tokens()) {
        (Some(output), None) => expand::expand(&locked, function, &output),
        (Some(output), Some(errors)) => expand::expand_wrong(&locked, function, &output, &errors),
        (None, errors) => [Some(item), errors].into_iter().flatten().collect(),
    }
}
