//! What must hold whatever bytes come in: one function a target, which panics if it does not.
//!
//! `cargo fuzz run TARGET` looks for bytes that break one (with `RUSTC_BOOTSTRAP=1` where there is no nightly
//! compiler). What it found worth keeping lies in `corpus/TARGET`; `tests/it/corpus.rs` replays that, and many
//! changes of it, with the ordinary tests. Each function says whether the bytes were taken for what they should be.

mod commands;
mod doors;
mod envelopes;
mod sessions;
mod tokens;

use std::time::Duration;

use bytes::Bytes;
use partyline::bayeux::{
    Batch, Body, Channel, Client, ClientOptions, Error, Limits, Pattern, Reply, Subscriptions, body,
};
use partyline::clock;
use partyline::gws::{Query, SessionRequest, parse_channel, parse_device, parse_dial, parse_operation, parse_session};
use partyline::ids::{Epoch, Position, RecordId, WallTime};
use partyline::log::{Expected, Kind, LogFile, NewRecord, Record, Subject};
use partyline::records::{Keep, Payload, decode};

pub use commands::call_ops;
pub use doors::{callback, frame};
pub use envelopes::{credential, replay};
pub use sessions::session;
pub use tokens::token;

/// What is demanded of bytes.
pub type Target = fn(&[u8]) -> bool;

/// Every target, by the name of its corpus.
pub const TARGETS: [(&str, Target); 13] = [
    ("batch", batch),
    ("call_ops", call_ops),
    ("callback", callback),
    ("channel", channel),
    ("client", client),
    ("credential", credential),
    ("frame", frame),
    ("log_file", log_file),
    ("operation", operation),
    ("record", record),
    ("replay", replay),
    ("session", session),
    ("token", token),
];

const LIMITS: Limits = Limits { batch_messages: 8, json_depth: 8, subscriptions: 4 };

/// A body of Bayeux messages: within the limits, and whatever is answered to it is JSON, one reply a message.
pub fn batch(bytes: &[u8]) -> bool {
    let bytes = Bytes::copy_from_slice(bytes);
    let Ok(batch) = Batch::decode(&bytes, &LIMITS) else { return false };
    let count = batch.requests.len();
    assert!((1..=LIMITS.batch_messages).contains(&count));
    assert!(batch.handshake().is_none_or(|at| at < count));
    let mut replies = Vec::new();
    for request in batch.requests {
        match &request.body {
            Body::Subscribe { patterns, .. } | Body::Unsubscribe { patterns, .. } => {
                assert!((1..=LIMITS.subscriptions).contains(&patterns.len()));
            }
            Body::Publish { data, .. } => {
                let _value: serde_json::Value = serde_json::from_slice(data).expect("data is JSON");
            }
            Body::Connect { .. } | Body::Disconnect | Body::Handshake { .. } | Body::Invalid { .. } => {}
        }
        replies.push(request.clone().session_unknown(Error::session_unknown()));
        replies.push(request.refused(Error::draining()));
    }
    assert_eq!(messages(&replies), replies.len());
    true
}

fn messages(replies: &[Reply]) -> usize {
    let body = body(&[], replies);
    let messages: Vec<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_slice(&body).expect("what is answered is an array of objects");
    assert!(messages.iter().all(|message| message["successful"] == false && message["error"].is_string()));
    messages.len()
}

/// A channel and a pattern, a line each: what is parsed is written as it is parsed again, and the three ways to ask
/// whether the pattern matches the channel agree.
pub fn channel(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let (name, pattern) = text.split_once('\n').unwrap_or((text, text));
    let channel = Channel::parse(name);
    if let Ok(channel) = &channel {
        assert_eq!(Channel::parse(channel.as_str()).as_ref(), Ok(channel));
        assert_eq!(Pattern::parse(name), Ok(Pattern::from(channel)), "every channel is a pattern");
        assert!(channel.patterns().all(|pattern| pattern.matches(channel)));
        // That of a long channel may be too long to be subscribed to.
        let mut short = channel.patterns().filter(|pattern| pattern.as_str().len() <= 512);
        assert!(short.all(|pattern| Pattern::parse(pattern.as_str()) == Ok(pattern)));
    }
    let pattern = Pattern::parse(pattern);
    if let Ok(pattern) = &pattern {
        assert_eq!(Pattern::parse(pattern.as_str()).as_ref(), Ok(pattern));
        assert!(pattern.channel().is_none_or(|channel| pattern.matches(&channel)));
    }
    let (Ok(channel), Ok(pattern)) = (channel, pattern) else { return false };
    let mut subscriptions = Subscriptions::default();
    subscriptions.insert(&pattern, 1);
    let mut matching = Vec::new();
    subscriptions.matching(&channel, &mut matching);
    assert_eq!(pattern.matches(&channel), channel.patterns().any(|other| other == pattern));
    assert_eq!(pattern.matches(&channel), matching == [1]);
    true
}

