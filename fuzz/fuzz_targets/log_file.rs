//! Feeds [`partyline_fuzz::log_file`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    partyline_fuzz::log_file(bytes);
});
