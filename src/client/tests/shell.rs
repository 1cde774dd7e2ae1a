//! The shell, against a server that reads requests and answers from a script.

use std::sync::Arc;

use expect_test::expect;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{BadTarget, Client, ClientError, Options, PublishOutcome, Tally, Target};

const JOIN: &str = r#"[{"channel":"/meta/handshake","successful":true,"clientId":"c1"}]"#;
const CONNECTED: &str = r#"[{"channel":"/meta/connect","successful":true}]"#;
const EVENT: &str = r#"[{"channel":"/a","data":{"x":1}},{"channel":"/meta/connect","successful":true}]"#;

/// Answers one connection after the other; each line of a script is one response. Returns what it was asked.
async fn serve(listener: TcpListener, connections: Vec<Vec<String>>) -> Vec<String> {
    let mut asked = Vec::new();
    for responses in connections {
        let (mut stream, _) = listener.accept().await.unwrap();
        for response in responses {
            asked.push(read_request(&mut stream).await);
            stream.write_all(response.as_bytes()).await.unwrap();
        }
    }
    asked
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() >= length.parse::<usize>().unwrap() {
                return String::from_utf8(bytes).unwrap();
            }
        }
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the client went away");
    }
}

fn ok(body: &str) -> String {
    with("200 OK", "", body)
}

fn with(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

async fn client(listener: &TcpListener, login: Option<(&str, &str)>) -> (Client, Arc<Tally>) {
    let url = format!("http://{}/cometd", listener.local_addr().unwrap());
    let target = Arc::new(Target::resolve(&url, login).await.unwrap());
    let tally = Arc::default();
    (Client::new(&target, Options::default(), &tally), tally)
}

#[tokio::test]
async fn a_client_keeps_its_cookies_and_logs_in_until_it_has_one() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (mut client, tally) = client(&listener, Some(("15000", "secret"))).await;
    let cookies = "Set-Cookie: BAYEUX_BROWSER=b1; Path=/; HttpOnly\r\nSet-Cookie: JSESSIONID=s1; Path=/\r\n";
    let script = vec![vec![with("200 OK", cookies, JOIN), ok(CONNECTED), ok(EVENT)]];
    let server = tokio::spawn(serve(listener, script));
    client.handshake().await.unwrap();
    let events = client.next_events().await.unwrap();
    assert_eq!((events.len(), &*events[0].channel, &*events[0].data), (1, "/a", &br#"{"x":1}"#[..]));
    let asked = server.await.unwrap();
    let addr = asked[0].lines().find(|line| line.starts_with("host")).unwrap().to_owned();
    expect![[r#"
        POST /cometd/handshake HTTP/1.1
        host: HOST
        content-type: application/json;charset=UTF-8
        authorization: Basic MTUwMDA6c2VjcmV0
        content-length: 163

        [{"id":"1","version":"1.0","minimumVersion":"1.0","channel":"/meta/handshake","supportedConnectionTypes":["long-polling"],"advice":{"timeout":60000,"interval":0}}]

        POST /cometd/connect HTTP/1.1
        host: HOST
        content-type: application/json;charset=UTF-8
        cookie: BAYEUX_BROWSER=b1; JSESSIONID=s1
        content-length: 109

        [{"id":"2","channel":"/meta/connect","connectionType":"long-polling","advice":{"timeout":0},"clientId":"c1"}]"#]].assert_eq(&asked[..2].join("\n\n").replace(&addr, "host: HOST").replace('\r', ""));
    assert_eq!((tally.counts().requests, tally.counts().errors), (3, 0));
}

#[tokio::test]
async fn a_broken_connection_is_made_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (mut client, tally) = client(&listener, None).await;
    let script = vec![vec![ok(JOIN), ok(CONNECTED)], vec![], vec![ok(EVENT)]];
    let server = tokio::spawn(serve(listener, script));
    client.handshake().await.unwrap();
    assert_eq!(client.next_events().await.unwrap().len(), 1);
    let asked = server.await.unwrap();
    assert!(asked[2].contains("\"advice\":{\"timeout\":0}"), "it asks whether the session is there: {}", asked[2]);
    assert!(tally.counts().errors >= 1);
}

#[tokio::test]
async fn a_login_that_lapsed_is_made_again_with_the_password() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (mut client, _) = client(&listener, Some(("15000", "secret"))).await;
    let login = "Set-Cookie: JSESSIONID=s1; Path=/\r\n";
    let script = vec![vec![with("200 OK", login, JOIN), with("403 Forbidden", "", "{}"), ok(CONNECTED), ok(EVENT)]];
    let server = tokio::spawn(serve(listener, script));
    client.handshake().await.unwrap();
    client.next_events().await.unwrap();
    let logins: Vec<_> = server.await.unwrap().iter().map(|asked| asked.contains("authorization: Basic ")).collect();
    assert_eq!(logins, [true, false, true, true]);
}

#[tokio::test]
async fn a_refused_login_ends_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (mut client, _) = client(&listener, Some(("15000", "wrong"))).await;
    let server = tokio::spawn(serve(listener, vec![vec![with("403 Forbidden", "", "{\"statusCode\":20}")]]));
    assert!(matches!(client.handshake().await, Err(ClientError::Denied(403))));
    server.await.unwrap();
}

#[tokio::test]
async fn a_publisher_does_not_wait_for_the_held_connect() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (mut client, _) = client(&listener, None).await;
    let server = tokio::spawn(async move {
        let (mut held, _) = listener.accept().await.unwrap();
        for response in [ok(JOIN), ok(CONNECTED)] {
            read_request(&mut held).await;
            held.write_all(response.as_bytes()).await.unwrap();
        }
        read_request(&mut held).await;
        let (mut other, _) = listener.accept().await.unwrap();
        read_request(&mut other).await;
        other.write_all(ok(r#"[{"channel":"/a","successful":true}]"#).as_bytes()).await.unwrap();
        held.write_all(ok(EVENT).as_bytes()).await.unwrap();
    });
    client.handshake().await.unwrap();
    let mut publisher = client.publisher();
    let (events, outcome) = tokio::join!(client.next_events(), publisher.publish("/a", b"1"));
    assert_eq!((events.unwrap().len(), outcome.unwrap()), (1, PublishOutcome::Accepted));
    server.await.unwrap();
}

#[tokio::test]
async fn only_plain_http_is_a_target() {
    for url in ["https://127.0.0.1/cometd", "127.0.0.1:80", "http://", "http://127.0.0.1/x?y=1", "ftp://x/y"] {
        assert!(matches!(Target::resolve(url, None).await, Err(BadTarget::Malformed(_))), "{url}");
    }
    assert_eq!(Target::resolve("http://[::1]:81/a", None).await.unwrap().addr(), "[::1]:81".parse().unwrap());
    assert_eq!(Target::resolve("http://127.0.0.1", None).await.unwrap().addr(), "127.0.0.1:80".parse().unwrap());
}
