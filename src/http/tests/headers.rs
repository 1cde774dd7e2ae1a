//! Cookies, keys and ids in headers.

use actix_web::http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue};

use crate::http::caller::cookies;
use crate::http::config::CookieKey;
use crate::http::longpoll::{Drawn, browser_cookie};
use crate::http::rest::idempotency_key;
use crate::http::upgrade::names_websocket;
use crate::ids::RequestId;

fn header(name: &'static str, value: &str) -> HeaderMap {
    [(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())].into_iter().collect()
}

#[test]
fn a_websocket_may_be_one_of_the_protocols_that_are_asked_for() {
    for (named, is_one) in [
        ("websocket", true),
        ("WebSocket", true),
        ("h2c, websocket", true),
        ("h2c", false),
        ("websockets", false),
        ("", false),
    ] {
        assert_eq!(names_websocket(&header("upgrade", named)), is_one, "{named}");
    }
    assert!(!names_websocket(&HeaderMap::new()));
}

#[test]
fn every_cookie_of_a_name_is_found_and_no_other() {
    let mut headers = header("cookie", "XSESSION=0; SESSION=1;SESSION=2 ; SESSIONX=3; SESSION");
    headers.append(COOKIE, HeaderValue::from_static("SESSION=a=b"));
    headers.append(COOKIE, HeaderValue::from_bytes(b"SESSION=\xff").unwrap());
    assert_eq!(cookies(&headers, "SESSION").collect::<Vec<_>>(), ["1", "2", "a=b"]);
}

#[test]
fn a_client_keeps_its_cookie_and_who_has_none_gets_one() {
    let (cookie, drawn) = browser_cookie(&header("cookie", "BAYEUX_BROWSER=abc"));
    assert_eq!((cookie.reveal(), drawn), ("abc", Drawn::Before));
    for headers in [
        HeaderMap::new(),
        header("cookie", "BAYEUX_BROWSER="),
        header("cookie", &format!("BAYEUX_BROWSER={}", "a".repeat(129))),
    ] {
        let (cookie, drawn) = browser_cookie(&headers);
        assert_eq!((cookie.reveal().len(), drawn), (40, Drawn::Now));
    }
}

#[test]
fn a_plain_request_id_is_kept_and_any_other_is_replaced() {
    assert_eq!(RequestId::of(Some(b"7f3-A_b.9")).as_str(), "7f3-A_b.9");
    let long = "a".repeat(65);
    for presented in [None, Some(""), Some("two words"), Some(&*long), Some("\u{e4}")] {
        assert_eq!(RequestId::of(presented.map(str::as_bytes)).as_str().len(), 16);
    }
}

#[test]
fn an_idempotency_key_is_a_name_or_refused() {
    assert!(idempotency_key(&HeaderMap::new()).unwrap().is_none());
    assert_eq!(idempotency_key(&header("idempotency-key", "k-1")).unwrap().unwrap().as_str(), "k-1");
    for key in ["", "a/b", "a\"b", &"a".repeat(129), "\u{e4}"] {
        assert!(idempotency_key(&header("idempotency-key", key)).is_err());
    }
}

#[test]
fn a_key_shows_nothing_of_itself() {
    assert_eq!(format!("{:?}", CookieKey::new([7; 32])), "CookieKey(secret)");
}
