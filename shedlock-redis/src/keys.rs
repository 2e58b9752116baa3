use std::sync::LazyLock;

/// How many hash slots a Cluster has.
const SLOTS: u16 = 16_384;

/// The keys of one environment.
///
/// | key | what it holds |
/// |---|---|
/// | `job-lock:default:report` | the lock, as ShedLock writes it |
/// | `job-lock::memory:{job-lock:default:report}` | its last acquisition, also after the lock is gone, and those that may not be granted any more |
///
/// The second is in the slot of the first, and is nobody's lock, as no environment begins with a
/// colon.
#[derive(Debug)]
pub(crate) struct Keys {
    prefix: String,
    environment: String,
}

impl Keys {
    /// None if some lock could have no second key in its slot, or if that could be another lock's.
    pub(crate) fn new(prefix: String, environment: String) -> Option<Self> {
        let usable = !prefix.is_empty()
            && (!prefix.contains('{') || hash_tag(&prefix).is_some())
            && !environment.is_empty()
            && !environment.starts_with(':');
        usable.then_some(Self {
            prefix,
            environment,
        })
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(crate) fn environment(&self) -> &str {
        &self.environment
    }

    /// The lock, and its memory.
    pub(crate) fn of(&self, name: &str) -> [String; 2] {
        let lock = self.lock(name);
        let memory = self.memory(&lock);
        [lock, memory]
    }

    pub(crate) fn lock(&self, name: &str) -> String {
        [&self.prefix, ":", &self.environment, ":", name].concat()
    }

    /// The key that remembers a lock's last acquisition; same slot as the lock's.
    fn memory(&self, lock: &str) -> String {
        let prefix = &*self.prefix;
        if hash_tag(lock).is_some() {
            [prefix, "::memory:", lock].concat()
        } else if lock.contains('}') {
            // All of it is hashed, but in braces only what stands before its own brace would be.
            let tag = tag_of(crc16(lock) % SLOTS);
            format!("{prefix}::memory:{{{tag}}}:{lock}")
        } else {
            [prefix, "::memory:{", lock, "}"].concat()
        }
    }

    /// A key that is never written: it leads to the node whose clock is asked for.
    pub(crate) fn clock(&self) -> String {
        format!("{}::clock", self.prefix)
    }

    /// A pattern that all keys of locks and memories match, and few others.
    pub(crate) fn pattern(&self) -> String {
        let (prefix, environment) = (literal(&self.prefix), literal(&self.environment));
        format!("{prefix}:*{environment}:*")
    }

    /// Which lock of this environment a key belongs to.
    pub(crate) fn name_of<'a>(&self, key: &'a str) -> Option<&'a str> {
        let beside = key
            .strip_prefix(&*self.prefix)
            .and_then(|key| key.strip_prefix("::memory:"));
        match beside {
            None => self.name_of_lock(key),
            Some(rest) => {
                let wrapped = rest
                    .strip_prefix('{')
                    .and_then(|rest| rest.strip_suffix('}'));
                let tagged = rest.split_once("}:").map(|(_, rest)| rest);
                [Some(rest), wrapped, tagged]
                    .into_iter()
                    .flatten()
                    .filter_map(|lock| self.name_of_lock(lock))
                    .find(|name| self.memory(&self.lock(name)) == key)
            }
        }
    }

    fn name_of_lock<'a>(&self, key: &'a str) -> Option<&'a str> {
        key.strip_prefix(&*self.prefix)?
            .strip_prefix(':')?
            .strip_prefix(&*self.environment)?
            .strip_prefix(':')
    }
}

/// A pattern that only this text matches.
fn literal(text: &str) -> String {
    let mut pattern = String::new();
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\' | '^') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// The part of a key that decides its slot, if it is not the whole key.
fn hash_tag(key: &str) -> Option<&str> {
    let (_, rest) = key.split_once('{')?;
    let (tag, _) = rest.split_once('}')?;
    (!tag.is_empty()).then_some(tag)
}

/// A text that hashes to a slot.
fn tag_of(slot: u16) -> u32 {
    static TAGS: LazyLock<Vec<u32>> = LazyLock::new(|| {
        let mut tags = vec![None; usize::from(SLOTS)];
        let mut missing = tags.len();
        for number in 0.. {
            let tag = &mut tags[usize::from(crc16(&number.to_string()) % SLOTS)];
            if tag.is_none() {
                *tag = Some(number);
                missing -= 1;
                if missing == 0 {
                    break;
                }
            }
        }
        tags.into_iter().flatten().collect()
    });
    TAGS[usize::from(slot)]
}

/// CRC-16/XMODEM, as the Cluster specification has it.
fn crc16(text: &str) -> u16 {
    text.bytes().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            let carry = if crc & 0x8000 == 0 { 0 } else { 0x1021 };
            (crc << 1) ^ carry
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(key: &str) -> u16 {
        crc16(hash_tag(key).unwrap_or(key)) % SLOTS
    }

    #[test]
    fn the_checksum_is_that_of_the_specification() {
        assert_eq!(crc16("123456789"), 0x31c3);
        assert_eq!(slot("{user1000}.following"), slot("{user1000}.followers"));
        assert_eq!(slot("foo{}{bar}"), crc16("foo{}{bar}") % SLOTS);
        assert_eq!(hash_tag("foo{{bar}}zap"), Some("{bar"));
    }

    #[test]
    fn every_slot_has_a_tag() {
        for slot in 0..SLOTS {
            assert_eq!(crc16(&tag_of(slot).to_string()) % SLOTS, slot);
        }
    }

    #[test]
    fn all_keys_of_a_lock_are_in_one_slot_and_lead_back_to_its_name() {
        for prefix in ["job-lock", "{app}:locks", "a}b", "*[x]"] {
            for environment in ["default", "de}f", "{", "{}", "e:f"] {
                let keys = Keys::new(prefix.into(), environment.into()).expect("usable");
                for name in names() {
                    let [lock, memory] = keys.of(&name);
                    assert_eq!(slot(&memory), slot(&lock), "{memory}");
                    assert_eq!(keys.name_of(&lock), Some(&*name), "{lock}");
                    assert_eq!(keys.name_of(&memory), Some(&*name), "{memory}");
                }
            }
        }
    }

    /// Every text of up to five of these.
    fn names() -> Vec<String> {
        let mut names = vec![String::new()];
        let mut longest = names.clone();
        for _ in 0..5 {
            longest = longest
                .iter()
                .flat_map(|name| ["{", "}", ":", "a"].map(|end| format!("{name}{end}")))
                .collect();
            names.extend(longest.iter().cloned());
        }
        names.split_off(1)
    }

    #[test]
    fn settings_that_would_mix_keys_up_are_refused() {
        for (prefix, environment) in [("", "e"), ("p", ""), ("p", ":e"), ("{", "e"), ("{}p", "e")] {
            assert!(
                Keys::new(prefix.into(), environment.into()).is_none(),
                "{prefix} {environment}"
            );
        }
    }

    #[test]
    fn settings_are_no_patterns() {
        let keys = Keys::new(r"a*b?[c]\^".into(), "e*".into()).expect("usable");
        assert_eq!(keys.pattern(), r"a\*b\?\[c\]\\\^:*e\*:*");
    }
}
