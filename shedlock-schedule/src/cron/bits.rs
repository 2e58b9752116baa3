//! A set of small numbers: the values that a field allows.

use std::ops::{BitAnd, BitOr};

/// Numbers from 0 to 63.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bits(u64);

impl Bits {
    pub(super) fn insert(&mut self, value: u32) {
        self.0 |= 1 << value;
    }

    pub(super) fn remove(&mut self, value: u32) {
        self.0 &= !(1 << value);
    }

    pub(super) fn contains(self, value: u32) -> bool {
        self.0 >> value & 1 == 1
    }

    pub(super) fn first(self) -> Option<u32> {
        self.at_or_after(0)
    }

    pub(super) fn at_or_after(self, value: u32) -> Option<u32> {
        let rest = u64::MAX.checked_shl(value).map_or(0, |mask| self.0 & mask);
        (rest != 0).then(|| rest.trailing_zeros())
    }
}

impl BitAnd for Bits {
    type Output = Bits;

    fn bitand(self, other: Bits) -> Bits {
        Bits(self.0 & other.0)
    }
}

impl BitOr for Bits {
    type Output = Bits;

    fn bitor(self, other: Bits) -> Bits {
        Bits(self.0 | other.0)
    }
}

impl Extend<u32> for Bits {
    fn extend<I: IntoIterator<Item = u32>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.insert(value));
    }
}

impl FromIterator<u32> for Bits {
    fn from_iter<I: IntoIterator<Item = u32>>(values: I) -> Self {
        let mut bits = Bits::default();
        bits.extend(values);
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_next_value() {
        let bits: Bits = [0, 5, 59].into_iter().collect();
        let cases = [
            (0, Some(0)),
            (1, Some(5)),
            (5, Some(5)),
            (6, Some(59)),
            (60, None),
            (64, None),
        ];
        for (from, next) in cases {
            assert_eq!(bits.at_or_after(from), next, "{from}");
        }
        assert_eq!(Bits::default().first(), None);
    }
}
