//! How long a lock is held and what becomes of its lease: what both attributes say in the same
//! words.

use std::time::Duration;

use shedlock_schedule::{check_at_least, check_at_most, parse_duration};
use syn::LitStr;

use crate::arguments::Arguments;
use crate::arguments::spring::refuse_placeholders;
use crate::errors::Errors;
use crate::value::{Choice, Flag, Text, Value};

pub(crate) struct Lease {
    pub(crate) at_least: Option<Text>,
    pub(crate) at_most: Option<Text>,
    pub(crate) keep_alive: Option<Flag>,
    pub(crate) on_lost: Option<Value<Choice>>,
}

impl Lease {
    pub(crate) fn parse(arguments: &mut Arguments<'_>) -> Self {
        Self {
            at_least: arguments.duration("at_least"),
            at_most: arguments.duration("at_most"),
            keep_alive: arguments.flag("keep_alive"),
            on_lost: arguments.choice("on_lost", &["cancel", "continue"]),
        }
    }

    pub(crate) fn check(&self, errors: &mut Errors) {
        let at_most = literal_duration(self.at_most.as_ref(), errors);
        let at_least = literal_duration(self.at_least.as_ref(), errors);
        if let Some((place, at_most)) = at_most
            && let Err(error) = check_at_most(at_most)
        {
            errors.at(place, error);
        }
        if let (Some((place, at_least)), Some((_, at_most))) = (at_least, at_most)
            && let Err(error) = check_at_least(at_least, at_most)
        {
            errors.at(place, error);
        }
    }
}

/// A literal and the duration that it means. One that means none is told.
pub(crate) fn literal_duration<'a>(
    value: Option<&'a Text>,
    errors: &mut Errors,
) -> Option<(&'a LitStr, Duration)> {
    let literal = value?.literal()?;
    let text = literal.value();
    if let Err(error) = refuse_placeholders(&text) {
        errors.at(literal, error);
        return None;
    }
    match parse_duration(&text) {
        Ok(duration) => Some((literal, duration)),
        Err(error) => {
            errors.at(literal, error);
            None
        }
    }
}
