//! The frames of a websocket (RFC 6455), for either end.
//!
//! This room turns bytes into messages and messages into bytes. It does no I/O and knows nothing of what the
//! messages say. No extension is spoken: a frame with a reserved bit is refused.
//!
//! Read [`Decoder`] first, then [`text`].

mod decode;
mod encode;
#[cfg(test)]
mod tests;

pub use decode::{Decoder, Message, Role, Violation};
pub use encode::{Masked, PING, accept_key, close, masked, pong, text};
