use super::Known;

/// What other schedulers call it.
const ALIASES: [(&str, &str); 10] = [
    ("schedule", "cron"),
    ("interval", "every"),
    ("fixed_rate", "every"),
    ("timezone", "zone"),
    ("tz", "zone"),
    ("lock_name", "lock"),
    ("lock_name", "name"),
    ("lock", "name"),
    ("lock_at_most_for", "at_most"),
    ("lock_at_least_for", "at_least"),
];

const NEAR_ENOUGH: f64 = 0.5;

/// The argument that somebody who wrote `name` most likely meant, if one is near enough.
pub(super) fn nearest(name: &str, known: &'static [Known]) -> Option<&'static str> {
    let name = name.to_lowercase();
    let is_alias = |known: &&Known| ALIASES.contains(&(&*name, known.name));
    if let Some(meant) = known.iter().find(is_alias) {
        return Some(meant.name);
    }
    known
        .iter()
        .map(|known| {
            (
                strsim::normalized_damerau_levenshtein(&name, known.name),
                known.name,
            )
        })
        .filter(|(likeness, _)| *likeness >= NEAR_ENOUGH)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant() {
        const KNOWN: &[Known] = &[
            Known::new("cron", ""),
            Known::new("at_most", ""),
            Known::new("at_least", ""),
        ];
        let cases = [
            ("corn", Some("cron")),
            ("Cron", Some("cron")),
            ("at_mots", Some("at_most")),
            ("at_last", Some("at_least")),
            ("atMost", Some("at_most")),
            ("schedule", Some("cron")),
            ("lock_at_most_for", Some("at_most")),
            // An alias of an argument that this attribute does not have.
            ("tz", None),
            ("retries", None),
        ];
        for (name, meant) in cases {
            assert_eq!(nearest(name, KNOWN), meant, "{name}");
        }
    }
}
