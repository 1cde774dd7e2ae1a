//! From values to bytes: replies and events as they stand on the wire.

use std::time::Duration;

use bytes::Bytes;

use crate::ids::Position;

use super::channel::Channel;
use super::envelope::MessageId;
use super::error::Error;
use super::reply::{Agreed, Event, Reconnect, Reply, ReplyAdvice};
use super::splice;
use super::stamp::{Extra, iso8601};
use super::timesync::Synced;

/// A whole response body or frame, in one allocation of exactly its size. A handshake's reply goes first,
/// then the events, then the other replies: the connect's reply is the last thing the client sees.
pub fn body(events: &[Event], replies: &[Reply]) -> Vec<u8> {
    body_with(events, replies, |_| Extra::default())
}

/// As [`body`], with what extensions add to each reply, by its place.
pub fn body_with(events: &[Event], replies: &[Reply], extra: impl Fn(usize) -> Extra) -> Vec<u8> {
    let mut length = Length(0);
    write_body(&mut length, events, replies, &extra);
    let mut out = Vec::with_capacity(length.0);
    write_body(&mut out, events, replies, &extra);
    out
}

impl Reply {
    /// Appends it as one JSON object.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.render(out, &Extra::default());
    }

    fn render(&self, out: &mut impl Sink, extra: &Extra) {
        match self {
            Self::Connect { id, error, advice, ack } => {
                begin(out, b"\"/meta/connect\"", id.as_ref());
                end(out, error.as_ref(), advice.as_ref(), ack.map(Ext::Ack), extra);
            }
            Self::Disconnect { id, error } => {
                begin(out, b"\"/meta/disconnect\"", id.as_ref());
                end(out, error.as_ref(), None, None, extra);
            }
            Self::Handshake { id, client, types, advice, ack, replay, messages } => {
                begin(out, b"\"/meta/handshake\"", id.as_ref());
                out.put(b",\"successful\":true,\"clientId\":");
                string(out, client.reveal());
                out.put(b",\"version\":\"1.0\",\"minimumVersion\":\"1.0\",\"supportedConnectionTypes\":");
                strings(out, types);
                if let Some(messages) = messages {
                    out.put(b",\"x-messages\":");
                    decimal(out, u64::try_from(*messages).unwrap_or(u64::MAX));
                }
                finish(out, None, Some(advice), Ext::agreed(*ack, *replay), extra);
            }
            Self::HandshakeFailed { id, error, advice } => {
                begin(out, b"\"/meta/handshake\"", id.as_ref());
                end(out, Some(error), Some(advice), None, extra);
            }
            Self::Invalid { id, channel, subscription, error } => {
                out.put(b"{");
                if let Some(channel) = channel {
                    out.put(b"\"channel\":");
                    out.put(channel);
                    out.put(b",");
                }
                if let Some(MessageId(id)) = id {
                    out.put(b"\"id\":");
                    out.put(id);
                    out.put(b",");
                }
                if let Some(subscription) = subscription {
                    out.put(b"\"subscription\":");
                    out.put(subscription);
                    out.put(b",");
                }
                out.put(b"\"successful\":false");
                finish(out, Some(error), None, None, extra);
            }
            Self::Publish { id, channel, error } => {
                out.put(b"{\"channel\":");
                string(out, channel.as_str());
                put_id(out, id.as_ref());
                end(out, error.as_ref(), None, None, extra);
            }
            Self::Subscription { id, ended, echo, error } => {
                let channel: &[u8] = if *ended { b"\"/meta/unsubscribe\"" } else { b"\"/meta/subscribe\"" };
                begin(out, channel, id.as_ref());
                out.put(b",\"subscription\":");
                out.put(echo);
                end(out, error.as_ref(), None, None, extra);
            }
        }
    }

    fn is_handshake(&self) -> bool {
        match self {
            Self::Handshake { .. } | Self::HandshakeFailed { .. } => true,
            Self::Connect { .. }
            | Self::Disconnect { .. }
            | Self::Invalid { .. }
            | Self::Publish { .. }
            | Self::Subscription { .. } => false,
        }
    }
}

impl Event {
    /// Renders a publication.
    pub fn publication(channel: &Channel, data: &[u8]) -> Self {
        const FRAME: usize = br#"{"data":,"channel":""}"#.len();
        let mut out = Vec::with_capacity(FRAME + data.len() + channel.as_str().len());
        out.put(b"{\"data\":");
        out.put(data);
        out.put(b",\"channel\":");
        string(&mut out, channel.as_str());
        out.put(b"}");
        Self(Bytes::from(out))
    }

    /// The longest of [`gap`](Self::gap), in bytes, also with its time.
    pub(super) const LARGEST_GAP: usize =
        br#"{"data":{"dropped":18446744073709551615},"channel":"/service/partyline/gap"}"#.len()
            + br#","timestamp":"2026-11-25T01:23:45.678Z""#.len();

