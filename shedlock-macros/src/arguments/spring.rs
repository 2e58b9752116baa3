//! Spring's placeholders, which nobody fills in here.

/// Refuses `${property}` and `#{expression}` in a literal.
pub(crate) fn refuse_placeholders(text: &str) -> Result<(), String> {
    match ["${", "#{"].iter().find(|begin| text.contains(**begin)) {
        Some(begin) => Err(format!(
            "nothing fills in `{begin}..}}`: write an expression as the value, or set it by `Scheduler::builder(..).overrides(..)` if it is a job's schedule, zone or duration"
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_of_spring() {
        for text in [
            "${report.cron}",
            "${report.cron:0 0 12 * * *}",
            "PT#{seconds}S",
        ] {
            assert!(refuse_placeholders(text).is_err(), "{text}");
        }
        for text in ["0 0 12 ? * FRI#2", "import-{tenant}", "$5", "#1 {}"] {
            assert_eq!(refuse_placeholders(text), Ok(()), "{text}");
        }
    }
}
