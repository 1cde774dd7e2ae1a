//! Feeds [`partyline_fuzz::client`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    partyline_fuzz::client(bytes);
});
