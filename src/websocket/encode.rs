//! From messages to bytes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sha1::{Digest, Sha1};

use super::decode::unmask;

/// A ping with nothing in it, as a server sends it.
pub const PING: &[u8] = &[0x89, 0];

/// What `Sec-WebSocket-Accept` says to a `Sec-WebSocket-Key`.
pub fn accept_key(key: &[u8]) -> String {
    let mut digest = Sha1::new();
    digest.update(key);
    digest.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(digest.finalize())
}

/// A whole text message in one frame, as a server sends it.
pub fn text(payload: &[u8]) -> Bytes {
    frame(0x81, payload, None).into()
}

/// A pong, as a server sends it. A payload of more than 125 bytes is cut.
pub fn pong(payload: &[u8]) -> Bytes {
    frame(0x8a, payload.get(..125).unwrap_or(payload), None).into()
}

/// A close with a code and a reason, as a server sends it. A reason of more than 123 bytes is cut.
pub fn close(code: u16, reason: &str) -> Bytes {
    let reason = reason.get(..reason.floor_char_boundary(123)).unwrap_or(reason);
    let mut payload = Vec::with_capacity(2 + reason.len());
    payload.extend_from_slice(&code.to_be_bytes());
    payload.extend_from_slice(reason.as_bytes());
    frame(0x88, &payload, None).into()
}

/// What a client sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Masked {
    /// The end.
    Close,
    /// The answer to a ping.
    Pong,
    /// A whole text message.
    Text,
}

/// One frame, as a client sends it. A payload of a control frame has at most 125 bytes.
pub fn masked(kind: Masked, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let first = match kind {
        Masked::Close => 0x88,
        Masked::Pong => 0x8a,
        Masked::Text => 0x81,
    };
    frame(first, payload, Some(mask))
}

fn frame(first: u8, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let mut out = Vec::with_capacity(14 + payload.len());
    out.push(first);
    let flag = if mask.is_some() { 0x80 } else { 0 };
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ ..=125), _) => out.push(flag | length),
        (_, Ok(length)) => {
            out.push(flag | 126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        (_, Err(_)) => {
            out.push(flag | 127);
            out.extend_from_slice(&u64::try_from(payload.len()).unwrap_or(u64::MAX).to_be_bytes());
        }
    }
    if let Some(mask) = mask {
        out.extend_from_slice(&mask);
        let begin = out.len();
        out.extend_from_slice(payload);
        unmask(out.get_mut(begin..).unwrap_or_default(), mask);
    } else {
        out.extend_from_slice(payload);
    }
    out
}
