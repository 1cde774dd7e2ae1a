//! Reading Basic credentials.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use expect_test::{Expect, expect};

use crate::http::basic::parse;

fn check(header: &[u8], expected: Expect) {
    let shown = match parse(header) {
        None => "another scheme".to_owned(),
        Some(Err(bad)) => format!("{bad:?}"),
        Some(Ok(readings)) => readings
            .iter()
            .map(|reading| format!("{}|{}", reading.user, String::from_utf8_lossy(&reading.password)))
            .collect::<Vec<_>>()
            .join(", "),
    };
    expected.assert_eq(&shown);
}

fn basic(credentials: &[u8]) -> Vec<u8> {
    format!("Basic {}", STANDARD.encode(credentials)).into_bytes()
}

#[test]
fn plain_credentials_have_one_reading() {
    check(&basic(b"15000:secret"), expect!["15000|secret"]);
    check(b"bAsIc   MTUwMDA6c2VjcmV0 ", expect!["15000|secret"]);
}

#[test]
fn a_password_may_be_empty_and_may_have_colons() {
    check(&basic(b"15000:"), expect!["15000|"]);
    check(&basic(b"15000:a:b:"), expect!["15000|a:b:"]);
}

#[test]
fn missing_padding_is_forgiven() {
    check(b"Basic YTpi", expect!["a|b"]);
    check(b"Basic YTpiYw", expect!["a|bc"]);
}

#[test]
fn credentials_beyond_ascii_are_read_as_utf8_first_and_then_as_latin1() {
    check(&basic("m\u{fc}ller:p\u{e4}ss".as_bytes()), expect!["müller|päss, mÃ¼ller|pÃ¤ss"]);
    check(&basic(b"m\xfcller:p\xe4ss"), expect!["müller|päss"]);
}

#[test]
fn what_is_no_credentials_is_refused() {
    check(b"Basic ", expect!["BadCredentials"]);
    check(b"Basic !!!", expect!["BadCredentials"]);
    check(&basic(b"no colon"), expect!["BadCredentials"]);
    check(&basic(&[b'a'; 5000]), expect!["BadCredentials"]);
}

#[test]
fn another_scheme_is_none_of_basics_business() {
    check(b"Bearer abc", expect!["another scheme"]);
    check(b"Basic", expect!["another scheme"]);
    check(b"", expect!["another scheme"]);
    check(b"\xff\xff\xff\xff\xff\xff\xff", expect!["another scheme"]);
}
