//! More connections than may be: each is told so and closed, and operators are answered all the same.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use partyline::clock;

use crate::harness::{PATIENCE, Server, open_request, read_answer, request};

const MOST: usize = 4;
/// As many more a worker are let in to be told.
const HEAD_ROOM: usize = 256;

#[test]
fn a_connection_too_many_is_told_so_and_closed_and_operators_are_answered_on_it() {
    let server = Server::with(&[("SERVER__MAX_CONNECTIONS", "4"), ("ADMIN__TOKEN", TOKEN)]);
    let mut held: Vec<TcpStream> = (0..MOST).map(|_| hold(server.address)).collect();

    let rest = server.agent("15000").get("me");
    assert_eq!((rest.status, rest.header("connection"), rest.header("retry-after")), (503, Some("close"), Some("1")));
    assert_eq!(rest.json()["statusMessage"], TOLD);
    let batch = br#"[{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["long-polling"]}]"#;
    let bayeux = request(server.address, "POST /cometd HTTP/1.1\r\n", &[KEEP_ALIVE], batch);
    assert_eq!((bayeux.status, bayeux.header("connection"), bayeux.body.as_str()), (503, Some("close"), TOLD));
    let socket = request(server.address, "GET /cometd HTTP/1.1\r\n", &SOCKET, b"");
    assert_eq!((socket.status, socket.body.as_str()), (503, TOLD));

    for path in ["/livez", "/readyz", "/metrics"] {
        let answer = request(server.address, &format!("GET {path} HTTP/1.1\r\n"), &[KEEP_ALIVE], b"");
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")), "{path}");
    }
    for (token, status) in [(BEARER, 200), (WRONG, 401)] {
        let sessions = request(server.address, "GET /admin/v1/sessions HTTP/1.1\r\n", &[token, KEEP_ALIVE], b"");
        assert_eq!((sessions.status, sessions.header("connection")), (status, Some("close")), "{sessions:?}");
    }
    assert_eq!(server.metric("partyline_connections "), 4);
    assert_eq!(server.metric("partyline_rejected_total{limit=\"connections\"}"), 3);

    held.pop();
    let deadline = clock::now() + PATIENCE;
    while server.agent("15000").get("me").status != 200 {
        assert!(clock::now() < deadline, "no place came free");
    }
}

#[test]
fn a_body_that_still_comes_keeps_nobody_from_being_told() {
    let server = Server::with(&[("SERVER__MAX_CONNECTIONS", "4")]);
    let _held: Vec<TcpStream> = (0..MOST).map(|_| hold(server.address)).collect();
    for path in ["/cometd", "/api/v2/me"] {
        let head = format!("POST {path} HTTP/1.1\r\n");
        let chunked = [("Transfer-Encoding", "chunked")];
        let mut stream = open_request(server.address, &head, &chunked, b"").unwrap();
        let answer = read_answer(&mut stream).unwrap();
        assert_eq!((answer.status, answer.header("connection")), (503, Some("close")), "{path}: {answer:?}");
    }
}

#[test]
fn a_connection_for_which_there_is_not_even_head_room_is_served_when_another_one_closes() {
    let server = Server::with(&[("SERVER__WORKERS", "1"), ("SERVER__MAX_CONNECTIONS", "4")]);
    let connect = || TcpStream::connect(server.address).unwrap();
    // They say nothing, and so are not told that they are too many.
    let mut silent: Vec<TcpStream> = (0..MOST + HEAD_ROOM).map(|_| connect()).collect();
    let mut last = connect();
    last.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    last.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut byte = [0];
    assert!(last.read(&mut byte).is_err(), "it is not served while all the others are open");
    silent.pop();
    last.set_read_timeout(Some(PATIENCE)).unwrap();
    last.read_exact(&mut byte).unwrap();
}

/// A connection that has a place, and keeps it.
fn hold(address: SocketAddr) -> TcpStream {
    let deadline = clock::now() + PATIENCE;
    loop {
        let stream = open_request(address, "GET /livez HTTP/1.1\r\n", &[KEEP_ALIVE], b"").unwrap();
        let head: Vec<String> =
            BufReader::new(&stream).lines().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
        assert_eq!(head[0], "HTTP/1.1 200 OK");
        // One that was closed a moment ago may still be counted.
        if !head.iter().any(|line| line == "connection: close") {
            return stream;
        }
        assert!(clock::now() < deadline, "there is no place");
    }
}

const TOLD: &str = "the server has as many connections as it may have";
const TOKEN: &str = "sixteen-characters";
const BEARER: (&str, &str) = ("Authorization", "Bearer sixteen-characters");
const WRONG: (&str, &str) = ("Authorization", "Bearer another-of-sixteen");
const KEEP_ALIVE: (&str, &str) = ("Connection", "keep-alive");
const SOCKET: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];
