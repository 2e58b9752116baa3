//! The value of one argument: a literal that is checked now, or an expression that is evaluated
//! when the program runs.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use shedlock_schedule::{DurationError, parse_duration};
use syn::{Expr, ExprLit, Ident, Lit, LitBool, LitStr, Path};

/// A literal, or any expression.
pub(crate) enum Value<L> {
    Literal(L),
    Expression(Expr),
}

pub(crate) type Text = Value<LitStr>;
pub(crate) type Flag = Value<LitBool>;

/// A word that stands for a variant of an enum.
pub(crate) struct Choice {
    pub(crate) word: LitStr,
    pub(crate) variant: Ident,
}

impl<L> Value<L> {
    pub(crate) fn literal(&self) -> Option<&L> {
        match self {
            Self::Literal(literal) => Some(literal),
            Self::Expression(_) => None,
        }
    }
}

impl Value<Choice> {
    /// The choice as a value of the enum that it is one of.
    pub(crate) fn expand(&self, choices: &TokenStream) -> TokenStream {
        match self {
            Self::Literal(Choice { variant, .. }) => quote!(#choices::#variant),
            Self::Expression(expression) => quote!(#expression),
        }
    }
}

impl<L: ToTokens> ToTokens for Value<L> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Literal(literal) => literal.to_tokens(tokens),
            Self::Expression(expression) => expression.to_tokens(tokens),
        }
    }
}

pub(crate) fn text(name: &str, value: Expr, example: &str) -> syn::Result<Text> {
    match without_group(value) {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Ok(Value::Literal(text)),
        Expr::Lit(other) => Err(syn::Error::new_spanned(
            other,
            format!("`{name}` is a text: write `{name} = {example}`"),
        )),
        expression => Ok(Value::Expression(expression)),
    }
}

pub(crate) fn duration(name: &str, value: Expr, example: &str) -> syn::Result<Text> {
    let value = without_group(value);
    match number_of(&value) {
        Some((digits, suffix)) => {
            let message = unquoted(name, &value, digits, suffix);
            Err(syn::Error::new_spanned(&value, message))
        }
        None => text(name, value, example),
    }
}

pub(crate) fn flag(name: &str, value: Expr) -> syn::Result<Flag> {
    match without_group(value) {
        Expr::Lit(ExprLit {
            lit: Lit::Bool(condition),
            ..
        }) => Ok(Value::Literal(condition)),
        Expr::Lit(other) => Err(syn::Error::new_spanned(
            other,
            format!(
                "`{name}` is a flag: write `{name}` alone, or `{name} = condition` with a `bool`"
            ),
        )),
        expression => Ok(Value::Expression(expression)),
    }
}

pub(crate) fn choice(name: &str, value: Expr, words: &[&str]) -> syn::Result<Value<Choice>> {
    let word = match without_group(value) {
        Expr::Lit(ExprLit {
            lit: Lit::Str(word),
            ..
        }) => word,
        Expr::Lit(other) => return Err(no_choice(name, &other, words)),
        expression => return choice_expression(name, expression, words),
    };
    if !words.contains(&word.value().as_str()) {
        return Err(no_choice(name, &word, words));
    }
    let variant = Ident::new(&capitalized(&word.value()), Span::call_site());
    Ok(Value::Literal(Choice { word, variant }))
}

pub(crate) fn path(value: Expr) -> syn::Result<Path> {
    match without_group(value) {
        Expr::Path(path) if path.qself.is_none() => Ok(path.path),
        other => Err(syn::Error::new_spanned(
            other,
            "`crate` is the path of the library: write it without quotes, as in `crate = my_crate::shedlock`",
        )),
    }
}

/// What a `macro_rules!` macro passes on as `$value:expr` or `$value:literal` comes in a group
/// without delimiters.
pub(crate) fn without_group(value: Expr) -> Expr {
    match value {
        Expr::Group(group) => without_group(*group.expr),
        other => other,
    }
}

