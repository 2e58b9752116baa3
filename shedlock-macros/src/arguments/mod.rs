//! The list in an attribute's parentheses: `name = value, flag, ..`.

mod absent;
mod list;
pub(crate) mod placeholders;
pub(crate) mod spring;
mod suggestion;

use proc_macro2::TokenStream;
use syn::parse::Parser;
use syn::{Expr, Ident, Path, parse_quote};

use crate::errors::Errors;
use crate::value::{self, Choice, Flag, Text, Value};

/// An argument that an attribute has.
pub(crate) struct Known {
    name: &'static str,
    /// A value of it, for messages.
    example: &'static str,
    /// The argument that says the same in another way, if there is one.
    alternative: Option<&'static str>,
}

impl Known {
    pub(crate) const fn new(name: &'static str, example: &'static str) -> Self {
        Self {
            name,
            example,
            alternative: None,
        }
    }

    pub(crate) const fn instead_of(self, alternative: &'static str) -> Self {
        Self {
            alternative: Some(alternative),
            ..self
        }
    }
}

/// The arguments of one attribute. Its parser takes each of them out once.
pub(crate) struct Arguments<'a> {
    attribute: &'static str,
    known: &'static [Known],
    given: Vec<Argument>,
    /// Those that were given, and what wrong ones were probably meant to be: however wrong, they
    /// are not missing.
    mentioned: Vec<&'static str>,
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
            mentioned: Vec::new(),
            errors,
        };
        let list = |input: syn::parse::ParseStream<'_>| arguments.parse_list(input);
        if let Err(error) = list.parse2(tokens) {
            arguments.errors.add(error);
        }
        arguments
    }

    /// Whether the argument was given, or probably meant by one that is misspelt.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        self.mentioned.contains(&name)
    }

    /// Tells that an argument has to be there, unless it is.
    pub(crate) fn require(&mut self, name: &str, reason: &str) {
        if !self.mentions(name) {
            let cure = self.cure(name);
            self.errors
                .at_attribute(format!("`{name}` is missing: add {cure}, {reason}"));
        }
    }

    /// Tells that exactly one of two arguments has to be there, unless it is so.
    pub(crate) fn require_one_of(&mut self, one: &str, other: &str, reason: &str) {
        if !self.mentions(one) && !self.mentions(other) {
            let (attribute, first, second) = (self.attribute, self.cure(one), self.cure(other));
            self.errors.at_attribute(format!(
                "`#[{attribute}]` does not say {reason}: add {first} or {second}"
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
        let is_dependent = |given: &&Ident| dependents.iter().any(|dependent| *given == dependent);
        let dependent = self.names().find(is_dependent).cloned();
        if let Some(dependent) = dependent {
            let cure = self.cure(name);
            let message = format!(
                "`{dependent}` needs a `{name}`: {reason}; add {cure}, or remove `{dependent}`"
            );
            self.errors.at(dependent, message);
        }
    }

    pub(crate) fn text(&mut self, name: &str) -> Option<Text> {
        self.checked(name, value::text)
    }

    pub(crate) fn duration(&mut self, name: &str) -> Option<Text> {
        self.checked(name, value::duration)
    }

    /// One of some words, or an expression.
    pub(crate) fn choice(&mut self, name: &str, words: &[&str]) -> Option<Value<Choice>> {
        self.checked(name, |name, value, _| value::choice(name, value, words))
    }

    /// `flag` alone, or `flag = condition`.
    pub(crate) fn flag(&mut self, name: &str) -> Option<Flag> {
        if self
            .given
            .iter()
            .any(|argument| argument.name == name && argument.value.is_none())
        {
            return self.take(name).map(|_| Value::Literal(parse_quote!(true)));
        }
        self.checked(name, |name, value, _| value::flag(name, value))
    }

    pub(crate) fn expression(&mut self, name: &str) -> Option<Expr> {
        self.checked(name, |_, value, _| Ok(value::without_group(value)))
    }

    /// The path of the library, `::shedlock` unless `crate = ..` says otherwise.
    pub(crate) fn library(&mut self) -> Path {
        let library = self.checked("crate", |_, value, _| value::path(value));
        library.unwrap_or_else(|| parse_quote!(::shedlock))
    }

    /// Takes an argument's value and reads it; `read` is told its name and an example.
    fn checked<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str, Expr, &str) -> syn::Result<T>,
    ) -> Option<T> {
        let argument = self.take(name)?;
        let value = match argument.value {
            Some(value) => read(name, value, self.example(name)),
            None => {
                let message = format!("`{name}` needs a value: write {}", self.cure(name));
                Err(syn::Error::new_spanned(argument.name, message))
            }
        };
        value.map_err(|error| self.errors.add(error)).ok()
    }

    fn take(&mut self, name: &str) -> Option<Argument> {
        let position = self.names().position(|given| given == name)?;
        Some(self.given.remove(position))
    }

    fn names(&self) -> impl Iterator<Item = &Ident> {
        self.given.iter().map(|argument| &argument.name)
    }

    /// The argument as it could be written.
    fn cure(&self, name: &str) -> String {
        format!("`{name} = {}`", self.example(name))
    }

    fn example(&self, name: &str) -> &'static str {
        let known = self.known.iter().find(|known| known.name == name);
        known.map_or("..", |known| known.example)
    }
}
