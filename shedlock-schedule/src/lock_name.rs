//! What a lock may be called: whatever every store keeps and compares the same way.

use crate::NameError;

/// The width of the `name` column that ShedLock's table has.
pub(crate) const MAX_LOCK_NAME_CHARS: usize = 64;

/// Checks that every store can keep this lock name as it stands.
///
/// ```
/// use shedlock_schedule::check_lock_name;
///
/// assert!(check_lock_name("send-report").is_ok());
/// assert!(check_lock_name("import acme").is_ok());
/// assert!(check_lock_name(" send-report").is_err());
/// assert!(check_lock_name(&"x".repeat(65)).is_err());
/// ```
///
/// # Errors
/// [`NameError`] if the name is blank, longer than 64 characters, holds control characters, or
/// has white space at an end.
pub fn check_lock_name(name: &str) -> Result<(), NameError> {
    if name.trim().is_empty() {
        return Err(NameError::Blank);
    }
    let chars = name.chars().count();
    if chars > MAX_LOCK_NAME_CHARS {
        return Err(NameError::TooLong {
            name: name.to_owned(),
            chars,
        });
    }
    if let Some(control) = name.chars().find(|c| c.is_control()) {
        return Err(NameError::ControlCharacter {
            name: name.to_owned(),
            control,
        });
    }
    // MySQL ignores trailing blanks when it compares, so two such names would be one lock there.
    if name.trim() != name {
        return Err(NameError::OuterSpace {
            name: name.to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_every_store_keeps() {
        for name in [
            "a",
            "send-report",
            "import acme",
            "정산",
            "ß/#:{}",
            &"x".repeat(64),
            &"한".repeat(64),
        ] {
            assert_eq!(check_lock_name(name), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn names_that_some_store_would_change() {
        let long = "한".repeat(65);
        let cases = [
            (
                "",
                "a lock needs a name, such as `send-report`: this one is blank",
            ),
            (
                "  \t",
                "a lock needs a name, such as `send-report`: this one is blank",
            ),
            (
                "a ",
                "the lock name \"a \" begins or ends with white space, which MySQL ignores when it compares: remove it",
            ),
            (
                "\u{a0}a",
                "the lock name \"\\u{a0}a\" begins or ends with white space, which MySQL ignores when it compares: remove it",
            ),
            (
                "a\nb",
                "the lock name \"a\\nb\" holds the control character '\\n': remove it",
            ),
            (
                "a\0b",
                "the lock name \"a\\0b\" holds the control character '\\0': remove it",
            ),
            (
                &long,
                &format!(
                    "the lock name \"{long}\" has 65 characters: the table's column holds at most 64, so shorten it"
                ),
            ),
        ];
        for (name, message) in cases {
            assert_eq!(check_lock_name(name).unwrap_err().to_string(), message);
        }
    }
}
