use proc_macro2::TokenTree;
use quote::ToTokens;
use shedlock_schedule::check_lock_name;
use syn::{Expr, ExprMacro, Ident, LitStr, ReturnType, Signature, Type};

use super::model::Locked;
use super::output::{Output, future_output};
use crate::arguments::placeholders::{self, Name};
use crate::errors::Errors;
use crate::function::write_async;
use crate::value::Value;

/// Checks the literals, as the library would check them at each call.
pub(super) fn check_arguments(locked: &Locked, errors: &mut Errors) {
    if let Some(provider) = &locked.provider {
        check_provider(provider, errors);
    }
    match &locked.name {
        Some(Value::Literal(name)) => check_name(name, errors),
        Some(Value::Expression(name)) => check_name_expression(name, errors),
        None => {}
    }
    locked.lease.check(errors);
}

/// Checks that the fn can run under a lock; none if nothing can be made of it.
pub(super) fn check_signature(signature: &Signature, errors: &mut Errors) -> Option<Output> {
    let name = &signature.ident;
    let Some(output) = Output::of(signature) else {
        let cure = match &signature.output {
            ReturnType::Type(_, ty) if let Some(awaited) = future_output(ty) => {
                write_awaiting(name, &awaited)
            }
            _ => write_async(name),
        };
        errors.at(
            signature.fn_token,
            format!("a lock is taken without blocking a thread, so the fn has to be async: {cure}"),
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
    if let Some(awaited) = future_output(output.ty()) {
        let cure = write_awaiting(name, &awaited);
        errors.at(
            output.ty(),
            format!("the lock is released before this future is awaited: {cure}, and await the future in there"),
        );
    }
    Some(output)
}

/// How to write the fn as one that awaits what it would have returned.
fn write_awaiting(name: &Ident, awaited: &Type) -> String {
    // A printed token stream has a blank between any two tokens.
    let ty = [(" < ", "<"), (" >", ">"), (" :: ", "::"), ("& ", "&")]
        .iter()
        .fold(
            awaited.to_token_stream().to_string(),
            |ty, (apart, written)| ty.replace(apart, written),
        );
    match ty.as_str() {
        "()" => format!("write `async fn {name}(..)`"),
        ty => format!("write `async fn {name}(..) -> {ty}`"),
    }
}

fn check_name(literal: &LitStr, errors: &mut Errors) {
    match placeholders::parse(&literal.value()) {
        // What placeholders stand for is not known yet: the library checks the whole name at each
        // call.
        Ok(Name::Fixed(name) | Name::Formatted(name)) => {
            if let Err(error) = check_lock_name(&name) {
                errors.at(literal, error);
            }
        }
        Err(error) => errors.at(literal, error),
    }
}

/// A `concat!` gives a text in which no placeholder is filled in, and nobody would notice.
fn check_name_expression(name: &Expr, errors: &mut Errors) {
    let Expr::Macro(ExprMacro { mac, .. }) = name else {
        return;
    };
    if mac.path.is_ident("concat") && mac.tokens.clone().into_iter().any(is_text_with_brace) {
        errors.at(
            name,
            "placeholders work in a literal only: write `name = format!(\"import-{tenant}\")`",
        );
    }
}

fn is_text_with_brace(token: TokenTree) -> bool {
    let text = syn::parse2::<LitStr>(token.into());
    text.is_ok_and(|text| text.value().contains('{'))
}

fn check_provider(provider: &Expr, errors: &mut Errors) {
    if let Expr::Lit(provider) = provider {
        errors.at(
            provider,
            "`provider` is an expression here: write for example `provider = self.locks` (names of providers are for `#[scheduled]`)",
        );
    }
}