    /// Messages that a slow client was owed were dropped, so many, in this place.
    pub fn gap(dropped: u64) -> Self {
        let mut out = Vec::with_capacity(Self::LARGEST_GAP);
        out.put(b"{\"data\":{\"dropped\":");
        decimal(&mut out, dropped);
        out.put(b"},\"channel\":\"/service/partyline/gap\"}");
        Self(Bytes::from(out))
    }

    /// The server ends the session: its client hears of it without having asked.
    pub fn disconnect() -> Self {
        Self(Bytes::from_static(b"{\"channel\":\"/meta/disconnect\",\"successful\":true}"))
    }

    /// Renders a publication to a durable channel, with its position.
    pub fn durable(channel: &Channel, data: &[u8], at: Position) -> Self {
        const FRAME: usize = br#"{"data":,"channel":"","ext":{"replay":12345678901234567890}}"#.len();
        let mut out = Vec::with_capacity(FRAME + data.len() + channel.as_str().len());
        out.put(b"{\"data\":");
        out.put(data);
        out.put(b",\"channel\":");
        string(&mut out, channel.as_str());
        out.put(b",\"ext\":{\"replay\":");
        decimal(&mut out, at.get());
        out.put(b"}}");
        Self(Bytes::from(out))
    }

    /// As [`durable`](Self::durable), with its position in `data.event.replayId` too if `data` has an object `event`.
    pub fn durable_with_id(channel: &Channel, data: &[u8], at: Position) -> Self {
        match splice::with_replay_id(data, at) {
            Some(data) => Self::durable(channel, &data, at),
            None => Self::durable(channel, data, at),
        }
    }

    /// Renders a service's answer to the message with this id (a JSON token): a remote call ends with it.
    pub fn answer(channel: &Channel, id: Option<&[u8]>, data: &[u8]) -> Self {
        let mut out = Vec::with_capacity(64 + data.len() + channel.as_str().len());
        out.put(b"{\"data\":");
        out.put(data);
        out.put(b",\"channel\":");
        string(&mut out, channel.as_str());
        if let Some(id) = id {
            out.put(b",\"id\":");
            out.put(id);
        }
        out.put(b",\"successful\":true}");
        Self(Bytes::from(out))
    }

    /// Renders a service's refusal of the message with this id: a remote call fails with it. `data` says more.
    pub fn refusal(channel: &Channel, id: Option<&[u8]>, data: &[u8], error: &Error) -> Self {
        let mut out = Vec::with_capacity(128 + data.len() + channel.as_str().len());
        out.put(b"{\"data\":");
        out.put(data);
        out.put(b",\"channel\":");
        string(&mut out, channel.as_str());
        if let Some(id) = id {
            out.put(b",\"id\":");
            out.put(id);
        }
        out.put(b",\"successful\":false,\"error\":");
        string(&mut out, &error.to_string());
        out.put(b"}");
        Self(Bytes::from(out))
    }
}

