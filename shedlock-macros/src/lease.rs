//! How long a lock is held and what becomes of its lease: what both attributes say in the same words.

use std::time::Duration;

use shedlock_schedule::parse_duration;
use syn::LitStr;

use crate::arguments::Arguments;
use crate::errors::Errors;
use crate::value::{Choice, Flag, Text, Value};

/// The range of a lease in shedlock-core, on which this crate cannot depend.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

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
            && !(SHORTEST..=LONGEST).contains(&at_most)
        {
            let given = place.value();
            errors.at(
                place,
                format!(
                    "a lease of `{given}` is out of range: `at_most` is between 1ms and 366 days"
                ),
            );
        }
        if let (Some((longer, at_least)), Some((shorter, at_most))) = (at_least, at_most)
            && at_least > at_most
        {
            let (given_least, given_most) = (longer.value(), shorter.value());
            errors.at(
                longer,
                format!(
                    "`at_least` ({given_least}) is longer than `at_most` ({given_most}): a lock cannot stay taken \
                     beyond its lease; lower `at_least` or raise `at_most`"
                ),
            );
        }
    }
}

/// A literal and the duration that it means. One that means none is told.
pub(crate) fn literal_duration<'a>(
    value: Option<&'a Text>,
    errors: &mut Errors,
) -> Option<(&'a LitStr, Duration)> {
    let literal = value?.literal()?;
    match parse_duration(&literal.value()) {
        Ok(duration) => Some((literal, duration)),
        Err(error) => {
            errors.at(literal, error);
            None
        }
    }
}
