//! The caller against servers that say what they are told to.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::wire::question;
use crate::upstream::{Answer, Endpoint, Failure, HttpUpstream, Secret, Upstream, UpstreamConfig};

fn config() -> UpstreamConfig {
    UpstreamConfig {
        timeout: Duration::from_secs(20),
        concurrency: 1,
        max_answer: 100,
        json_depth: 8,
        secret: Secret::new(b"key"),
    }
}

fn upstream(config: UpstreamConfig, address: SocketAddr) -> (HttpUpstream, Endpoint) {
    let endpoint = Endpoint::parse(&format!("http://{address}/crm")).unwrap();
    (HttpUpstream::new(config, [endpoint.clone()]), endpoint)
}

/// Reads one request.
async fn request(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while !text.ends_with("0101\"}") {
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "{text}");
        text.push_str(str::from_utf8(&buffer[..read]).unwrap());
    }
    text
}

/// A server that answers one request with these bytes, and gives that request back.
async fn serve(answer: &'static str) -> (SocketAddr, oneshot::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = tell.send(request(&mut stream).await);
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    (address, told)
}

async fn answer_to(bytes: &'static str) -> Answer {
    let (address, _) = serve(bytes).await;
    let (upstream, endpoint) = upstream(config(), address);
    upstream.ask(&endpoint, question()).await
}

#[tokio::test]
async fn a_question_is_posted_with_its_signature_and_no_secret() {
    let (address, told) = serve("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"data\":1}").await;
    let (upstream, endpoint) = upstream(config(), address);
    assert_eq!(upstream.ask(&endpoint, question()).await, Answer::Data(Bytes::from_static(b"1")));
    let request = told.await.unwrap();
    assert!(request.starts_with("POST /crm HTTP/1.1\r\n"), "{request}");
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let signature = Secret::new(b"key").unwrap().sign(body.as_bytes()).unwrap();
    assert!(head.contains(&format!("x-partyline-signature: {}", signature.to_str().unwrap())), "{head}");
    assert!(!head.to_lowercase().contains("cookie") && !head.to_lowercase().contains("authorization"), "{head}");
}

#[tokio::test]
async fn each_bad_answer_is_told_from_the_others() {
    assert_eq!(answer_to("HTTP/1.1 204 No Content\r\n\r\n").await, Answer::Nothing);
    let large = "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n{\"data\":\"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\"}";
    for invalid in ["HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 302 Go\r\nLocation: /\r\n\r\n", large] {
        assert_eq!(answer_to(invalid).await, Answer::Failed(Failure::Invalid), "{invalid}");
    }
    for broken in ["", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"] {
        assert_eq!(answer_to(broken).await, Answer::Failed(Failure::Broken), "{broken}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (upstream, endpoint) = upstream(config(), nobody);
    assert_eq!(upstream.ask(&endpoint, question()).await, Answer::Failed(Failure::Unreachable));
}

#[tokio::test]
async fn one_question_more_than_may_be_open_is_refused_at_once_and_a_late_answer_frees_the_place() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (upstream, endpoint) = upstream(UpstreamConfig { timeout: Duration::from_millis(50), ..config() }, address);
    let first = upstream.ask(&endpoint, question());
    assert_eq!(upstream.ask(&endpoint, question()).await, Answer::Failed(Failure::Busy));
    assert_eq!(first.await, Answer::Failed(Failure::Late));
    assert_eq!(upstream.ask(&endpoint, question()).await, Answer::Failed(Failure::Late));
}

#[test]
fn a_signature_is_what_everybody_elses_library_makes_of_it() {
    let signature = Secret::new(b"key").unwrap().sign(b"The quick brown fox jumps over the lazy dog").unwrap();
    assert_eq!(signature, "sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
    assert!(Secret::new(b"").is_none());
}
