//! What a client sends. The order of the fields is that of the official JavaScript client.

use std::time::Duration;

use bytes::Bytes;

use super::client_reply::push_string;

/// What a client asks for at its handshake.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ClientOptions {
    /// Whether to ask for acknowledged delivery.
    pub ack: bool,
}

/// What a request is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClientRequestKind {
    /// `/meta/connect`: may be held for long.
    Connect,
    /// `/meta/disconnect`.
    Disconnect,
    /// `/meta/handshake`.
    Handshake,
    /// A publication.
    Publish,
    /// `/meta/subscribe`.
    Subscribe,
}

/// A request to send: a body for the endpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientRequest {
    /// What it is.
    pub kind: ClientRequestKind,
    /// The JSON array to send.
    pub body: Bytes,
    /// How long the server may take before the request counts as lost.
    pub patience: Duration,
}

/// Writes requests and numbers them. A clientId is handed in as a JSON token.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    last_id: u64,
    connection: ClientConnection,
}

/// How a client is connected.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ClientConnection {
    /// Request by request.
    #[default]
    LongPolling,
    /// By a websocket.
    Websocket,
}

impl ClientConnection {
    const fn name(self) -> &'static [u8] {
        match self {
            Self::LongPolling => b"long-polling",
            Self::Websocket => b"websocket",
        }
    }
}

impl Outbox {
    pub(super) fn set_connection(&mut self, connection: ClientConnection) {
        self.connection = connection;
    }

    pub(super) fn handshake(&mut self, options: ClientOptions) -> ClientRequest {
        let mut body = self.begin();
        body.extend_from_slice(b",\"version\":\"1.0\",\"minimumVersion\":\"1.0\",\"channel\":\"/meta/handshake\",");
        body.extend_from_slice(b"\"supportedConnectionTypes\":[\"");
        body.extend_from_slice(self.connection.name());
        body.extend_from_slice(b"\"],");
        body.extend_from_slice(b"\"advice\":{\"timeout\":60000,\"interval\":0}");
        if options.ack {
            body.extend_from_slice(b",\"ext\":{\"ack\":true}");
        }
        body.extend_from_slice(b"}]");
        ClientRequest { kind: ClientRequestKind::Handshake, body: body.into(), patience: PATIENCE }
    }

    /// `hold` is how long the server may hold it; `None` asks for an answer at once.
    pub(super) fn connect(&mut self, client: &str, hold: Option<Duration>, ack: Option<u64>) -> ClientRequest {
        let mut body = self.begin_on("/meta/connect");
        body.extend_from_slice(b",\"connectionType\":\"");
        body.extend_from_slice(self.connection.name());
        body.push(b'"');
        if hold.is_none() {
            body.extend_from_slice(b",\"advice\":{\"timeout\":0}");
        }
        if let Some(number) = ack {
            body.extend_from_slice(b",\"ext\":{\"ack\":");
            body.extend_from_slice(number.to_string().as_bytes());
            body.push(b'}');
        }
        finish(ClientRequestKind::Connect, body, client, hold.unwrap_or_default() + PATIENCE)
    }

    /// One pattern is sent as a string, several as an array.
    pub(super) fn subscribe(&mut self, client: &str, patterns: &[Box<str>]) -> ClientRequest {
        let mut body = self.begin_on("/meta/subscribe");
        body.extend_from_slice(b",\"subscription\":");
        match patterns {
            [pattern] => push_string(&mut body, pattern),
            patterns => {
                for (index, pattern) in patterns.iter().enumerate() {
                    body.push(if index == 0 { b'[' } else { b',' });
                    push_string(&mut body, pattern);
                }
                body.push(b']');
            }
        }
        finish(ClientRequestKind::Subscribe, body, client, PATIENCE)
    }

    /// `data` is JSON.
    pub(super) fn publish(&mut self, client: &str, channel: &str, data: &[u8]) -> ClientRequest {
        let mut body = self.begin_on(channel);
        body.extend_from_slice(b",\"data\":");
        body.extend_from_slice(data);
        finish(ClientRequestKind::Publish, body, client, PATIENCE)
    }

    pub(super) fn disconnect(&mut self, client: &str) -> ClientRequest {
        let body = self.begin_on("/meta/disconnect");
        finish(ClientRequestKind::Disconnect, body, client, PATIENCE)
    }

    /// The beginning of a message on `channel`, with the next id.
    fn begin_on(&mut self, channel: &str) -> Vec<u8> {
        let mut body = self.begin();
        body.extend_from_slice(b",\"channel\":");
        push_string(&mut body, channel);
        body
    }

    fn begin(&mut self) -> Vec<u8> {
        self.last_id += 1;
        let mut body = Vec::with_capacity(192);
        body.extend_from_slice(b"[{\"id\":\"");
        body.extend_from_slice(self.last_id.to_string().as_bytes());
        body.push(b'"');
        body
    }
}

fn finish(kind: ClientRequestKind, mut body: Vec<u8>, client: &str, patience: Duration) -> ClientRequest {
    body.extend_from_slice(b",\"clientId\":");
    body.extend_from_slice(client.as_bytes());
    body.extend_from_slice(b"}]");
    ClientRequest { kind, body: body.into(), patience }
}

/// How long a request may take that the server has no reason to hold.
const PATIENCE: Duration = Duration::from_secs(10);
