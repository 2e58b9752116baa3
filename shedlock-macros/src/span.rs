use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// Puts generated tokens where others stand, so that rustc marks those, all of them, if the
/// generated ones are wrong.
///
/// They keep the identity of generated code, so lints that a user turned on leave them alone.
pub(crate) fn respan(place: &impl ToTokens, generated: TokenStream) -> TokenStream {
    let spans: Vec<_> = place
        .to_token_stream()
        .into_iter()
        .map(|token| token.span())
        .collect();
    let [first, last] = [spans.first(), spans.last()]
        .map(|span| span.map_or_else(Span::call_site, |span| Span::call_site().located_at(*span)));
    // A mark goes from the first token to the last.
    let tokens = generated.into_iter().enumerate().map(|(n, mut token)| {
        token.set_span(if n == 0 { first } else { last });
        token
    });
    tokens.collect()
}
