//! A connection to the real server that is kept, for who asks much.

use std::io::Read;
use std::net::TcpStream;
use std::sync::Mutex;

use serde_json::Value;

use crate::harness::{Agent, Answer, send_request};

/// An agent's connection, made when it is needed.
#[derive(Default)]
pub(super) struct Wire(Mutex<Option<TcpStream>>);

impl Wire {
    /// The server at its other end has gone.
    pub(super) fn cut(&mut self) {
        *self.0.get_mut().unwrap() = None;
    }

    pub(super) fn get(&self, agent: &Agent, path: &str) -> Answer {
        self.ask(agent, &format!("GET /api/v2/{path} HTTP/1.1\r\n"), &[], b"")
    }

    pub(super) fn post(&self, agent: &Agent, path: &str, body: &Value, key: Option<&str>) -> Answer {
        let mut headers = vec![("Content-Type", "application/json")];
        headers.extend(key.map(|key| ("Idempotency-Key", key)));
        self.ask(agent, &format!("POST /api/v2/{path} HTTP/1.1\r\n"), &headers, body.to_string().as_bytes())
    }

    fn ask(&self, agent: &Agent, head: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut held = self.0.lock().unwrap();
        let stream = held.get_or_insert_with(|| connect(agent));
        let mut all = vec![agent.authorization(), ("Connection", "keep-alive")];
        all.extend_from_slice(headers);
        send_request(stream, head, &all, body).unwrap();
        read_answer(stream)
    }
}

fn connect(agent: &Agent) -> TcpStream {
    let stream = TcpStream::connect(agent.address).unwrap();
    // Head and body are written one after the other.
    stream.set_nodelay(true).unwrap();
    stream
}

/// Reads one answer, as long as its head says that it is.
fn read_answer(stream: &mut TcpStream) -> Answer {
    let (mut bytes, mut some) = (Vec::new(), [0; 16_384]);
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        read_some(stream, &mut bytes, &mut some);
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.filter_map(|line| line.split_once(": ")).map(|(key, value)| (key.to_owned(), value.to_owned()));
    let mut answer = Answer { status, headers: headers.collect(), body: String::new() };
    let length: usize = answer.header("content-length").unwrap().parse().unwrap();
    while bytes.len() < end + length {
        read_some(stream, &mut bytes, &mut some);
    }
    answer.body = String::from_utf8(bytes.split_off(end)).unwrap();
    answer
}

fn read_some(stream: &mut TcpStream, bytes: &mut Vec<u8>, some: &mut [u8]) {
    let count = stream.read(some).unwrap();
    assert!(count > 0, "the connection broke after {bytes:?}");
    bytes.extend_from_slice(&some[..count]);
}
