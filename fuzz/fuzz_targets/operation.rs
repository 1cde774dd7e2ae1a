//! Feeds [`partyline_fuzz::operation`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    partyline_fuzz::operation(bytes);
});
