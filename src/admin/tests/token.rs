//! Whether a request bears the token.

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use crate::admin::{BadToken, Token};

const TOKEN: &str = "0123456789abcdef";

fn bears(values: &[&str]) -> bool {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
    }
    Token::parse(TOKEN).unwrap().opens(&headers)
}

#[test]
fn only_the_whole_token_opens() {
    assert!(bears(&["Bearer 0123456789abcdef"]));
    assert!(bears(&["bearer  0123456789abcdef "]));
    for wrong in ["Bearer 0123456789abcdeg", "Bearer 0123456789abcde", "Bearer ", "Bearer", "", "0123456789abcdef"] {
        assert!(!bears(&[wrong]), "{wrong}");
    }
    assert!(!bears(&["Basic 0123456789abcdef"]));
    assert!(!bears(&["Bearer 0123456789abcdef", "Bearer 0123456789abcdef"]), "two are none");
    assert!(!bears(&[]));
}

#[test]
fn a_token_is_long_enough_fits_in_a_header_and_is_not_shown() {
    for bad in ["", "0123456789abcde", "0123456789abcde ", "0123456789abcdeé"] {
        assert_eq!(Token::parse(bad).err(), Some(BadToken), "{bad}");
    }
    assert_eq!(format!("{:?}", Token::parse(TOKEN).unwrap()), "Token(secret)");
}
