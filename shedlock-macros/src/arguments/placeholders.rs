//! The placeholders in a lock's name: `"import-{tenant}"`.

/// Stands for what a placeholder will be: one character at least.
const FILLED_IN: char = '…';

/// A lock's name as the attribute spells it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// No placeholder: the name itself, with `{{` and `}}` read as braces.
    Fixed(String),
    /// `format!` makes the name, at each call. Here every placeholder is [`FILLED_IN`].
    Formatted(String),
}

/// Reads a name as `format!` would, and refuses what `format!` cannot take from the fn's arguments.
pub(crate) fn parse(text: &str) -> Result<Name, String> {
    let mut name = String::new();
    let mut placeholders = 0;
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        name.push_str(&rest[..at]);
        let (brace, behind) = rest[at..].split_at(1);
        rest = if let Some(behind) = behind.strip_prefix(brace) {
            name.push_str(brace);
            behind
        } else if brace == "{" {
            let (placeholder, behind) = behind.split_once('}').ok_or_else(unbalanced)?;
            if name.ends_with('$') {
                return Err(of_spring());
            }
            check(placeholder)?;
            name.push(FILLED_IN);
            placeholders += 1;
            behind
        } else {
            return Err(unbalanced());
        };
    }
    name.push_str(rest);
    Ok(if placeholders == 0 {
        Name::Fixed(name)
    } else {
        Name::Formatted(name)
    })
}

fn check(placeholder: &str) -> Result<(), String> {
    let argument = placeholder.split(':').next().unwrap_or_default().trim();
    if argument.is_empty() || argument.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(format!(
            "`{{{placeholder}}}` names no argument of the fn: write for example `{{tenant}}` (or `{{{{}}}}` for braces)"
        ));
    }
    if let Some(argument) = argument.strip_prefix("r#") {
        return Err(format!(
            "a placeholder takes an argument's name without `r#`: write `{{{argument}}}`"
        ));
    }
    if let Some(argument) = argument.strip_prefix('#') {
        return Err(format!(
            "`#{{#{argument}}}` is how Spring writes it: write `{{{argument}}}`, without any `#`"
        ));
    }
    if argument
        .chars()
        .any(|letter| !letter.is_alphanumeric() && letter != '_')
    {
        return Err(format!(
            "a placeholder holds the name of an argument, `{{{argument}}}` is an expression: write `name = format!(\"..{{}}\", {argument})`"
        ));
    }
    Ok(())
}

fn of_spring() -> String {
    "nothing fills in `${..}`: write `{tenant}` for an argument of the fn, without the `$`, or an expression as the name"
        .to_owned()
}

fn unbalanced() -> String {
    "unmatched brace: write `{tenant}` for an argument of the fn, or `{{` and `}}` for braces"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_format_reads_them() {
        let cases = [
            ("import", Ok(Name::Fixed("import".to_owned()))),
            ("a{{b}}c", Ok(Name::Fixed("a{b}c".to_owned()))),
            ("{tenant}", Ok(Name::Formatted("…".to_owned()))),
            ("{tenant}-{day:03} ", Ok(Name::Formatted("…-… ".to_owned()))),
            ("{{{tenant}}}", Ok(Name::Formatted("{…}".to_owned()))),
            ("{type}", Ok(Name::Formatted("…".to_owned()))),
            ("{r#type}", Err("without `r#`: write `{type}`")),
            (
                "{self.id}",
                Err("write `name = format!(\"..{}\", self.id)`"),
            ),
            (
                "import-#{#tenant}",
                Err("write `{tenant}`, without any `#`"),
            ),
            ("import-${tenant}", Err("nothing fills in `${..}`")),
            ("${import.name:x}", Err("nothing fills in `${..}`")),
            ("$-{tenant}", Ok(Name::Formatted("$-…".to_owned()))),
            ("${{a}}", Ok(Name::Fixed("${a}".to_owned()))),
            ("{}", Err("`{}` names no argument")),
            ("{0}", Err("`{0}` names no argument")),
            ("{:?}", Err("`{:?}` names no argument")),
            ("{tenant", Err("unmatched brace")),
            ("tenant}", Err("unmatched brace")),
        ];
        for (text, expected) in cases {
            match (parse(text), expected) {
                (Err(error), Err(part)) => assert!(error.contains(part), "{text}: {error}"),
                (found, expected) => assert_eq!(found, expected.map_err(str::to_owned), "{text}"),
            }
        }
    }
}
