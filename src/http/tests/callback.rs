//! Scripts that call, and messages in queries and forms.

use bytes::Bytes;
use expect_test::{Expect, expect};

use crate::bayeux::{BadBatch, Body, Delivery, Limits};
use crate::http::callback::{BadCallback, Callback, batch};
use crate::http::errors::Failure;
use crate::http::forms::{decode, fields};

const LIMITS: Limits = Limits { batch_messages: 3, json_depth: 8, subscriptions: 8 };
/// `[{"channel":"/a b","data":1}]`.
const ONE: &str = "%5B%7B%22channel%22%3A%22/a+b%22%2C%22data%22:1%7D%5d";

fn name(query: &str) -> Result<String, String> {
    let callback = Callback::parse(query).map_err(|error| error.to_string())?;
    let script = String::from_utf8(callback.script(b"[]")).unwrap();
    Ok(script.strip_prefix("/**/").unwrap().strip_suffix("([]);").unwrap().to_owned())
}

/// The channels of a batch, or what is wrong with it.
fn channels(body: &[u8]) -> Result<String, BadBatch> {
    let batch = decode(&Bytes::copy_from_slice(body), &LIMITS)?;
    let channel = |body: &Body| {
        let Body::Publish { channel, .. } = body else { panic!("{body:?}") };
        channel.to_string()
    };
    Ok(batch.requests.iter().map(|request| channel(&request.body)).collect::<Vec<_>>().join(" "))
}

#[test]
fn a_callback_is_one_plain_name() {
    for (query, called) in [
        ("jsonp=cb", "cb"),
        ("message=x&jsonp=a.b_C-9&x=y", "a.b_C-9"),
        ("jsonp=__jsonp1__", "__jsonp1__"),
        ("jsonp=%63b", "cb"),
        ("", "jsonpcallback"),
        ("message=x", "jsonpcallback"),
        ("xjsonp=1", "jsonpcallback"),
    ] {
        assert_eq!(name(query).as_deref(), Ok(called), "{query}");
    }
    assert_eq!(name(&format!("jsonp={}", "a".repeat(64))).unwrap().len(), 64);
    let long = format!("jsonp={}", "a".repeat(65));
    for query in [
        "jsonp",
        "jsonp=",
        "jsonp=a&jsonp=a",
        "jsonp=a;b",
        "jsonp=a(b",
        "jsonp=%3Cscript%3E",
        "jsonp=a%0ab",
        "jsonp=%c3%a4",
        "jsonp=%ff",
        "jsonp=a+b",
        "jsonp=a[0]",
        &long,
    ] {
        assert_eq!(Callback::parse(query), Err(BadCallback), "{query}");
    }
}

#[test]
fn a_script_is_one_call_and_has_no_line_end_that_json_may_have() {
    let check = |json: &str, expected: Expect| {
        let script = Callback::parse("jsonp=cb").unwrap().script(json.as_bytes());
        expected.assert_eq(str::from_utf8(&script).unwrap());
    };
    check(r#"[{"a":"b"}]"#, expect![[r#"/**/cb([{"a":"b"}]);"#]]);
    check("[\"\u{2028}a\u{2029}\u{2028}\u{2026}\"]", expect![[r#"/**/cb(["\u2028a\u2029\u2028…"]);"#]]);
    check("[\"\u{20ac}\u{2029}\"]", expect![[r#"/**/cb(["€\u2029"]);"#]]);
}

#[test]
fn the_messages_of_a_query_are_one_batch_whose_events_go_with_connects() {
    let one = batch(&format!("jsonp=x&message={ONE}"), &LIMITS).unwrap();
    assert_eq!((one.requests.len(), one.delivery), (1, Delivery::ConnectOnly));
    assert_eq!(batch(&format!("message={ONE}&message={ONE}"), &LIMITS).unwrap().requests.len(), 2);
    let bad = |query: &str| {
        let Err(Failure::Batch(bad)) = batch(query, &LIMITS) else { panic!("{query}") };
        bad
    };
    assert_eq!(bad(""), BadBatch::Empty);
    assert_eq!(bad("message="), BadBatch::Malformed);
    assert_eq!(bad("message=%5B%5D"), BadBatch::Empty);
    assert_eq!(bad(&format!("message={ONE}&message=x")), BadBatch::Malformed);
    assert_eq!(
        bad(&[format!("message={ONE}"), format!("message={ONE}"), format!("message={ONE}"), format!("message={ONE}")]
            .join("&")),
        BadBatch::TooMany
    );
}

#[test]
fn a_body_is_json_or_a_form_whatever_it_is_called() {
    let (a, b) = (r#"{"channel":"/a","data":1}"#, r#"{"channel":"/b","data":1}"#);
    for (body, read) in [
        (format!("[{a},{b}]"), Ok("/a /b".to_owned())),
        (format!(" {a}"), Ok("/a".to_owned())),
        (format!("message=[{a}]"), Ok("/a".to_owned())),
        (format!("message={a}"), Ok("/a".to_owned())),
        (format!("message=[{a}]&message=[{b},{a}]"), Ok("/a /b /a".to_owned())),
        (format!("message=[{a}]&message=[{b},{a},{b}]"), Err(BadBatch::TooMany)),
        (format!("messages=[{a}]"), Err(BadBatch::Malformed)),
        ("message=%ff".to_owned(), Err(BadBatch::Malformed)),
        ("m".to_owned(), Err(BadBatch::Malformed)),
        (String::new(), Err(BadBatch::Malformed)),
        (format!("jsonp=x&message=[{a}]"), Ok("/a".to_owned())),
        (format!("[{a}]&message=[{b}]"), Err(BadBatch::Malformed)),
    ] {
        assert_eq!(channels(body.as_bytes()), read, "{body}");
    }
}

#[test]
fn fields_are_decoded_as_a_browser_encodes_them() {
    let decoded: Vec<String> = fields(b"a=b+c%20d&&e&=f&g=h=i&%67=%zz")
        .map(|(name, value)| format!("{}|{}", String::from_utf8_lossy(&name), String::from_utf8_lossy(&value)))
        .collect();
    assert_eq!(decoded, ["a|b c d", "e|", "|f", "g|h=i", "g|%zz"]);
}
