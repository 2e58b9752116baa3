//! The annotated fn.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Ident, Signature, Token, Visibility};

/// A fn whose body stays unread: rustc tells what is wrong in there better than a second parser
/// could.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) body: Group,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        if !begins_fn(input) {
            return Err(input.error("this attribute goes on a fn: write it above an `async fn`"));
        }
        let signature = input.parse()?;
        if input.peek(Token![;]) {
            return Err(input.error(
                "this attribute needs the fn's body: write it where the fn is implemented",
            ));
        }
        match input.parse()? {
            TokenTree::Group(body) => Ok(Self {
                attributes,
                visibility,
                signature,
                body: without_invisible_delimiters(body),
            }),
            other => Err(syn::Error::new(other.span(), "expected the fn's body")),
        }
    }
}

impl Function {
    pub(crate) fn has_attribute(&self, name: &str) -> bool {
        self.attributes
            .iter()
            .any(|attribute| is_named(attribute, name))
    }

    /// Whether an attribute is about this word or is it, such as `#[allow(deprecated)]` and
    /// `#[deprecated]`.
    pub(crate) fn mentions(&self, word: &str) -> bool {
        let mut attributes = self.attributes.iter();
        attributes.any(|attribute| find_word(word, attribute.meta.to_token_stream()).is_some())
    }

    pub(crate) fn take_attributes(&mut self, name: &str) -> Vec<Attribute> {
        self.attributes
            .extract_if(.., |attribute| is_named(attribute, name))
            .collect()
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.append_all(&self.attributes);
        self.visibility.to_tokens(tokens);
        self.signature.to_tokens(tokens);
        self.body.to_tokens(tokens);
    }
}

/// The `impl` of an `impl Trait` in a type, if it has one.
pub(crate) fn impl_trait(ty: &impl ToTokens) -> Option<Span> {
    find_word("impl", ty.to_token_stream())
}

fn find_word(wanted: &str, tokens: TokenStream) -> Option<Span> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(word) if word == wanted => Some(word.span()),
        TokenTree::Group(group) => find_word(wanted, group.stream()),
        _ => None,
    })
}

/// How a fn becomes async that is not.
pub(crate) fn write_async(name: &Ident) -> String {
    format!(
        "write `async fn {name}` (if that is what it says, an attribute above has made a plain fn of it, \
         as `#[tokio::test]` does: annotate a fn that it calls)"
    )
}

/// Whether an attribute has this name, by whatever path.
fn is_named(attribute: &Attribute, name: &str) -> bool {
    let last = attribute.path().segments.last();
    last.is_some_and(|last| last.ident == name)
}

/// What a `macro_rules!` macro passes on as `$body:block` comes in a group without delimiters.
fn without_invisible_delimiters(body: Group) -> Group {
    if body.delimiter() != Delimiter::None {
        return body;
    }
    let mut tokens = body.stream().into_iter();
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Group(inner)), None) => without_invisible_delimiters(inner),
        _ => body,
    }
}

fn begins_fn(input: ParseStream<'_>) -> bool {
    let qualifiers = input.fork();
    while qualifiers.peek(Token![const])
        || qualifiers.peek(Token![async])
        || qualifiers.peek(Token![unsafe])
        || qualifiers.peek(Token![extern])
        || qualifiers.peek(syn::LitStr)
    {
        if qualifiers.parse::<TokenTree>().is_err() {
            return false;
        }
    }
    qualifiers.peek(Token![fn])
}
