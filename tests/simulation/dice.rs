/// Where all chance comes from: a number that depends on the seed and on what it is for, and not on
/// what was drawn before.
///
/// So it does not matter in which order the tasks of a node ask.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    /// The dice for one of many things.
    pub(super) fn of(self, thing: u64) -> Self {
        Self(mix(self.0 ^ mix(thing)))
    }

    /// The dice for a thing that has a name.
    pub(super) fn named(self, name: &str) -> Self {
        name.bytes().fold(self, |dice, byte| dice.of(byte.into()))
    }

    pub(super) fn number(self) -> u64 {
        self.0
    }

    pub(super) fn roll(self) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.0)
    }
}

/// SplitMix64: neighbours among the numbers have nothing in common afterwards.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}
