use super::Known;

/// What other schedulers call it, as `plain` has it.
const ALIASES: [(&str, &str); 14] = [
    ("schedule", "cron"),
    ("interval", "every"),
    ("period", "every"),
    ("rate", "every"),
    ("fixedrate", "every"),
    ("fixeddelay", "every"),
    ("timezone", "zone"),
    ("tz", "zone"),
    ("lockname", "lock"),
    ("lockname", "name"),
    ("lock", "name"),
    ("lockatmostfor", "at_most"),
    ("timeout", "at_most"),
    ("lockatleastfor", "at_least"),
];

const NEAR_ENOUGH: f64 = 0.6;

/// The argument that somebody who wrote `name` most likely meant, if one is near enough.
pub(super) fn nearest(name: &str, known: &'static [Known]) -> Option<&'static str> {
    let name = plain(name);
    let alias = without_java_suffix(&name);
    // First, as `Lock` is no alias of `name` where there is a `lock`.
    let is_same = |known: &&Known| name == plain(known.name);
    let is_alias = |known: &&Known| ALIASES.contains(&(alias, known.name));
    known
        .iter()
        .find(is_same)
        .or_else(|| known.iter().find(is_alias))
        .map(|known| known.name)
        .or_else(|| most_like(&name, known))
}

fn most_like(name: &str, known: &'static [Known]) -> Option<&'static str> {
    known
        .iter()
        // Whoever needs it has read of it: nobody means it by another word.
        .filter(|known| known.name != "crate")
        .map(|known| {
            let likeness = strsim::normalized_damerau_levenshtein(name, &plain(known.name));
            (likeness, known.name)
        })
        .filter(|(likeness, _)| *likeness >= NEAR_ENOUGH)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

/// Java has a second name where a value is a text: `fixedRateString`.
pub(super) fn without_java_suffix(plain: &str) -> &str {
    plain.strip_suffix("string").unwrap_or(plain)
}

/// A name in whatever case of letters: `at_most` and `atMost` are the same.
pub(super) fn plain(name: &str) -> String {
    name.to_lowercase().replace('_', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant() {
        const KNOWN: &[Known] = &[
            Known::new("cron", ""),
            Known::new("every", ""),
            Known::new("lock", ""),
            Known::new("at_most", ""),
            Known::new("at_least", ""),
            Known::new("keep_alive", ""),
            Known::new("name", ""),
            Known::new("crate", ""),
        ];
        let cases = [
            ("corn", Some("cron")),
            ("Cron", Some("cron")),
            ("at_mots", Some("at_most")),
            ("at_last", Some("at_least")),
            ("atMost", Some("at_most")),
            ("schedule", Some("cron")),
            ("keepAlive", Some("keep_alive")),
            ("lock_at_most_for", Some("at_most")),
            ("lockAtMostFor", Some("at_most")),
            ("lockAtLeastForString", Some("at_least")),
            ("fixedRate", Some("every")),
            ("fixed_delay", Some("every")),
            ("fixedRateString", Some("every")),
            ("lockName", Some("lock")),
            ("Lock", Some("lock")),
            ("LOCK", Some("lock")),
            ("rate", Some("every")),
            ("timeout", Some("at_most")),
            ("period", Some("every")),
            ("date", None),
            ("time", None),
            ("crates", None),
            // An alias of an argument that this attribute does not have.
            ("tz", None),
            ("initialDelay", None),
            ("retries", None),
        ];
        for (name, meant) in cases {
            assert_eq!(nearest(name, KNOWN), meant, "{name}");
        }
    }
}