/// Where bytes go: a buffer, or the count that tells how large the buffer must be.
trait Sink {
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

struct Length(usize);

impl Sink for Length {
    fn put(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

/// The `ext` of a reply.
enum Ext {
    Ack(u64),
    Agreed { ack: Agreed, replay: bool },
}

impl Ext {
    /// What a handshake agreed on, if anything.
    fn agreed(ack: Agreed, replay: bool) -> Option<Self> {
        let nothing = matches!(ack, Agreed::Nothing) && !replay;
        (!nothing).then_some(Self::Agreed { ack, replay })
    }
}

fn write_body(out: &mut impl Sink, events: &[Event], replies: &[Reply], extra: &impl Fn(usize) -> Extra) {
    out.put(b"[");
    let mut first = true;
    for (place, reply) in replies.iter().enumerate().filter(|(_, reply)| reply.is_handshake()) {
        separate(out, &mut first);
        reply.render(out, &extra(place));
    }
    for Event(event) in events {
        separate(out, &mut first);
        out.put(event);
    }
    for (place, reply) in replies.iter().enumerate().filter(|(_, reply)| !reply.is_handshake()) {
        separate(out, &mut first);
        reply.render(out, &extra(place));
    }
    out.put(b"]");
}

fn separate(out: &mut impl Sink, first: &mut bool) {
    if !std::mem::take(first) {
        out.put(b",");
    }
}

fn begin(out: &mut impl Sink, channel: &[u8], id: Option<&MessageId>) {
    out.put(b"{\"channel\":");
    out.put(channel);
    put_id(out, id);
}

fn put_id(out: &mut impl Sink, id: Option<&MessageId>) {
    if let Some(MessageId(id)) = id {
        out.put(b",\"id\":");
        out.put(id);
    }
}

fn end(out: &mut impl Sink, error: Option<&Error>, advice: Option<&ReplyAdvice>, ext: Option<Ext>, extra: &Extra) {
    let successful: &[u8] = if error.is_none() { b",\"successful\":true" } else { b",\"successful\":false" };
    out.put(successful);
    finish(out, error, advice, ext, extra);
}

fn finish(out: &mut impl Sink, error: Option<&Error>, advice: Option<&ReplyAdvice>, ext: Option<Ext>, extra: &Extra) {
    if let Some(error) = error {
        out.put(b",\"error\":");
        string(out, &error.to_string());
    }
    if let Some(advice) = advice {
        put_advice(out, advice);
    }
    put_ext(out, ext, extra.sync);
    if let Some(time) = extra.time {
        out.put(b",\"timestamp\":");
        string(out, &iso8601(time));
    }
    out.put(b"}");
}

fn put_ext(out: &mut impl Sink, ext: Option<Ext>, sync: Option<Synced>) {
    if ext.is_none() && sync.is_none() {
        return;
    }
    out.put(b",\"ext\":{");
    match &ext {
        None => {}
        Some(Ext::Agreed { ack, replay }) => put_agreed(out, *ack, replay.then_some(b"\"replay\":true")),
        Some(Ext::Ack(number)) => {
            out.put(b"\"ack\":");
            decimal(out, *number);
        }
    }
    if let Some(Synced { sent, received, taken, off }) = sync {
        if ext.is_some() {
            out.put(b",");
        }
        let off = off.map_or_else(String::new, |off| format!(",\"a\":{off}"));
        let text = format!("\"timesync\":{{\"tc\":{sent},\"ts\":{received},\"p\":{taken}{off}}}");
        out.put(text.as_bytes());
    }
    out.put(b"}");
}

fn put_agreed(out: &mut impl Sink, ack: Agreed, replay: Option<&[u8; 13]>) {
    match ack {
        Agreed::Acknowledge { batch: None } => out.put(b"\"ack\":true"),
        Agreed::Acknowledge { batch: Some(batch) } => {
            out.put(b"\"ack\":{\"enabled\":true,\"batch\":");
            decimal(out, batch);
            out.put(b"}");
        }
        Agreed::Nothing => {}
    }
    if let Some(replay) = replay {
        if !matches!(ack, Agreed::Nothing) {
            out.put(b",");
        }
        out.put(replay);
    }
}

fn put_advice(out: &mut impl Sink, advice: &ReplyAdvice) {
    out.put(match advice.reconnect {
        Reconnect::Handshake => b",\"advice\":{\"reconnect\":\"handshake\"".as_slice(),
        Reconnect::None => b",\"advice\":{\"reconnect\":\"none\"",
        Reconnect::Retry => b",\"advice\":{\"reconnect\":\"retry\"",
    });
    let mut millis = |name: &[u8], duration: Option<Duration>| {
        if let Some(duration) = duration {
            out.put(name);
            decimal(out, u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
        }
    };
    millis(b",\"interval\":", advice.interval);
    millis(b",\"timeout\":", advice.timeout);
    millis(b",\"maxInterval\":", advice.max_interval);
    if advice.multiple_clients {
        out.put(b",\"multiple-clients\":true");
    }
    out.put(b"}");
}

fn strings(out: &mut impl Sink, texts: &[&str]) {
    out.put(b"[");
    for (n, text) in texts.iter().enumerate() {
        if n > 0 {
            out.put(b",");
        }
        string(out, text);
    }
    out.put(b"]");
}

/// A number, without an allocation: the reply to every connect may have one.
fn decimal(out: &mut impl Sink, number: u64) {
    let mut digits = [b'0'; 20];
    let (mut rest, mut length) = (number, 0);
    for place in digits.iter_mut().rev() {
        *place += (rest % 10) as u8;
        rest /= 10;
        length += 1;
        if rest == 0 {
            break;
        }
    }
    out.put(digits.get(digits.len() - length..).unwrap_or_default());
}

/// A JSON string. Bytes beyond ASCII stand for themselves: the wire is UTF-8.
fn string(out: &mut impl Sink, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.put(b"\"");
    let mut plain = text.as_bytes();
    while let Some(at) = plain.iter().position(|b| matches!(b, 0..0x20 | b'"' | b'\\')) {
        let (before, rest) = plain.split_at(at);
        out.put(before);
        let Some((&byte, after)) = rest.split_first() else { break };
        match byte {
            b'"' => out.put(b"\\\""),
            b'\\' => out.put(b"\\\\"),
            _ => out.put(&[b'\\', b'u', b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
        }
        plain = after;
    }
    out.put(plain);
    out.put(b"\"");
}
