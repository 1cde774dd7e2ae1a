//! Service channels that a back end answers, over real sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

use crate::harness::{Desk, PATIENCE, Server, request};

/// A back end that answers each question as `answer` says, and hands on what it was asked: the head and the body.
fn back_end(answer: fn(&Value) -> String) -> (SocketAddr, Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, asked) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let tell = tell.clone();
            std::thread::spawn(move || {
                let mut stream = BufReader::new(stream.unwrap());
                loop {
                    let mut head = String::new();
                    while !head.ends_with("\r\n\r\n") {
                        if stream.read_line(&mut head).unwrap() == 0 {
                            return;
                        }
                    }
                    let lower = head.to_lowercase();
                    let length = lower.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
                    let mut body = vec![0; length.parse().unwrap()];
                    stream.read_exact(&mut body).unwrap();
                    let question: Value = serde_json::from_slice(&body).unwrap();
                    let answer = answer(&question);
                    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
                    stream.get_mut().write_all(answer.as_bytes()).unwrap();
                    // The test may have seen enough.
                    let _ = tell.send((lower, question));
                }
            });
        }
    });
    (address, asked)
}

fn server(upstream: SocketAddr, settings: &[(&str, &str)]) -> Server {
    let rules = format!("[{{pattern = '/service/crm/**', publish = ['15000'], upstream = 'http://{upstream}/crm'}}]");
    let mut all = vec![("CHANNEL", rules.as_str())];
    all.extend_from_slice(settings);
    Server::with(&all)
}

fn ask(desk: &mut Desk, data: &Value) -> Value {
    desk.send(&json!({"channel": "/service/crm/find", "data": data})).json()[0].clone()
}

#[test]
fn a_back_end_answers_a_service_channel_and_sees_no_secret() {
    let (address, asked) = back_end(|question| match question["data"].as_str() {
        Some("refuse") => json!({"error": {"why": "no"}}).to_string(),
        _ => json!({"data": {"asked": question["data"]}}).to_string(),
    });
    let server = server(address, &[]);
    let mut desk = Desk::open(server.agent("15000"), true, &[]);
    let reply = ask(&mut desk, &json!({"name": "Grün"}));
    assert_eq!((&reply["successful"], reply.get("data")), (&json!(true), None), "{reply}");
    let told = desk.until(|told| told["channel"] == "/service/crm/find");
    let wanted = json!([{"channel": "/service/crm/find", "id": reply["id"], "successful": true,
        "data": {"asked": {"name": "Grün"}}}]);
    assert_eq!(json!(told), wanted);
    let (head, question) = asked.recv_timeout(PATIENCE).unwrap();
    let shown = json!({"channel": question["channel"], "agent": question["agent"], "id": question["id"]});
    assert_eq!(shown, json!({"channel": "/service/crm/find", "agent": "15000", "id": reply["id"]}));
    assert!(head.starts_with("post /crm http/1.1"), "{head}");
    for secret in [&desk.client, &desk.cookie] {
        assert!(!head.contains(secret.as_str()) && !question.to_string().contains(secret.as_str()));
    }
    let reply = ask(&mut desk, &json!("refuse"));
    let told = desk.until(|told| told["id"] == reply["id"]).pop().unwrap();
    let wanted = json!({"channel": "/service/crm/find", "id": reply["id"], "successful": false,
        "error": "400:/service/crm/find:upstream_refused", "data": {"why": "no"}});
    assert_eq!(told, wanted);
    let denied = ask(&mut Desk::open(server.agent("15001"), false, &[]), &json!(1));
    assert_eq!(denied["error"], "403:denied_by_rule:publish_denied");
    let metrics = request(server.address, "GET /metrics HTTP/1.1\r\n", &[], b"").body;
    assert!(metrics.contains("partyline_upstream_requests_total{outcome=\"answered\"} 1\n"), "{metrics}");
    assert!(metrics.contains("partyline_upstream_requests_total{outcome=\"refused\"} 1\n"), "{metrics}");
}

#[test]
fn a_back_end_that_is_silent_or_gone_holds_nobody_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let server = server(address, &[("UPSTREAM__TIMEOUT", "300ms"), ("UPSTREAM__CONCURRENCY", "1")]);
    let mut desk = Desk::open(server.agent("15000"), true, &[]);
    let (first, second) = (ask(&mut desk, &json!(1)), ask(&mut desk, &json!(2)));
    // Both failed: the second at once, the first when its time was up.
    let told = desk.until(|told| told["id"] == first["id"]);
    let error = |id: &Value| told.iter().find(|told| told["id"] == *id).unwrap()["error"].clone();
    assert_eq!(error(&second["id"]), "503:/service/crm/find:upstream_busy");
    assert_eq!(error(&first["id"]), "504:/service/crm/find:upstream_timeout");
    drop(silent);
    let third = ask(&mut desk, &json!(3));
    let told = desk.until(|told| told["id"] == third["id"]).pop().unwrap();
    assert_eq!(told["error"], "502:/service/crm/find:upstream_unreachable", "{told}");
}
