//! What a line has that was never typed into it: characters that look like others or like nothing,
//! and blanks within a field.

/// The hyphens, dashes and minus signs that are not `-`.
const DASHES: [char; 10] = [
    '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2015}', '\u{2212}', '\u{fe58}',
    '\u{fe63}', '\u{ff0d}',
];

/// What is wrong with a field for its characters alone, if anything is.
pub(super) fn wrong_character(field: &str) -> Option<String> {
    if let Some(dash) = field.chars().find(|c| DASHES.contains(c)) {
        let cure = with_hyphens(field);
        return Some(format!(
            "`{dash}` is not the `-` of a range, write `{cure}`"
        ));
    }
    let invisible = field.chars().find(|c| is_invisible(*c))?;
    let code = u32::from(invisible);
    Some(format!(
        "the character U+{code:04X} is invisible, remove it"
    ))
}

/// A field that blanks have parted, and the whole line without them.
pub(super) struct Parted {
    pub(super) field: String,
    pub(super) cure: String,
    pub(super) line: Vec<String>,
}

impl Parted {
    pub(super) fn find(fields: &[&str]) -> Option<Self> {
        let groups = || fields.chunk_by(|before, behind| are_parted(before, behind));
        let parts = groups().find(|parts| parts.len() > 1)?;
        Some(Self {
            field: parts.join(" "),
            cure: with_hyphens(&parts.concat()),
            line: groups()
                .map(|parts| with_hyphens(&parts.concat()))
                .collect(),
        })
    }
}

/// Whether two fields may be one: a sign that joins values is where they meet, and a value on its
/// other side.
fn are_parted(before: &str, behind: &str) -> bool {
    let is_sign = |c: char| matches!(c, ',' | '-' | '/' | '#') || DASHES.contains(&c);
    let is_value = |c: char| c.is_ascii_alphanumeric();
    (before.ends_with(is_sign) && behind.starts_with(is_value))
        || (before.ends_with(is_value) && behind.starts_with(is_sign))
        || (before == "*" && behind.starts_with('/'))
}

fn with_hyphens(field: &str) -> String {
    field.replace(DASHES, "-")
}

/// Whether a character has no width, or only changes the direction of others.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
