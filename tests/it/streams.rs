//! Server-sent events of the real server, as Faye's transport `eventsource` uses them.

use std::io::Read;
use std::net::{Shutdown, TcpStream};

use serde_json::{Value, json};

use crate::harness::{Agent, Desk, Server, open_request, request};
use crate::socket::wait_for;

/// A stream, as a browser reads it.
struct EventSource {
    stream: TcpStream,
    head: String,
    /// What came of the body and is not a whole piece, without the marks of its chunks.
    rest: String,
    /// What came and is not a whole chunk.
    came: Vec<u8>,
}

impl EventSource {
    fn open(agent: &Agent, desk: &Desk) -> Self {
        let path = format!("/cometd/{}", desk.client);
        let cookie = format!("BAYEUX_BROWSER={}", desk.cookie);
        Self::ask(agent, &path, &cookie)
    }

    fn ask(agent: &Agent, path: &str, cookie: &str) -> Self {
        let headers = [("Accept", "text/event-stream"), ("Cookie", cookie), agent.authorization()];
        let head = format!("GET {path} HTTP/1.1\r\n");
        let stream = open_request(agent.address, &head, &headers, b"").unwrap();
        let mut source = Self { stream, head: String::new(), rest: String::new(), came: Vec::new() };
        let end = loop {
            if let Some(at) = source.came.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(source.read(), "an answer");
        };
        source.head = String::from_utf8(source.came.drain(..end).collect()).unwrap();
        source
    }

    fn read(&mut self) -> bool {
        let mut some = [0; 4096];
        let count = self.stream.read(&mut some).unwrap();
        self.came.extend_from_slice(&some[..count]);
        count > 0
    }

    /// Takes in the next chunk, if the whole of it came.
    fn chunk(&mut self) -> Option<usize> {
        let line = self.came.windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&self.came[..line]).unwrap(), 16).unwrap();
        let end = line + 2 + size;
        if self.came.len() < end + 2 {
            return None;
        }
        self.rest.push_str(std::str::from_utf8(&self.came[line + 2..end]).unwrap());
        self.came.drain(..end + 2);
        Some(size)
    }

    /// The next piece of the stream, without the empty line at its end; `None` if the stream ends.
    fn piece(&mut self) -> Option<String> {
        loop {
            if let Some((piece, rest)) = self.rest.split_once("\n\n") {
                let piece = piece.to_owned();
                self.rest = rest.to_owned();
                return Some(piece);
            }
            match self.chunk() {
                Some(0) => return None,
                Some(_) => {}
                None => assert!(self.read(), "the end comes as a chunk"),
            }
        }
    }

    /// The messages of the next event. Comments are passed over.
    fn event(&mut self) -> Option<Vec<Value>> {
        loop {
            let piece = self.piece()?;
            if let Some(data) = piece.strip_prefix("data: ") {
                return Some(serde_json::from_str(data).unwrap());
            }
            assert!(piece == ":" || piece == "retry: 1000", "{piece:?}");
        }
    }
}

fn desk(server: &Server, agent: &str) -> Desk {
    let mut desk = Desk::open(server.agent(agent), false, &["/demo/*"]);
    desk.path = "/cometd".to_owned();
    desk.connect(None);
    desk
}

#[test]
fn a_client_reads_its_events_from_a_stream_and_connects_as_a_sign_of_life() {
    let server = Server::with(&[("BAYEUX__EVENTSOURCE", "true"), ("BAYEUX__PING", "200ms")]);
    let mut listener = desk(&server, "15000");
    let agent = server.agent("15000");
    let mut source = EventSource::open(&agent, &listener);
    assert!(source.head.starts_with("HTTP/1.1 200 ") && source.head.contains("text/event-stream"), "{}", source.head);
    assert!(source.head.contains("no-store") && !source.head.contains("BAYEUX_BROWSER"), "{}", source.head);
    assert_eq!(source.piece().unwrap(), "retry: 1000");
    assert_eq!(source.piece().unwrap(), ":", "it shows that it is alive");
    let mut publisher = desk(&server, "15001");
    publisher.send(&json!({"channel": "/demo/a", "data": {"n": 1}}));
    assert_eq!(source.event().unwrap(), [json!({"channel": "/demo/a", "data": {"n": 1}})]);
    wait_for(&server, "partyline_sessions{transport=\"eventsource\"} 1");
    let (told, reply) = listener.connect(None);
    assert_eq!((told, &reply["advice"]), (vec![], &json!({"reconnect": "retry", "interval": 30_000, "timeout": 0})));
    // Its own event comes by the stream, too, and its reply alone.
    let replies = listener.send(&json!({"channel": "/demo/b", "data": 2})).json();
    assert_eq!((replies.as_array().unwrap().len(), &replies[0]["successful"]), (1, &json!(true)));
    assert_eq!(source.event().unwrap(), [json!({"channel": "/demo/b", "data": 2})]);
    // The stream breaks: what comes is kept, and the client goes on over another.
    source.stream.shutdown(Shutdown::Both).unwrap();
    wait_for(&server, "partyline_sessions{transport=\"eventsource\"} 0");
    publisher.send(&json!({"channel": "/demo/a", "data": 3}));
    let mut source = EventSource::open(&agent, &listener);
    assert_eq!(source.event().unwrap(), [json!({"channel": "/demo/a", "data": 3})]);
    listener.send(&json!({"channel": "/meta/disconnect"}));
    assert_eq!(source.event(), None, "and nothing after the end");
    assert!(!server.log().contains(&listener.client), "its clientId is in no log");
    let page = request(server.address, "GET /metrics HTTP/1.1\r\n", &[], b"").body;
    assert!(!page.contains(&listener.client), "nor in a metric");
}

