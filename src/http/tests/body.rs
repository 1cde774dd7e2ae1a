//! Reading bodies.

use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};

use crate::clock;
use crate::http::body::{BadBody, read};

const SECOND: Duration = Duration::from_secs(1);

fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
}

async fn body(headers: &HeaderMap, chunks: &[&'static [u8]], max: usize) -> Result<Bytes, BadBody> {
    let chunks = chunks.iter().map(|chunk| Ok::<_, PayloadError>(Bytes::from_static(chunk)));
    read(headers, stream::iter(chunks), max, SECOND).await
}

#[actix_web::test]
async fn chunks_are_joined_in_their_order() {
    let plain = HeaderMap::new();
    assert_eq!(body(&plain, &[], 8).await.unwrap(), "");
    assert_eq!(body(&plain, &[b"[]"], 8).await.unwrap(), "[]");
    assert_eq!(body(&plain, &[b"[", b"1", b",2]"], 8).await.unwrap(), "[1,2]");
}

#[actix_web::test]
async fn a_body_of_the_largest_size_is_taken_and_one_byte_more_is_not() {
    let plain = HeaderMap::new();
    assert_eq!(body(&plain, &[b"1234"], 4).await.unwrap(), "1234");
    assert_eq!(body(&plain, &[b"12", b"34"], 4).await.unwrap(), "1234");
    for chunks in [&[b"12345".as_slice()][..], &[b"12", b"345"], &[b"12", b"34", b"5"]] {
        assert_eq!(body(&plain, chunks, 4).await, Err(BadBody::TooLarge));
    }
}

#[actix_web::test]
async fn a_body_announced_too_large_is_not_even_read() {
    let announced = headers(&[(CONTENT_LENGTH, "5")]);
    let never = stream::pending::<Result<Bytes, PayloadError>>();
    assert_eq!(read(&announced, never, 4, SECOND).await, Err(BadBody::TooLarge));
}

#[actix_web::test]
async fn a_body_that_stops_coming_is_given_up_in_time() {
    tokio::time::pause();
    let started = clock::now();
    let stalls = stream::iter([Ok::<_, PayloadError>(Bytes::from_static(b"["))]).chain(stream::pending());
    assert_eq!(read(&HeaderMap::new(), stalls, 4, SECOND).await, Err(BadBody::Late));
    assert!((SECOND..2 * SECOND).contains(&(clock::now() - started)));
}

#[actix_web::test]
async fn a_body_that_breaks_off_is_refused() {
    let broken = stream::iter([Ok(Bytes::from_static(b"[")), Err(PayloadError::Incomplete(None))]);
    assert_eq!(read(&HeaderMap::new(), broken, 4, SECOND).await, Err(BadBody::Broken));
}

#[actix_web::test]
async fn utf8_and_ascii_are_passed_on_as_they_are() {
    for kind in [
        "application/json",
        "application/json;charset=UTF-8",
        "text/plain; Charset=\"utf-8\"",
        "application/json; boundary=x; charset=us-ascii",
        "nonsense",
        "",
    ] {
        let kind = headers(&[(CONTENT_TYPE, kind)]);
        assert_eq!(body(&kind, &["\u{e4}".as_bytes()], 8).await.unwrap(), "\u{e4}");
    }
}

#[actix_web::test]
async fn latin1_becomes_utf8() {
    let kind = headers(&[(CONTENT_TYPE, "application/json; charset=ISO-8859-1")]);
    assert_eq!(body(&kind, &[b"\xe4\xff"], 8).await.unwrap(), "\u{e4}\u{ff}");
    assert_eq!(body(&kind, &[b"a"], 8).await.unwrap(), "a");
}

#[actix_web::test]
async fn another_character_set_is_refused() {
    for kind in ["application/json; charset=utf-16", "application/json; charset=", "a;charset=\"utf-8"] {
        let kind = headers(&[(CONTENT_TYPE, kind)]);
        assert_eq!(body(&kind, &[b"[]"], 8).await, Err(BadBody::Charset));
    }
}

#[actix_web::test]
async fn a_compressed_body_is_refused() {
    assert_eq!(body(&headers(&[(CONTENT_ENCODING, "identity")]), &[b"[]"], 8).await.unwrap(), "[]");
    for encoding in ["gzip", "br", "identity, gzip"] {
        let encoding = headers(&[(CONTENT_ENCODING, encoding)]);
        assert_eq!(body(&encoding, &[b"[]"], 8).await, Err(BadBody::Encoding));
    }
}
