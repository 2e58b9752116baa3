//! The text of scripts, for tests that call them themselves.

/// A script after all functions that some of them need.
macro_rules! script {
    ($name:literal) => {
        concat!(
            include_str!("../../src/scripts/common/clock.lua"),
            include_str!("../../src/scripts/common/each.lua"),
            include_str!("../../src/scripts/common/time.lua"),
            include_str!("../../src/scripts/common/last_before.lua"),
            include_str!("../../src/scripts/common/last_ms.lua"),
            include_str!("../../src/scripts/common/value.lua"),
            include_str!("../../src/scripts/common/memory.lua"),
            include_str!(concat!("../../src/scripts/", $name, ".lua"))
        )
    };
}

pub(crate) const ACQUIRE: &str = script!("acquire");
pub(crate) const TAKE_BACK: &str = script!("take_back");
pub(crate) const EXTEND: &str = script!("extend");
pub(crate) const RELEASE: &str = script!("release");
pub(crate) const LOOK: &str = script!("look");
