use proc_macro2::TokenTree;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Ident, Token};

use super::suggestion::nearest;
use super::{Argument, Arguments};

impl Arguments<'_> {
    /// Parses argument by argument: after one that is wrong, goes on behind the next comma.
    pub(super) fn parse_list(&mut self, input: ParseStream<'_>) {
        while !input.is_empty() {
            match self.parse_argument(input) {
                Ok(argument) => self.keep(argument),
                Err(error) => {
                    self.errors.add(error);
                    skip_to_comma(input);
                }
            }
            if !input.is_empty() && input.parse::<Token![,]>().is_err() {
                self.errors
                    .add(input.error("a comma is missing before this"));
            }
        }
    }

    fn parse_argument(&mut self, input: ParseStream<'_>) -> syn::Result<Argument> {
        let Ok(name) = input.call(Ident::parse_any) else {
            // A lonely value is most likely that of the first argument.
            let first = self.known[0].name;
            self.mention(first);
            return Err(input.error(format!(
                "`#[{}(..)]` takes `name = value`: write for example {}",
                self.attribute,
                self.cure(first)
            )));
        };
        if input.peek(syn::token::Paren) || input.peek(Token![:]) {
            let name = name.to_string();
            self.mention(&name);
            let cure = self.cure(&name);
            return Err(input.error(format!(
                "an argument's value stands behind `=`: write {cure}"
            )));
        }
        if input.parse::<Option<Token![=]>>()?.is_none()
            || input.is_empty()
            || input.peek(Token![,])
        {
            return Ok(Argument { name, value: None });
        }
        let value = Some(input.parse()?);
        Ok(Argument { name, value })
    }

    fn keep(&mut self, argument: Argument) {
        let name = &argument.name;
        if !self.known.iter().any(|known| name == known.name) {
            self.tell_unknown(name);
        } else if self.names().any(|given| given == name) {
            self.errors
                .at(name, format!("`{name}` is given twice: keep one of them"));
        } else {
            self.given.push(argument);
        }
    }

    fn tell_unknown(&mut self, name: &Ident) {
        let attribute = self.attribute;
        let known: Vec<_> = self
            .known
            .iter()
            .map(|known| format!("`{}`", known.name))
            .collect();
        let known = known.join(", ");
        let message = match nearest(&name.to_string(), self.known) {
            Some(nearest) => {
                self.mention(nearest);
                format!(
                    "`#[{attribute}]` has no argument `{name}`: did you mean `{nearest}`? There are {known}"
                )
            }
            None => format!("`#[{attribute}]` has no argument `{name}`: there are {known}"),
        };
        self.errors.at(name, message);
    }
}

fn skip_to_comma(input: ParseStream<'_>) {
    // Any token will do, so parsing one fails at the end only.
    while !input.peek(Token![,]) && input.parse::<TokenTree>().is_ok() {}
}