/// The digits and the suffix of a literal that is a number.
fn number_of(value: &Expr) -> Option<(&str, &str)> {
    let Expr::Lit(ExprLit { lit, .. }) = value else {
        return None;
    };
    match lit {
        Lit::Int(number) => Some((number.base10_digits(), number.suffix())),
        Lit::Float(number) => Some((number.base10_digits(), number.suffix())),
        _ => None,
    }
}

/// What is wrong with a duration that is a number: `14`, or `14m`, whose unit is a suffix to rustc.
fn unquoted(name: &str, number: &Expr, digits: &str, suffix: &str) -> String {
    let quoted = format!("{digits}{suffix}");
    match parse_duration(&quoted) {
        Ok(_) => format!("a duration is a text: write `{name} = \"{quoted}\"`"),
        Err(error) if !matches!(error, DurationError::NoUnit { .. }) && !is_of_rust(suffix) => {
            error.to_string()
        }
        Err(_) => format!(
            "`{name} = {}` has no unit: write `{name} = \"{digits}s\"` for seconds or `{name} = \"{digits}ms\"` for milliseconds",
            number.to_token_stream()
        ),
    }
}

/// Whether a number's suffix is the type that it has in Rust.
fn is_of_rust(suffix: &str) -> bool {
    let bits = suffix.strip_prefix(['u', 'i', 'f']);
    bits.is_some_and(|bits| matches!(bits, "8" | "16" | "32" | "64" | "128" | "size"))
}

fn choice_expression(name: &str, value: Expr, words: &[&str]) -> syn::Result<Value<Choice>> {
    let written = value.to_token_stream().to_string();
    if !words.contains(&written.as_str()) {
        return Ok(Value::Expression(value));
    }
    let message = format!("`{name}` is a text: write `{name} = \"{written}\"`");
    Err(syn::Error::new_spanned(value, message))
}

fn no_choice(name: &str, place: &impl ToTokens, words: &[&str]) -> syn::Error {
    let cures: Vec<_> = words
        .iter()
        .map(|word| format!("`{name} = \"{word}\"`"))
        .collect();
    let given = place.to_token_stream();
    let message = format!("`{name}` cannot be {given}: write {}", cures.join(" or "));
    syn::Error::new_spanned(place, message)
}

fn capitalized(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_without_quotes() {
        let no_unit = |number: &str, digits: &str| {
            format!(
                "`every = {number}` has no unit: write `every = \"{digits}s\"` for seconds or `every = \"{digits}ms\"` for milliseconds"
            )
        };
        let no_quotes = |text: &str| format!("a duration is a text: write `every = \"{text}\"`");
        let cases = [
            ("14m", no_quotes("14m")),
            ("1.5h", no_quotes("1.5h")),
            ("1h30m", no_quotes("1h30m")),
            ("1_000ms", no_quotes("1000ms")),
            ("5000", no_unit("5000", "5000")),
            ("1_000", no_unit("1_000", "1000")),
            ("10u64", no_unit("10u64", "10")),
            ("10usize", no_unit("10usize", "10")),
            ("0.5", no_unit("0.5", "0.5")),
            ("0.5f64", no_unit("0.5f64", "0.5")),
            (
                "0.333h",
                "the fraction in the duration `0.333h` cannot be told exactly: use a smaller unit (`1.5h` is `90m`), or round it".to_owned(),
            ),
            (
                "300000d",
                "the duration `300000d` is too long: the longest is 106751 days".to_owned(),
            ),
            (
                "5x",
                "`5x` is not a duration: write for example `59s`, `1m 30s`, `500ms`, `PT59S` or `P1D`".to_owned(),
            ),
            (
                "30S",
                "the duration `30S` has a unit in capitals: write `30s`".to_owned(),
            ),
            (
                "1M",
                "the duration `1M` has months or years, which have no fixed length: count in days (`1m` is a minute)".to_owned(),
            ),
        ];
        for (number, message) in cases {
            let value = syn::parse_str(number).unwrap();
            let Err(error) = duration("every", value, "\"30s\"") else {
                panic!("{number} was taken");
            };
            assert_eq!(error.to_string(), message, "{number}");
        }
    }
}
