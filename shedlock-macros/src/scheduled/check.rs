use std::fmt::Display;

use shedlock_schedule::{Schedule, check_lock_name, parse_zone};
use syn::{FnArg, GenericParam, Generics, ReturnType, Safety, Signature, Type};

use super::LOCKED_JOB;
use super::model::Scheduled;
use crate::arguments::spring::refuse_placeholders;
use crate::errors::Errors;
use crate::function::{Function, impl_trait, write_async};
use crate::lease::literal_duration;
use crate::value::Text;

/// Checks the literals, as `build()` would check them.
pub(super) fn check_arguments(scheduled: &Scheduled, errors: &mut Errors) {
    let cron = check_literal(&scheduled.cron, Schedule::cron, errors);
    let every = check_every(&scheduled.every, errors);
    let zone = check_literal(&scheduled.zone, parse_zone, errors);
    if let (Some(schedule), Some(zone)) = (cron.or(every), zone)
        && let Err(error) = schedule.check_zone(zone)
    {
        errors.at(&scheduled.zone, error);
    }
    check_literal(&scheduled.lock, check_lock, errors);
    check_literal(
        &scheduled.name,
        not_blank("a job's name is what logs show: leave `name` out to use the fn's"),
        errors,
    );
    check_literal(
        &scheduled.provider,
        not_blank("a provider's name is the one it was registered with"),
        errors,
    );
    scheduled.lease.check(errors);
    check_misfire(scheduled, errors);
}

/// Tells of the attributes that a job cannot have beside this one, and takes them out, so that no
/// other error follows from them.
pub(super) fn take_out_rivals(function: &mut Function, errors: &mut Errors) {
    for second in function.take_attributes("scheduled") {
        errors.at(
            second,
            "a job has one schedule: write one line for both, or a second fn that calls this one",
        );
    }
    for locked in function.take_attributes("locked") {
        errors.at(locked, LOCKED_JOB);
    }
}

/// Checks what a fn must be like so that a scheduler can call it.
pub(super) fn check_signature(signature: &Signature, errors: &mut Errors) {
    let name = &signature.ident;
    if signature.asyncness.is_none() {
        errors.at(
            signature.fn_token,
            format!("a job is an async fn: {}", write_async(name)),
        );
    }
    if let Safety::Unsafe(token) = &signature.safety {
        errors.at(
            token,
            "the scheduler calls a job and cannot keep an unsafe fn's promises: remove `unsafe`",
        );
    }
    if let Some(abi) = &signature.abi {
        errors.at(
            abi,
            "the scheduler calls a job as a plain Rust fn: remove the `extern`",
        );
    }
    check_generics(&signature.generics, errors);
    for argument in &signature.inputs {
        check_parameter(argument, errors);
    }
    check_output(&signature.output, errors);
}

/// What a literal means, if it is one. One that means nothing is told.
fn check_literal<T, E: Display>(
    value: &Option<Text>,
    parse: impl Fn(&str) -> Result<T, E>,
    errors: &mut Errors,
) -> Option<T> {
    let literal = value.as_ref()?.literal()?;
    let text = literal.value();
    if let Err(error) = refuse_placeholders(&text) {
        errors.at(literal, error);
        return None;
    }
    parse(&text).map_err(|error| errors.at(literal, error)).ok()
}

fn check_every(every: &Option<Text>, errors: &mut Errors) -> Option<Schedule> {
    if let Some(literal) = every.as_ref().and_then(Text::literal)
        && Schedule::cron(&literal.value()).is_ok()
    {
        let line = literal.value();
        let message = format!("this is a cron line, not a period: write `cron = {line:?}`");
        errors.at(literal, message);
        return None;
    }
    let (place, period) = literal_duration(every.as_ref(), errors)?;
    Schedule::every(period)
        .map_err(|error| errors.at(place, error))
        .ok()
}

/// The name is taken as it stands, unlike in `#[locked]`, so braces would not be what they seem.
fn check_lock(name: &str) -> Result<(), String> {
    if name.contains(['{', '}']) {
        return Err(format!(
            "a job's lock name has no placeholders, as nothing is known of a run when the scheduler is built: \
             write an expression, such as `lock = format!(\"import-{{}}\", region())`, \
             or `lock = String::from({name:?})` for a name that has just these braces"
        ));
    }
    check_lock_name(name).map_err(|error| error.to_string())
}

fn not_blank(cure: &'static str) -> impl Fn(&str) -> Result<(), String> {
    move |name| match name.trim() {
        "" => Err(format!("this name is blank: {cure}")),
        _ => Ok(()),
    }
}

fn check_misfire(scheduled: &Scheduled, errors: &mut Errors) {
    let misfire = scheduled
        .misfire
        .as_ref()
        .and_then(|misfire| misfire.literal());
    if let Some(misfire) = misfire
        && misfire.word.value() == "once"
        && !scheduled.mentions_lock
    {
        errors.at(
            &misfire.word,
            "`misfire = \"once\"` needs a `lock`: the lock's row remembers which fire time ran last; add `lock = \"send-report\"`",
        );
    }
}

fn check_generics(generics: &Generics, errors: &mut Errors) {
    if let Some(parameter) = generics.params.first() {
        let kind = match parameter {
            GenericParam::Lifetime(_) => "lifetimes",
            GenericParam::Type(_) => "types",
            GenericParam::Const(_) => "constants",
        };
        errors.at(
            &generics.params,
            format!(
                "a job cannot be generic, as the scheduler cannot know which {kind} to use: \
                 write a plain fn that calls the generic one"
            ),
        );
    }
}

fn check_parameter(argument: &FnArg, errors: &mut Errors) {
    let argument = match argument {
        FnArg::Typed(argument) => argument,
        FnArg::Receiver(receiver) => {
            return errors.at(
                receiver,
                "a job is a free fn and has no `self`: take the service as an argument, `Data(service): Data<Arc<Service>>`, \
                 and move the fn out of the impl",
            );
        }
    };
    if let Some(condition) = argument
        .attrs
        .iter()
        .find(|attribute| attribute.path().is_ident("cfg"))
    {
        errors.at(
            condition,
            "a job's argument cannot be conditional: put the `cfg` on two versions of the fn",
        );
    }
    match &*argument.ty {
        Type::Reference(reference) => {
            errors.at(
                reference,
                "a job owns its arguments: take `Data<T>` or `Run` by value, without `&`",
            );
        }
        ty => {
            if let Some(span) = impl_trait(ty) {
                let message = "a job's argument cannot be `impl Trait`: name the type that was registered, as in `Data<Arc<dyn Trait>>`";
                errors.add(syn::Error::new(span, message));
            }
        }
    }
}

fn check_output(output: &ReturnType, errors: &mut Errors) {
    let ReturnType::Type(_, ty) = output else {
        return;
    };
    if let Type::Never(never) = &**ty {
        errors.at(
            never,
            "a job must return: return `()` or `Result<(), E>`, and let the schedule call it again (a service that runs for ever needs no schedule)",
        );
    } else if let Some(span) = impl_trait(ty) {
        let message =
            "a job returns `()` or `Result<(), E>`: name the type `E` instead of `impl Trait`";
        errors.add(syn::Error::new(span, message));
    }
}
