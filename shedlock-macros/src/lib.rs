//! The attributes [`macro@scheduled`] and [`macro@locked`] of `shedlock`, which re-exports them.
//!
//! Both go the same way: `parse` reads what is written into a `model`, `check` looks for what is wrong, `expand` writes
//! code. Mistakes are collected on the way and told all at once, each at the tokens that make it.

mod arguments;
mod errors;
mod function;
mod lease;
mod locked;
mod place;
mod scheduled;
mod value;

use proc_macro::TokenStream;

/// Makes a job.
#[proc_macro_attribute]
pub fn scheduled(arguments: TokenStream, item: TokenStream) -> TokenStream {
    scheduled::scheduled(arguments.into(), item.into()).into()
}

/// Puts a lock around.
#[proc_macro_attribute]
pub fn locked(arguments: TokenStream, item: TokenStream) -> TokenStream {
    locked::locked(arguments.into(), item.into()).into()
}
