//! Feeds [`partyline_fuzz::session`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    partyline_fuzz::session(bytes);
});
