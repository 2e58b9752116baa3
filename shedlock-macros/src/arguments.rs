//! The list in an attribute's parentheses: `name = value, flag, ..`.

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Ident, Path, Token, parse_quote};

use crate::errors::Errors;
use crate::value::{self, Choice, Flag, Text, Value};

/// An argument that an attribute has.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    /// A value of it, for messages.
    pub(crate) example: &'static str,
}

/// What other schedulers call it.
const ALIASES: [(&str, &str); 8] = [
    ("schedule", "cron"),
    ("interval", "every"),
    ("fixed_rate", "every"),
    ("timezone", "zone"),
    ("tz", "zone"),
    ("lock_name", "lock"),
    ("lock_at_most_for", "at_most"),
    ("lock_at_least_for", "at_least"),
];

/// The arguments of one attribute, each taken out once by the parser of its attribute.
pub(crate) struct Arguments<'a> {
    attribute: &'static str,
    known: &'static [Known],
    given: Vec<Argument>,
    /// What unknown arguments were probably meant to be: those are not reported as missing on top.
    meant: Vec<&'static str>,
    errors: &'a mut Errors,
}

struct Argument {
    name: Ident,
    value: Option<Expr>,
}

impl<'a> Arguments<'a> {
    pub(crate) fn parse(
        attribute: &'static str,
        known: &'static [Known],
        tokens: TokenStream,
        errors: &'a mut Errors,
    ) -> Self {
        let mut arguments = Self {
            attribute,
            known,
            given: Vec::new(),
            meant: Vec::new(),
            errors,
        };
        let list = |input: ParseStream<'_>| {
            arguments.parse_list(input);
            Ok(())
        };
        if let Err(error) = list.parse2(tokens) {
            arguments.errors.add(error);
        }
        arguments
    }

    /// Whether the argument was given, or probably meant by one that is misspelt.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        self.meant.contains(&name) || self.given.iter().any(|argument| argument.name == name)
    }

    /// Tells that an argument has to be there, unless it is.
    pub(crate) fn require(&mut self, name: &str, reason: &str) {
        if !self.mentions(name) {
            let example = self.example(name);
            self.errors.at_attribute(format!(
                "`{name}` is missing: add `{name} = {example}`, {reason}"
            ));
        }
    }

    /// Tells that exactly one of two arguments has to be there, unless it is so.
    pub(crate) fn require_one_of(&mut self, one: &str, other: &str, reason: &str) {
        if !self.mentions(one) && !self.mentions(other) {
            let (first, second) = (self.example(one), self.example(other));
            self.errors.at_attribute(format!(
                "`#[{}]` does not say {reason}: add `{one} = {first}` or `{other} = {second}`",
                self.attribute
            ));
        }
        let given: Vec<_> = self
            .names()
            .filter(|name| *name == one || *name == other)
            .collect();
        if let [_, second] = given[..] {
            let message = format!("`{one}` and `{other}` both say {reason}: keep one of them");
            self.errors.at(second.clone(), message);
        }
    }

    /// Tells that `dependents` mean nothing without the argument `name`, unless it is there.
    pub(crate) fn require_for(&mut self, dependents: &[&str], name: &str, reason: &str) {
        if self.mentions(name) {
            return;
        }
        let Some(dependent) = self
            .names()
            .find(|given| dependents.iter().any(|name| *given == name))
            .cloned()
        else {
            return;
        };
        let example = self.example(name);
        let message = format!(
            "`{dependent}` needs a `{name}`: {reason}; add `{name} = {example}`, or remove `{dependent}`"
        );
        self.errors.at(dependent, message);
    }

    pub(crate) fn text(&mut self, name: &str) -> Option<Text> {
        let value = self.take_value(name)?;
        self.checked(name, value, value::text)
    }

    pub(crate) fn duration(&mut self, name: &str) -> Option<Text> {
        let value = self.take_value(name)?;
        self.checked(name, value, value::duration)
    }

    /// One of some words, or an expression.
    pub(crate) fn choice(
        &mut self,
        name: &str,
        words: &'static [&'static str],
    ) -> Option<Value<Choice>> {
        let value = self.take_value(name)?;
        self.checked(name, value, |name, value, _| {
            value::choice(name, value, words)
        })
    }

    /// `flag` alone, or `flag = condition`.
    pub(crate) fn flag(&mut self, name: &str) -> Option<Flag> {
        let argument = self.take(name)?;
        let Some(value) = argument.value else {
            return Some(Value::Literal(parse_quote!(true)));
        };
        self.checked(name, value, |name, value, _| value::flag(name, value))
    }

    pub(crate) fn expression(&mut self, name: &str) -> Option<Expr> {
        self.take_value(name)
    }

    /// The path of the library, `::shedlock` unless `crate = ..` says otherwise.
    pub(crate) fn library(&mut self) -> Path {
        let library = self
            .take_value("crate")
            .and_then(|value| self.checked("crate", value, |_, value, _| value::path(value)));
        library.unwrap_or_else(|| parse_quote!(::shedlock))
    }

    fn checked<T>(
        &mut self,
        name: &str,
        value: Expr,
        check: impl FnOnce(&str, Expr, &str) -> syn::Result<T>,
    ) -> Option<T> {
        let example = self.example(name);
        check(name, value, example)
            .map_err(|error| self.errors.add(error))
            .ok()
    }

    fn take_value(&mut self, name: &str) -> Option<Expr> {
        let argument = self.take(name)?;
        if argument.value.is_none() {
            let example = self.example(name);
            self.errors.at(
                argument.name,
                format!("`{name}` needs a value: write `{name} = {example}`"),
            );
        }
        argument.value
    }

    fn take(&mut self, name: &str) -> Option<Argument> {
        let position = self
            .given
            .iter()
            .position(|argument| argument.name == name)?;
        // What was asked for stays mentioned.
        self.meant
            .push(self.known.iter().find(|known| known.name == name)?.name);
        Some(self.given.remove(position))
    }

    fn names(&self) -> impl Iterator<Item = &Ident> {
        self.given.iter().map(|argument| &argument.name)
    }

    fn example(&self, name: &str) -> &'static str {
        let known = self.known.iter().find(|known| known.name == name);
        known.map_or("..", |known| known.example)
    }

    /// Parses argument by argument: after one that is wrong, goes on behind the next comma.
    fn parse_list(&mut self, input: ParseStream<'_>) {
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
        let name = input.call(Ident::parse_any).map_err(|error| {
            let Known { name, example } = &self.known[0];
            let attribute = self.attribute;
            let message = format!(
                "`#[{attribute}(..)]` takes `name = value`: write for example `{name} = {example}`"
            );
            syn::Error::new(error.span(), message)
        })?;
        if input.is_empty() || !input.peek(Token![=]) {
            self.refuse_other_notation(&name, input)?;
            return Ok(Argument { name, value: None });
        }
        input.parse::<Token![=]>()?;
        let value = match input.is_empty() || input.peek(Token![,]) {
            true => None,
            false => Some(input.parse()?),
        };
        Ok(Argument { name, value })
    }

    /// `cron("..")` and `cron: ".."`.
    fn refuse_other_notation(&mut self, name: &Ident, input: ParseStream<'_>) -> syn::Result<()> {
        if !input.peek(syn::token::Paren) && !input.peek(Token![:]) {
            return Ok(());
        }
        // It is there, though badly written.
        self.meant.extend(
            self.known
                .iter()
                .map(|known| known.name)
                .filter(|known| name == known),
        );
        let example = self.example(&name.to_string());
        Err(syn::Error::new(
            input.span(),
            format!("an argument's value stands behind `=`: write `{name} = {example}`"),
        ))
    }

    fn keep(&mut self, argument: Argument) {
        let name = argument.name.to_string();
        if !self.known.iter().any(|known| known.name == name) {
            self.tell_unknown(&argument.name, &name);
        } else if self.mentions(&name) {
            self.errors.at(
                &argument.name,
                format!("`{name}` is given twice: keep one of them"),
            );
        } else {
            self.given.push(argument);
        }
    }

    fn tell_unknown(&mut self, place: &Ident, name: &str) {
        let known: Vec<_> = self
            .known
            .iter()
            .map(|known| format!("`{}`", known.name))
            .collect();
        let (attribute, known) = (self.attribute, known.join(", "));
        let message = match nearest(name, self.known) {
            Some(nearest) => {
                self.meant.push(nearest);
                format!(
                    "`#[{attribute}]` has no argument `{name}`: did you mean `{nearest}`? There are {known}"
                )
            }
            None => format!("`#[{attribute}]` has no argument `{name}`: there are {known}"),
        };
        self.errors.at(place, message);
    }
}

/// The argument that was most likely meant, if one is near enough.
fn nearest(name: &str, known: &'static [Known]) -> Option<&'static str> {
    const NEAR_ENOUGH: f64 = 0.5;
    let name = name.to_lowercase();
    let alias = ALIASES
        .iter()
        .find(|(alias, _)| *alias == name)
        .map(|(_, meant)| *meant);
    let likeness = |known: &Known| match alias {
        Some(meant) => f64::from(u8::from(known.name == meant)),
        None => strsim::normalized_damerau_levenshtein(&name, known.name),
    };
    known
        .iter()
        .map(|known| (likeness(known), known.name))
        .filter(|(likeness, _)| *likeness >= NEAR_ENOUGH)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        // Any token tree: parsing one cannot fail before the end.
        if input.parse::<TokenTree>().is_err() {
            return;
        }
    }
}
