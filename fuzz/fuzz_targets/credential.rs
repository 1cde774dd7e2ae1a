//! Feeds [`partyline_fuzz::credential`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    partyline_fuzz::credential(bytes);
});
