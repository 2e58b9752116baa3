use proc_macro2::TokenStream;

/// How much may be opened, and so nested: rustc and syn read what is nested by recursion.
const DEEPEST: usize = 40;

/// `#[scheduled(..)]`: its arguments in the first line, the fn below.
pub fn scheduled(text: &str) {
    expand(text, crate::scheduled::scheduled);
}

/// `#[locked(..)]`, in the same way.
pub fn locked(text: &str) {
    expand(text, crate::locked::locked);
}

/// What is made of a fn is Rust, be it a mistake that is told.
fn expand(text: &str, attribute: fn(TokenStream, TokenStream) -> TokenStream) {
    let (arguments, item) = text.split_once('\n').unwrap_or((text, "async fn job() {}"));
    let (Some(arguments), Some(item)) = (tokens(arguments), tokens(item)) else {
        return;
    };
    let is_fn = syn::parse2::<syn::ItemFn>(item.clone()).is_ok();
    let expanded = attribute(arguments, item);
    if is_fn && let Err(error) = syn::parse2::<syn::File>(expanded.clone()) {
        panic!("{error}: {expanded}");
    }
}

fn tokens(text: &str) -> Option<TokenStream> {
    let opened = text
        .matches(['(', '[', '{', '<', '&', '*', '!', '-'])
        .count();
    if opened > DEEPEST {
        return None;
    }
    text.parse().ok()
}
