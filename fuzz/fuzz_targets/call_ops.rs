//! Feeds [`partyline_fuzz::call_ops`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    partyline_fuzz::call_ops(bytes);
});
