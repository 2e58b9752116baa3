use std::fmt::Display;

use proc_macro2::{Ident, Span};

/// A variable of generated code, by a name that nobody has. Hygiene keeps it apart from variables,
/// but a struct, constant or static of its name would be what its pattern means.
pub(crate) fn local(name: impl Display) -> Ident {
    Ident::new(&format!("__shedlock_{name}"), Span::mixed_site())
}