#[test]
fn what_is_lazy_comes_by_a_stream_in_its_time() {
    let rule = r#"[{ pattern = "/demo/**", subscribe = "agents", publish = "agents", lazy = "50ms" }]"#;
    let server = Server::with(&[("BAYEUX__EVENTSOURCE", "true"), ("BAYEUX__TIMEOUT", "10m"), ("CHANNEL", rule)]);
    let listener = desk(&server, "15000");
    let mut source = EventSource::open(&server.agent("15000"), &listener);
    desk(&server, "15001").send(&json!({"channel": "/demo/a", "data": 1}));
    assert_eq!(source.event().unwrap(), [json!({"channel": "/demo/a", "data": 1})], "no connect brings it");
}

#[test]
fn a_stream_needs_the_login_and_the_cookie_of_its_session_and_the_switch() {
    let server = Server::with(&[("BAYEUX__EVENTSOURCE", "true"), ("BAYEUX__ANONYMOUS", "true")]);
    let listener = desk(&server, "15000");
    let status = |agent: &str, path: &str, cookie: &str| {
        let source = EventSource::ask(&server.agent(agent), path, cookie);
        source.head.split(' ').nth(1).unwrap().parse::<u16>().unwrap()
    };
    let (path, cookie) = (format!("/cometd/{}", listener.client), format!("BAYEUX_BROWSER={}", listener.cookie));
    assert_eq!(status("15001", &path, &cookie), 404);
    assert_eq!(status("15000", &path, "BAYEUX_BROWSER=another"), 404);
    assert_eq!(status("15000", "/cometd", &cookie), 404);
    assert_eq!(status("15000", &path.replace("/cometd", "/api/v2/notifications"), &cookie), 400);
    assert_eq!(status("15000", &path, &cookie), 200);
    let evil = [("Accept", "text/event-stream"), ("Cookie", &cookie), ("Origin", "https://evil.example")];
    assert_eq!(request(server.address, &format!("GET {path} HTTP/1.1\r\n"), &evil, b"").status, 403);
    let shake = br#"[{"channel":"/meta/handshake","version":"1.0"}]"#;
    let reply = request(server.address, "POST /cometd HTTP/1.1\r\n", &[], shake).json()[0].clone();
    assert_eq!(reply["supportedConnectionTypes"], json!(["websocket", "eventsource", "long-polling"]));

    let server = Server::start();
    let listener = desk(&server, "15000");
    let source = EventSource::open(&server.agent("15000"), &listener);
    assert!(source.head.starts_with("HTTP/1.1 400 "), "it is off until it is wanted: {}", source.head);
}

#[test]
fn a_stream_ends_with_the_server_and_goes_on_after_it() {
    let mut server = Server::with(&[("BAYEUX__EVENTSOURCE", "true"), ("DRAIN__DELAY", "0s")]);
    let listener = desk(&server, "15000");
    let agent = server.agent("15000");
    let mut source = EventSource::open(&agent, &listener);
    desk(&server, "15001").send(&json!({"channel": "/demo/a", "data": 1}));
    assert_eq!(source.event().unwrap(), [json!({"channel": "/demo/a", "data": 1})]);
    assert_eq!(server.terminate(), Some(0));
    assert_eq!(source.event(), None);
    server.restart();
    let mut source = EventSource::open(&agent, &listener);
    desk(&server, "15001").send(&json!({"channel": "/demo/a", "data": 2}));
    assert_eq!(source.event().unwrap(), [json!({"channel": "/demo/a", "data": 2})]);
}
