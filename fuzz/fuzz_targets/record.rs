//! Feeds [`partyline_fuzz::record`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    partyline_fuzz::record(bytes);
});
