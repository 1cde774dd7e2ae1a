//! How long the server waits for a client.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::harness::{PATIENCE, Server};

/// A connection that sends this, and what comes back until the server closes it.
fn answer_to(server: &Server, sent: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(sent).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_client_that_does_not_finish_what_it_began_is_not_waited_for() {
    let server = Server::with(&[("SERVER__BODY_TIMEOUT", "200ms"), ("BAYEUX__ANONYMOUS", "true")]);
    let body = answer_to(&server, b"POST /cometd HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n[");
    assert!(body.starts_with("HTTP/1.1 408 "), "{body}");
    let chunked =
        answer_to(&server, b"POST /cometd HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n");
    assert!(chunked.starts_with("HTTP/1.1 408 "), "{chunked}");
    let head = answer_to(&server, b"POST /cometd HTTP/1.1\r\nHost: x\r\nX-Slow: ");
    assert!(head.starts_with("HTTP/1.1 408 "), "{head}");
}
