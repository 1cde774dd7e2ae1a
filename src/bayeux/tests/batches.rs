//! Whole bodies: what is an envelope and what is none, and that nothing makes the decoder panic.

use std::time::Duration;

use bytes::Bytes;
use expect_test::expect;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::bayeux::{BadBatch, Batch, Body, Error, Limits, Reply, Request, Token, body};

pub(super) const LIMITS: Limits = Limits { batch_messages: 8, json_depth: 4, subscriptions: 3 };

#[test]
fn a_body_is_an_array_of_objects_or_one_object() {
    let table: [(&[u8], Result<usize, BadBatch>); 26] = [
        (br#"[{"channel":"/a"}]"#, Ok(1)),
        (br#"{"channel":"/a"}"#, Ok(1)),
        (b" \r\n[ {} , {} ]\t", Ok(2)),
        (b"[{},{},{},{},{},{},{},{}]", Ok(8)),
        (b"[{},{},{},{},{},{},{},{},{}]", Err(BadBatch::TooMany)),
        (b"[]", Err(BadBatch::Empty)),
        (b" [ ] ", Err(BadBatch::Empty)),
        (b"", Err(BadBatch::Malformed)),
        (b" ", Err(BadBatch::Malformed)),
        (b"null", Err(BadBatch::Malformed)),
        (b"[null]", Err(BadBatch::Malformed)),
        (b"[1,2]", Err(BadBatch::Malformed)),
        (b"[[]]", Err(BadBatch::Malformed)),
        (b"\"x\"", Err(BadBatch::Malformed)),
        (b"{", Err(BadBatch::Malformed)),
        (b"[{}", Err(BadBatch::Malformed)),
        (b"[{}]x", Err(BadBatch::Malformed)),
        (b"{}{}", Err(BadBatch::Malformed)),
        (b"[{},]", Err(BadBatch::Malformed)),
        (b"[{\"a\":01}]", Err(BadBatch::Malformed)),
        (b"[{\"a\":\"\n\"}]", Err(BadBatch::Malformed)),
        (b"[{\"a\":\"\\x\"}]", Err(BadBatch::Malformed)),
        (b"[{\"a\":NaN}]", Err(BadBatch::Malformed)),
        (b"[{1:2}]", Err(BadBatch::Malformed)),
        (b"[{\"a\":\"\xff\"}]", Err(BadBatch::Malformed)),
        (b"\xef\xbb\xbf[{}]", Err(BadBatch::Malformed)),
    ];
    for (bytes, expected) in table {
        assert_eq!(decode(bytes).map(|batch| batch.requests.len()), expected, "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn a_token_is_found_however_its_name_is_written() {
    for ext in [r#"{"token":"t"}"#, r#"{"toke\u006e":"t"}"#, r#"{"authentication":{"\u0074oke\u006E":"t"}}"#] {
        let batch = decode(format!(r#"[{{"channel":"/meta/handshake","ext":{ext}}}]"#).as_bytes()).unwrap();
        assert_eq!(batch.token.as_ref().map(Token::reveal), Some("t"), "{ext}");
    }
}

#[test]
fn nesting_is_counted_inside_the_fields_of_a_message() {
    let nested = |open: &str, close: &str, levels| format!("{}{}", open.repeat(levels), close.repeat(levels));
    for batch in [["[", "]"], ["", ""]] {
        let body = |value: String| batch.concat().replacen("]", "", 1) + &format!("{{\"data\":{value}}}") + batch[1];
        assert_eq!(decode(body(nested("[", "]", 4)).as_bytes()).map(|_| ()), Ok(()));
        assert_eq!(decode(body(nested("[", "]", 5)).as_bytes()).map(|_| ()), Err(BadBatch::TooDeep));
        assert_eq!(decode(body("[[[[\"[[[[[\\\"[[\"]]]]".into()).as_bytes()).map(|_| ()), Ok(()));
    }
    let deep = format!("[{{\"data\":{}}}]", nested("{\"a\":[", "]}", 4));
    assert_eq!(decode(deep.as_bytes()).map(|_| ()), Err(BadBatch::TooDeep));
    for abyss in [nested("[", "]", 100_000), "[".repeat(100_000), "{\"a\":".repeat(100_000)] {
        assert_eq!(decode(abyss.as_bytes()).map(|_| ()), Err(BadBatch::TooDeep));
        let lenient = Limits { json_depth: usize::MAX, ..LIMITS };
        let body = Bytes::from(format!("[{{\"data\":{abyss}}}]"));
        assert!(!matches!(Batch::decode(&body, &lenient), Err(BadBatch::TooDeep)));
    }
}

#[test]
fn data_is_a_part_of_the_body_and_not_a_copy() {
    let body = Bytes::from_static(b"[{\"channel\":\"/a\",\"data\": {\"x\" : [1.50, \"\\u00e4\"]} }]");
    let batch = Batch::decode(&body, &LIMITS).unwrap();
    let Body::Publish { data, .. } = &batch.requests[0].body else { panic!("{batch:?}") };
    assert_eq!(data, &b"{\"x\" : [1.50, \"\\u00e4\"]}"[..]);
    assert!(body.as_ptr_range().contains(&data.as_ptr()));
}

#[test]
fn a_handshake_in_company_is_found_wherever_it_stands() {
    let found = |bytes: &str| decode(bytes.as_bytes()).unwrap().handshake();
    assert_eq!(found(r#"[{"channel":"/meta/handshake"}]"#), Some(0));
    assert_eq!(found(r#"[{"channel":"/a"},{"channel":" /meta/handshake/"},{"channel":"/meta/handshake"}]"#), Some(1));
    assert_eq!(found(r#"[{"channel":"/meta/connect"}]"#), None);
}

#[test]
fn what_stands_beside_a_handshake_is_refused_message_by_message() {
    let messages = [
        r#"{"channel":"/meta/connect","id":"1"}"#,
        r#"{"channel":"/meta/subscribe","subscription":["/a"],"id":2}"#,
        r#"{"channel":"/meta/unsubscribe","subscription":"/a"}"#,
        r#"{"channel":"/meta/disconnect"}"#,
        r#"{"channel":"/meta/handshake"}"#,
        r#"{"channel":"/a/","data":1,"clientId":"x"}"#,
        r#"{"channel":"/a"}"#,
    ];
    let batch = decode(format!("[{}]", messages.join(",")).as_bytes()).unwrap();
    let tell = |refuse: fn(Request, Error) -> Reply| {
        let tell = |reply: Reply| String::from_utf8(body(&[], &[reply])).unwrap() + "\n";
        batch.requests.iter().map(|request| tell(refuse(request.clone(), Error::session_unknown()))).collect::<String>()
    };
    expect![[r#"
        [{"channel":"/meta/connect","id":"1","successful":false,"error":"402::session_unknown","advice":{"reconnect":"handshake","interval":0}}]
        [{"channel":"/meta/subscribe","id":2,"subscription":["/a"],"successful":false,"error":"402::session_unknown"}]
        [{"channel":"/meta/unsubscribe","subscription":"/a","successful":false,"error":"402::session_unknown"}]
        [{"channel":"/meta/disconnect","successful":false,"error":"402::session_unknown"}]
        [{"channel":"/meta/handshake","successful":false,"error":"402::session_unknown","advice":{"reconnect":"handshake","interval":0}}]
        [{"channel":"/a","successful":false,"error":"402::session_unknown"}]
        [{"channel":"/a","successful":false,"error":"400::data_missing"}]
    "#]].assert_eq(&tell(Request::session_unknown));
    expect![[r#"
        [{"channel":"/meta/connect","id":"1","successful":false,"error":"402::session_unknown"}]
        [{"channel":"/meta/subscribe","id":2,"subscription":["/a"],"successful":false,"error":"402::session_unknown"}]
        [{"channel":"/meta/unsubscribe","subscription":"/a","successful":false,"error":"402::session_unknown"}]
        [{"channel":"/meta/disconnect","successful":false,"error":"402::session_unknown"}]
        [{"channel":"/meta/handshake","successful":false,"error":"402::session_unknown","advice":{"reconnect":"none"}}]
        [{"channel":"/a","successful":false,"error":"402::session_unknown"}]
        [{"channel":"/a","successful":false,"error":"400::data_missing"}]
    "#]]
    .assert_eq(&tell(Request::refused));
}

#[test]
fn no_body_makes_the_decoder_panic_and_every_reply_to_one_is_json() {
    let seeds = [
        r#"[{"id":"1","version":"1.0","minimumVersion":"1.0","channel":"/meta/handshake","supportedConnectionTypes":["long-polling","callback-polling"],"advice":{"timeout":60000,"interval":0},"ext":{"ack":true}}]"#,
        r#"[{"id":"5","channel":"/meta/connect","connectionType":"long-polling","advice":{"timeout":0},"clientId":"abc","ext":{"ack":12}}]"#,
        r#"[{"id":2,"channel":"/meta/subscribe","subscription":["/a","/b/*"],"clientId":"abc"},{"channel":"/b","data":{"x":"\ud83d\ude00 \\"},"clientId":"abc"}]"#,
        r#"{"channel":"/meta/unsubscribe","subscription":"/a/**","clientId":"\u0061bc"}"#,
    ];
    const SPICE: [&str; 19] = [
        "\"", "\\", "{", "}", "[", "]", ",", ":", "null", "\\u", "d800", "*", "/", "/meta/", "1e999", "-", "\u{e4}",
        "true", " ",
    ];
    let mut random = StdRng::seed_from_u64(5);
    let (mut decoded, mut invalid, mut bad) = (0, 0, 0);
    for _ in 0..60_000 {
        let mut bytes = seeds[random.random_range(0..seeds.len())].as_bytes().to_vec();
        for _ in 0..random.random_range(0..4) {
            let at = random.random_range(0..bytes.len());
            let spice = SPICE[random.random_range(0..SPICE.len())].bytes();
            match random.random_range(0..4) {
                0 => bytes[at] = random.random(),
                1 => drop(bytes.splice(at..at, spice)),
                2 => drop(bytes.splice(at..at + 1, spice)),
                _ => drop(bytes.drain(at..(at + random.random_range(0..20)).min(bytes.len()))),
            }
            if bytes.is_empty() {
                break;
            }
        }
        let Ok(batch) = decode(&bytes) else {
            bad += 1;
            continue;
        };
        decoded += 1;
        invalid += batch.requests.iter().filter(|request| matches!(request.body, Body::Invalid { .. })).count();
        let replies: Vec<_> =
            batch.requests.into_iter().map(|request| request.session_unknown(Error::session_unknown())).collect();
        let body = body(&[], &replies);
        let parsed: Result<Vec<serde_json::Value>, _> = serde_json::from_slice(&body);
        assert!(parsed.is_ok(), "{parsed:?}: {}", String::from_utf8_lossy(&body));
    }
    assert!(decoded > 15_000 && invalid > 2_000 && bad > 15_000, "{decoded} {invalid} {bad}");
}

#[test]
fn advice_is_bounded_by_a_day() {
    let day = Duration::from_secs(86_400);
    for (token, expected) in [
        ("0", Some(Duration::ZERO)),
        ("1500", Some(Duration::from_millis(1500))),
        ("1500.9", Some(Duration::from_millis(1500))),
        ("1.5e3", Some(Duration::from_millis(1500))),
        ("86400001", Some(day)),
        ("1e999", Some(day)),
        ("99999999999999999999999999", Some(day)),
        ("-1", None),
        ("-1e3", None),
        ("\"1500\"", None),
        ("true", None),
        ("null", None),
        ("[1]", None),
    ] {
        let bytes = format!(r#"{{"channel":"/meta/connect","advice":{{"timeout":{token},"interval":{token}}}}}"#);
        let batch = decode(bytes.as_bytes()).unwrap();
        let Body::Connect { advice: Some(advice), ack: None } = batch.requests[0].body else { panic!("{batch:?}") };
        assert_eq!((advice.timeout, advice.interval), (expected, expected), "{token}");
    }
}

fn decode(bytes: &[u8]) -> Result<Batch, BadBatch> {
    Batch::decode(&Bytes::copy_from_slice(bytes), &LIMITS)
}
