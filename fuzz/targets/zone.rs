#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| shedlock_fuzz_entries::zone(text));
