use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

/// The mistakes found so far, so that all of them are told at once.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    /// Tells a mistake at the tokens that make it. The message says the mistake and the cure.
    pub(crate) fn at(&mut self, place: impl ToTokens, message: impl Display) {
        self.add(syn::Error::new_spanned(place, message));
    }

    /// Tells that something is missing, which has no place: the attribute itself is marked.
    pub(crate) fn at_attribute(&mut self, message: impl Display) {
        self.add(syn::Error::new(proc_macro2::Span::call_site(), message));
    }

    pub(crate) fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// What was written, as it was, and the mistakes.
    pub(crate) fn beside(self, item: TokenStream) -> TokenStream {
        let errors = self.into_tokens();
        quote!(#item #errors)
    }

    /// The tokens that make rustc print the mistakes; none if there are none.
    pub(crate) fn into_tokens(self) -> Option<TokenStream> {
        self.0.map(syn::Error::into_compile_error)
    }
}
