//! How a body looks on a line.

use bytes::Bytes;

use crate::metrics::Transport;
use crate::websocket;

/// What a line's client reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wire {
    /// Server-sent events.
    EventStream,
    /// Websocket frames.
    Websocket,
}

impl Wire {
    /// The frame of a body, which is JSON.
    pub(super) fn frame(self, body: &[u8]) -> Bytes {
        match self {
            Self::EventStream => event(body).into(),
            Self::Websocket => websocket::text(body),
        }
    }

    /// Under what it is counted.
    pub(super) const fn transport(self) -> Transport {
        match self {
            Self::EventStream => Transport::EventSource,
            Self::Websocket => Transport::Websocket,
        }
    }
}

/// One server-sent event. In JSON a line ends between two tokens only, where a space says the same.
fn event(body: &[u8]) -> Vec<u8> {
    let mut event = Vec::with_capacity(BEGIN.len() + body.len() + END.len());
    event.extend_from_slice(BEGIN);
    event.extend(body.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
    event.extend_from_slice(END);
    event
}

const BEGIN: &[u8] = b"data: ";
const END: &[u8] = b"\n\n";
