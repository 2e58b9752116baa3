use proc_macro2::TokenTree;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Ident, Lit, Token, token};

use super::absent::why_absent;
use super::suggestion::nearest;
use super::{Argument, Arguments, Known};

impl Arguments<'_> {
    /// Parses argument by argument: after one that is wrong, goes on behind the next comma.
    pub(super) fn parse_list(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        while !input.is_empty() {
            match self.parse_argument(input) {
                Ok(argument) => self.keep(argument),
                Err(error) => {
                    self.errors.add(error);
                    skip_to_comma(input);
                }
            }
            if !input.is_empty() && !input.peek(Token![,]) {
                self.errors
                    .add(input.error("a comma is missing before this"));
                if !self.begins_argument(input) {
                    skip_to_comma(input);
                }
            }
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(())
    }

    fn parse_argument(&mut self, input: ParseStream<'_>) -> syn::Result<Argument> {
        if !self.begins_argument(input) {
            return Err(self.without_name(input));
        }
        let name = input.call(Ident::parse_any)?;
        let meant = self.meant(&name);
        self.mentioned.extend(meant);
        if let Some(meant) = meant
            && is_other_notation(input)
        {
            let cure = self.cure(meant);
            return Err(input.error(format!("an argument's value follows `=`: write {cure}")));
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

    /// Whether something stands here that may be an argument, and not a value without its name.
    fn begins_argument(&self, input: ParseStream<'_>) -> bool {
        let ahead = input.fork();
        let Ok(name) = ahead.call(Ident::parse_any) else {
            return false;
        };
        ahead.is_empty()
            || ahead.peek(Token![=])
            || ahead.peek(Token![,])
            // The next argument, behind a comma that is missing.
            || ahead.peek(Ident::peek_any)
            || (is_other_notation(&ahead) && self.meant(&name).is_some())
    }

    /// Tells that a value needs a name: most likely that of the first argument that is not there
    /// yet.
    fn without_name(&mut self, input: ParseStream<'_>) -> syn::Error {
        let is_missing = |known: &&Known| {
            let mut names = [known.name].into_iter().chain(known.alternative);
            !names.any(|name| self.mentions(name))
        };
        let first = self.known.iter().find(is_missing).map(|known| known.name);
        self.mentioned.extend(first);
        input.error(format!(
            "`#[{}(..)]` takes `name = value`: write for example {}",
            self.attribute,
            self.cure(first.unwrap_or(self.known[0].name))
        ))
    }

    /// The argument of that name, or the one that it was most likely meant to be.
    fn meant(&self, name: &Ident) -> Option<&'static str> {
        let mut known = self.known.iter().map(|known| known.name);
        known
            .find(|known| name == known)
            .or_else(|| nearest(&name.to_string(), self.known))
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
        let message = match (why_absent(&name.to_string(), attribute), self.meant(name)) {
            (Some(reason), _) => {
                format!("`#[{attribute}]` has no argument `{name}`, as {reason}")
            }
            (None, Some(meant)) => {
                format!(
                    "`#[{attribute}]` has no argument `{name}`: did you mean `{meant}`? The arguments are {known}"
                )
            }
            (None, None) => {
                format!("`#[{attribute}]` has no argument `{name}`: the arguments are {known}")
            }
        };
        self.errors.at(name, message);
    }
}

/// `name(value)`, `name: value` and `name "value"`, which other attributes have.
fn is_other_notation(input: ParseStream<'_>) -> bool {
    input.peek(token::Paren)
        || input.peek(Lit)
        || (input.peek(Token![:]) && !input.peek(Token![::]))
}

fn skip_to_comma(input: ParseStream<'_>) {
    // Any token will do, so parsing one fails at the end only.
    while !input.peek(Token![,]) && input.parse::<TokenTree>().is_ok() {}
}
