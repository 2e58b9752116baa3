//! The value of one argument: a literal that is checked now, or an expression that is evaluated when the program runs.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
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
    match without_group(value) {
        Expr::Lit(ExprLit {
            lit: number @ (Lit::Int(_) | Lit::Float(_)),
            ..
        }) => {
            let digits = number.to_token_stream();
            let message = format!(
                "`{name} = {digits}` has no unit: write `{name} = \"{digits}s\"` for seconds"
            );
            Err(syn::Error::new_spanned(number, message))
        }
        value => text(name, value, example),
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
        expression => return Ok(Value::Expression(expression)),
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

/// What a `macro_rules!` macro passes on as `$value:expr` or `$value:literal` comes in a group without delimiters.
fn without_group(value: Expr) -> Expr {
    match value {
        Expr::Group(group) => without_group(*group.expr),
        other => other,
    }
}
