//! A websocket by hand, for tests that look at each frame.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::BytesMut;
use partyline::clock;
use partyline::websocket::{Decoder, Masked, Message, Role, masked};
use serde_json::{Value, json};

use crate::harness::{Answer, PATIENCE, Server, request, send_request};

pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// Asks for a websocket. The answer's head, and the connection.
pub(crate) fn ask(server: &Server, path: &str, headers: &[(&str, &str)]) -> (Answer, TcpStream, BytesMut) {
    ask_over(TcpStream::connect(server.address).unwrap(), path, headers)
}

fn ask_over(mut stream: TcpStream, path: &str, headers: &[(&str, &str)]) -> (Answer, TcpStream, BytesMut) {
    let mut all = vec![
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", KEY),
    ];
    all.extend_from_slice(headers);
    send_request(&mut stream, &format!("GET {path} HTTP/1.1\r\n"), &all, b"").unwrap();
    let mut bytes = BytesMut::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        read_some(&mut stream, &mut bytes).unwrap();
    };
    let head = bytes.split_to(end);
    let head = String::from_utf8(head.to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers =
        lines.filter_map(|line| line.split_once(": ")).map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    (Answer { status, headers, body: String::new() }, stream, bytes)
}

pub(crate) fn read_some(stream: &mut TcpStream, bytes: &mut BytesMut) -> Option<()> {
    let mut some = [0; 4096];
    let count = stream.read(&mut some).ok().filter(|count| *count > 0)?;
    bytes.extend_from_slice(&some[..count]);
    Some(())
}

/// A websocket, by hand.
pub(crate) struct Socket {
    pub(crate) stream: TcpStream,
    bytes: BytesMut,
    decoder: Decoder,
    pub(crate) client: String,
    pub(crate) cookie: Option<String>,
}

impl Socket {
    pub(crate) fn open(server: &Server, headers: &[(&str, &str)]) -> Self {
        Self::open_at(server, "/cometd", headers)
    }

    pub(crate) fn open_at(server: &Server, path: &str, headers: &[(&str, &str)]) -> Self {
        Self::over(TcpStream::connect(server.address).unwrap(), path, headers)
    }

    /// One on a connection that is there.
    pub(crate) fn over(stream: TcpStream, path: &str, headers: &[(&str, &str)]) -> Self {
        let (answer, stream, bytes) = ask_over(stream, path, headers);
        assert_eq!(answer.status, 101, "{answer:?}");
        let decoder = Decoder::new(Role::Client, 1 << 24);
        Self { stream, bytes, decoder, client: String::new(), cookie: answer.cookie("BAYEUX_BROWSER") }
    }

    /// One that is logged in, and has a session.
    pub(crate) fn joined(server: &Server, agent: &str, ack: bool, subscriptions: &[&str]) -> Self {
        let mut socket = Self::open(server, &[server.agent(agent).authorization()]);
        socket.join(ack, subscriptions);
        socket
    }

    /// Handshakes and subscribes.
    pub(crate) fn join(&mut self, ack: bool, subscriptions: &[&str]) {
        let mut handshake = json!({"channel": "/meta/handshake", "id": "1", "version": "1.0",
            "supportedConnectionTypes": ["websocket", "long-polling"]});
        if ack {
            handshake["ext"] = json!({"ack": true});
        }
        let reply = self.ask(&handshake);
        self.client = reply["clientId"].as_str().unwrap_or_else(|| panic!("{reply}")).to_owned();
        if !subscriptions.is_empty() {
            let reply = self.ask(&json!({"channel": "/meta/subscribe", "id": "2", "subscription": subscriptions}));
            assert_eq!(reply["successful"], true, "{reply}");
        }
    }

    pub(crate) fn send_frame(&mut self, kind: Masked, payload: &[u8]) {
        self.stream.write_all(&masked(kind, payload, [1, 2, 3, 4])).unwrap();
    }

    pub(crate) fn send_text(&mut self, text: &str) {
        self.send_frame(Masked::Text, text.as_bytes());
    }

    pub(crate) fn send(&mut self, message: &Value) {
        let mut message = message.clone();
        if !self.client.is_empty() && message.get("clientId").is_none() {
            message["clientId"] = json!(self.client);
        }
        self.send_text(&json!([message]).to_string());
    }

    pub(crate) fn connect(&mut self, id: &str) {
        self.send(&json!({"channel": "/meta/connect", "id": id, "connectionType": "websocket"}));
    }

    /// Sends one message; the one message of the next frame.
    pub(crate) fn ask(&mut self, message: &Value) -> Value {
        self.send(message);
        let mut frame = self.frame();
        assert_eq!(frame.len(), 1, "{frame:?}");
        frame.remove(0)
    }

    /// The next message, whatever it is; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.decoder.next(&mut self.bytes).unwrap() {
                return Some(message);
            }
            read_some(&mut self.stream, &mut self.bytes)?;
        }
    }

    /// The next frame with messages. Pings are answered.
    pub(crate) fn frame(&mut self) -> Vec<Value> {
        loop {
            match self.next() {
                Some(Message::Text(text)) => return serde_json::from_slice(&text).unwrap(),
                Some(Message::Ping(_)) => self.send_frame(Masked::Pong, b""),
                other => panic!("no frame, but {other:?}"),
            }
        }
    }

    /// The code with which the server closes, if nothing else comes before.
    pub(crate) fn closed(&mut self) -> Option<u16> {
        let Some(Message::Close(code)) = self.next() else { panic!("it is not closed") };
        self.stream.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(self.next(), None, "and then nothing");
        code
    }
}

pub(crate) fn wait_for(server: &Server, line: &str) {
    let deadline = clock::now() + PATIENCE;
    loop {
        let page = request(server.address, "GET /metrics HTTP/1.1\r\n", &[], b"").body;
        if page.lines().any(|known| known == line) {
            return;
        }
        assert!(clock::now() < deadline, "no {line} in\n{page}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