/// Responses to a client, a line each: whatever a server says, what the client sends next is one good message.
pub fn client(bytes: &[u8]) -> bool {
    let mut now = clock::now();
    let mut client = Client::new(now, ClientOptions { ack: bytes.len().is_multiple_of(2) });
    client.subscribe(now, "/a/*");
    for line in bytes.split(|byte| *byte == b'\n').take(16) {
        let Some(due) = client.poll_timeout() else { break };
        now = due.max(now);
        let request = client.poll_request(now).expect("what is due is sent");
        let batch = Batch::decode(&request.body, &LIMITS).expect("the client sends a batch");
        assert!(!batch.requests.iter().any(|request| matches!(request.body, Body::Invalid { .. })));
        let _malformed = client.handle_response(now, &Bytes::copy_from_slice(line));
        let Some(next) = client.poll_timeout() else { break };
        assert!(next <= now + LONGEST_PAUSE, "a server cannot put a client to sleep for ever");
        while let Some(event) = client.poll_event() {
            let _value: &serde_json::value::RawValue = serde_json::from_slice(&event.data).expect("data is JSON");
        }
    }
    client.is_joined()
}

/// A file of the log: what was read of it is written as it is read again; a file with one byte changed never reads as
/// other records than the first of the true ones.
pub fn log_file(bytes: &[u8]) -> bool {
    let found = LogFile::decode(bytes);
    if let Ok(file) = &found {
        assert!(file.whole <= bytes.len());
        again(file);
    }
    // The checksums keep most bytes out, so the bytes also become a record that goes in and comes out.
    let (head, payload) = bytes.split_at(bytes.len().min(8));
    let seed = head.iter().fold(0_u64, |seed, byte| (seed << 8) | u64::from(*byte));
    let subject = String::from_utf8_lossy(payload.get(..payload.len().min(32)).unwrap_or_default()).into_owned();
    let new = |position: u64| Record {
        position: Position::new(position),
        id: RecordId::new([bytes.len() as u8; 16]),
        subject: Subject::new(&subject),
        kind: Kind(seed as u16),
        version: (seed >> 16) as u8,
        time: WallTime::from_millis(seed),
        volatile: false,
        ends: seed & 1 == 1,
        payload: Bytes::copy_from_slice(payload),
    };
    let records = vec![new(seed >> 32), new((seed >> 32) + 1)];
    let mut file = LogFile { epoch: Epoch::new(seed as u32), through: Position::new(seed >> 8), records, whole: 0 };
    let mut written = file.encode();
    file.whole = written.len();
    again(&file);
    let at = seed as usize % written.len();
    written[at] ^= ((seed >> 24) as u8).max(1);
    if let Ok(damaged) = LogFile::decode(&written) {
        assert!(damaged.records.len() < 2 && file.records.starts_with(&damaged.records));
    }
    found.is_ok()
}

fn again(file: &LogFile) {
    let again = LogFile::decode(&file.encode()).expect("what is written is read");
    assert_eq!(again, *file);
}

/// What desktops send: an operation, a dial, and the query of a read.
pub fn operation(bytes: &[u8]) -> bool {
    let operation = parse_operation(bytes);
    let dial = parse_dial(bytes);
    for command in [&operation, &dial].into_iter().flatten() {
        assert!(!command.name().is_empty());
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let query = Query::parse(text);
        assert!(query.filters.len() <= text.split('&').count());
    }
    let (session, channel, device) = (parse_session(bytes, &[]), parse_channel(bytes, &[]), parse_device(bytes));
    if let Ok(state) = &channel {
        assert_eq!(session, Ok(SessionRequest::Operation(state.clone())), "all channels take what one takes");
    }
    operation.is_ok() || dial.is_ok() || session.is_ok() || device.is_ok()
}

/// A record: a byte for its kind, its subject up to the line's end, its payload. What was read of it is written as it
/// is read again.
pub fn record(bytes: &[u8]) -> bool {
    let Some((kind, rest)) = bytes.split_first() else { return false };
    let line = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let Ok(subject) = std::str::from_utf8(&rest[..line]) else { return false };
    let record = Record {
        position: Position::new(7),
        id: ID,
        subject: Subject::new(subject),
        kind: Kind(u16::from(*kind)),
        version: 1,
        time: WallTime::from_millis(5),
        volatile: false,
        ends: false,
        payload: Bytes::copy_from_slice(rest.get(line + 1..).unwrap_or_default()),
    };
    let Ok(payload) = decode(&record) else { return false };
    if let Some(new) = written(&payload) {
        let NewRecord { subject, kind, version, time, volatile, ends, payload: bytes, .. } = new;
        let again =
            Record { position: record.position, id: ID, subject, kind, version, time, volatile, ends, payload: bytes };
        assert_eq!(decode(&again).expect("what is written is read"), payload);
    }
    true
}

fn written(payload: &Payload) -> Option<NewRecord> {
    let time = WallTime::from_millis(5);
    match payload {
        Payload::AgentChanged(changed) => Some(changed.record(ID, time, Expected::Any)),
        Payload::CallChanged(changed) => Some(changed.record(ID, time, Expected::Any)),
        Payload::ChannelPublished(published) => Some(published.record(ID, time, Keep::Stored)),
        Payload::Direct(direct) => Some(direct.record(ID, time, Keep::Stored)),
        Payload::LogOpened => None,
        Payload::LoginEnded(ended) => Some(ended.record(ID, time)),
        Payload::Page(page) => Some(page.record(ID, time, Expected::Any)),
        Payload::SessionEnded(ended) => Some(ended.record(ID, time, Expected::Any)),
        Payload::SessionState(state) => Some(state.record(ID, time, Expected::Any)),
    }
}

const ID: RecordId = RecordId::new([7; 16]);
const LONGEST_PAUSE: Duration = Duration::from_secs(601);
