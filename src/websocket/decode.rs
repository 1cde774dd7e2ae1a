//! From bytes to messages.

use bytes::{Buf, Bytes, BytesMut};

/// Which end reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// The client: what comes must not be masked.
    Client,
    /// The server: what comes must be masked.
    Server,
}

/// What the other end said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Message {
    /// A binary message. What it holds is not kept.
    Binary,
    /// It closes, perhaps with a code.
    Close(Option<u16>),
    /// It wants a pong with the same payload.
    Ping(Bytes),
    /// It is there.
    Pong,
    /// A text, put together from its frames. That it is UTF-8 is for the reader to see.
    Text(Bytes),
}

/// What the other end may not do.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Violation {
    /// It breaks the protocol.
    #[error("{0}")]
    Protocol(&'static str),
    /// A message is larger than the limit.
    #[error("the message is too large")]
    TooLarge,
}

/// Reads frames. A message's size is refused as soon as a head tells it, before the payload is waited for.
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    largest: usize,
    /// The message whose last frame did not come yet.
    begun: Option<Begun>,
}

#[derive(Debug)]
struct Begun {
    kind: Opcode,
    payload: BytesMut,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Opcode {
    Binary,
    Close,
    Continuation,
    Ping,
    Pong,
    Text,
}

#[derive(Clone, Copy, Debug)]
struct Head {
    last: bool,
    kind: Opcode,
    length: usize,
    mask: Option<[u8; 4]>,
    /// Bytes of the head itself.
    size: usize,
}

impl Decoder {
    /// Reads as `role`, messages of at most `largest` bytes.
    pub const fn new(role: Role, largest: usize) -> Self {
        Self { role, largest, begun: None }
    }

    /// The next message in `bytes`, which it takes out; `None` if the rest of it did not come yet.
    ///
    /// # Errors
    /// [`Violation`]: nothing after it makes sense.
    pub fn next(&mut self, bytes: &mut BytesMut) -> Result<Option<Message>, Violation> {
        while let Some(head) = self.head(bytes)? {
            if bytes.len() - head.size < head.length {
                return Ok(None);
            }
            bytes.advance(head.size);
            let mut payload = bytes.split_to(head.length);
            if let Some(mask) = head.mask {
                unmask(&mut payload, mask);
            }
            if let Some(message) = self.take(head, payload)? {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    fn head(&self, bytes: &[u8]) -> Result<Option<Head>, Violation> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        if first & 0x70 != 0 {
            return Err(Violation::Protocol("a reserved bit is set"));
        }
        let kind = opcode(first & 0x0f).ok_or(Violation::Protocol("an unknown kind of frame"))?;
        let last = first & 0x80 != 0;
        let masked = second & 0x80 != 0;
        if masked != (self.role == Role::Server) {
            return Err(Violation::Protocol("frames of a client are masked, and no others"));
        }
        let short = second & 0x7f;
        if kind.is_control() && (!last || short > 125) {
            return Err(Violation::Protocol("a control frame is too long, or not whole"));
        }
        let (length, rest) = match short {
            126 => match rest.split_first_chunk::<2>() {
                Some((length, rest)) => (u64::from(u16::from_be_bytes(*length)), rest),
                None => return Ok(None),
            },
            127 => match rest.split_first_chunk::<8>() {
                Some((length, rest)) => (u64::from_be_bytes(*length), rest),
                None => return Ok(None),
            },
            short => (u64::from(short), rest),
        };
        let length = usize::try_from(length).map_err(|_| Violation::TooLarge)?;
        let before = self.begun.as_ref().map_or(0, |begun| begun.payload.len());
        if !kind.is_control() && length.saturating_add(before) > self.largest {
            return Err(Violation::TooLarge);
        }
        let (mask, rest) = match (masked, rest.split_first_chunk::<4>()) {
            (false, _) => (None, rest),
            (true, Some((mask, rest))) => (Some(*mask), rest),
            (true, None) => return Ok(None),
        };
        Ok(Some(Head { last, kind, length, mask, size: bytes.len() - rest.len() }))
    }

    /// Takes a frame in; the message that it completes.
    fn take(&mut self, head: Head, payload: BytesMut) -> Result<Option<Message>, Violation> {
        let (kind, payload) = match (head.kind, self.begun.take()) {
            (kind, begun) if kind.is_control() => {
                self.begun = begun;
                return control(kind, payload).map(Some);
            }
            (Opcode::Continuation, None) => return Err(Violation::Protocol("nothing is there to go on with")),
            (Opcode::Continuation, Some(mut begun)) => {
                begun.payload.extend_from_slice(&payload);
                (begun.kind, begun.payload)
            }
            (_, Some(_)) => return Err(Violation::Protocol("the message before did not end")),
            (kind, None) => (kind, payload),
        };
        if !head.last {
            self.begun = Some(Begun { kind, payload });
            return Ok(None);
        }
        Ok(Some(if kind == Opcode::Text { Message::Text(payload.freeze()) } else { Message::Binary }))
    }
}

impl Opcode {
    const fn is_control(self) -> bool {
        match self {
            Self::Binary | Self::Continuation | Self::Text => false,
            Self::Close | Self::Ping | Self::Pong => true,
        }
    }
}

const fn opcode(bits: u8) -> Option<Opcode> {
    Some(match bits {
        0 => Opcode::Continuation,
        1 => Opcode::Text,
        2 => Opcode::Binary,
        8 => Opcode::Close,
        9 => Opcode::Ping,
        10 => Opcode::Pong,
        _ => return None,
    })
}

fn control(kind: Opcode, payload: BytesMut) -> Result<Message, Violation> {
    match kind {
        Opcode::Close => match payload.split_first_chunk::<2>() {
            Some((code, _)) => Ok(Message::Close(Some(u16::from_be_bytes(*code)))),
            None if payload.is_empty() => Ok(Message::Close(None)),
            None => Err(Violation::Protocol("half a code")),
        },
        Opcode::Pong => Ok(Message::Pong),
        Opcode::Ping | Opcode::Binary | Opcode::Continuation | Opcode::Text => Ok(Message::Ping(payload.freeze())),
    }
}

/// Takes a mask off, or puts it on.
pub(super) fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let (words, rest) = payload.as_chunks_mut::<4>();
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(mask)).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}
