//! Feeds [`partyline_fuzz::callback`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    partyline_fuzz::callback(bytes);
});
