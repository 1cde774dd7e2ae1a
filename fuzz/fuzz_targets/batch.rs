//! Feeds [`partyline_fuzz::batch`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    partyline_fuzz::batch(bytes);
});
