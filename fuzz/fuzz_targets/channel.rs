//! Feeds [`partyline_fuzz::channel`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    partyline_fuzz::channel(bytes);
});
