//! What comes in by the doors: the query of a script, and the frames of a websocket.

use bytes::{Bytes, BytesMut};
use partyline::bayeux::{Batch, Limits};
use partyline::http::Callback;
use partyline::websocket::{Decoder, Masked, Message, Role, Violation, masked, pong, text};

use super::{LIMITS, batch};

/// The query of a request that wants a script: a callback that is taken is one plain name, however it was written, and
/// what is written for it is one call of that name, with the very value that was to be told.
pub fn callback(bytes: &[u8]) -> bool {
    let encoded: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
    let value = Callback::parse(&format!("message=%5B%5D&jsonp={encoded}"));
    assert_eq!(value.is_ok(), is_plain(bytes), "what is plain is taken, and nothing else");
    if let Ok(callback) = &value {
        assert_eq!(called(callback, "").0.as_bytes(), bytes);
    }
    let Ok(query) = std::str::from_utf8(bytes) else { return false };
    let Ok(callback) = Callback::parse(query) else { return false };
    let (name, told) = called(&callback, query);
    assert!(is_plain(name.as_bytes()));
    assert_eq!(told, query);
    assert!(query.contains("jsonp") || query.contains('%') || name == "jsonpcallback");
    true
}

fn is_plain(name: &[u8]) -> bool {
    (1..=64).contains(&name.len()) && name.iter().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(b))
}

/// The function that a script calls, and the text that it tells it.
fn called(callback: &Callback, text: &str) -> (String, String) {
    let script = callback.script(&serde_json::to_vec(text).expect("a text is JSON"));
    let script = String::from_utf8(script).expect("a script is text");
    assert!(!script.contains(['\u{2028}', '\u{2029}', '\n', '\r']), "older browsers end a line there");
    let call =
        script.strip_prefix("/**/").and_then(|script| script.strip_suffix(");")).expect("a comment, then a call");
    let (name, argument) = call.split_once('(').expect("the call of a function");
    (name.to_owned(), serde_json::from_str(argument).expect("JSON, which may be in a script"))
}

/// Frames of a client, as they come: they say the same in whatever pieces they come, no message is larger than may be,
/// and a text is a batch as it is over HTTP. What was read is written as it is read again, by either end.
pub fn frame(bytes: &[u8]) -> bool {
    let (messages, end) = read(bytes, bytes.len());
    for size in [1, 2, 5, 13] {
        assert_eq!(read(bytes, size), (messages.clone(), end), "in pieces of {size}");
    }
    let mut taken = false;
    for message in messages {
        match &message {
            Message::Text(payload) => {
                assert!(payload.len() <= LARGEST);
                assert_eq!(read(&masked(Masked::Text, payload, *b"mask"), 7), (vec![message.clone()], None));
                assert_eq!(back(&text(payload)), message);
                let limits = Limits { json_depth: 16, ..LIMITS };
                taken |= Batch::decode(payload, &limits).is_ok();
                batch(payload);
            }
            Message::Ping(payload) => {
                assert!(payload.len() <= 125);
                assert_eq!(back(&pong(payload)), Message::Pong);
            }
            Message::Binary | Message::Close(_) | Message::Pong => {}
        }
    }
    taken
}

/// The messages in what comes in pieces of this size, and what the last piece was refused for.
fn read(bytes: &[u8], size: usize) -> (Vec<Message>, Option<Violation>) {
    let mut decoder = Decoder::new(Role::Server, LARGEST);
    let (mut came, mut messages) = (BytesMut::new(), Vec::new());
    for piece in bytes.chunks(size.max(1)) {
        came.extend_from_slice(piece);
        loop {
            match decoder.next(&mut came) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(violation) => return (messages, Some(violation)),
            }
        }
        assert!(came.len() <= LARGEST + 14 + size, "what is kept of a message has a bound");
    }
    (messages, None)
}

/// What a client reads of what the server wrote.
fn back(written: &Bytes) -> Message {
    let mut written = BytesMut::from(&written[..]);
    let message = Decoder::new(Role::Client, LARGEST).next(&mut written);
    assert!(written.is_empty());
    message.expect("what is written can be read").expect("it is whole")
}

/// How large a message may be.
const LARGEST: usize = 512;
