//! What must not be found anywhere: clientIds, cookies and passwords.

use std::fs;

use serde_json::json;

use crate::harness::{Desk, Server, request};

#[test]
fn no_secret_is_in_a_delivery_a_record_a_log_line_a_metric_or_an_error() {
    let mut server = Server::with(&[("TELEMETRY__LOG_LEVEL", "info,partyline=trace")]);
    let agent = server.agent("15000");
    let login = agent.get("me").cookie("JSESSIONID").unwrap();
    let mut publisher = Desk::open(server.agent("15001"), true, &["/demo/**"]);
    let mut desk = Desk::open(agent.clone(), true, &["/demo/**", "/v2/me/*"]);
    let mut shown = vec![publisher.send(&json!({"channel": "/demo/a", "data": 1})).body];
    agent.dial("15001");
    agent.until_call("Dialing", 1);
    for connect in [None, Some(0)] {
        let (told, reply) = desk.connect(connect);
        shown.extend(told.iter().map(ToString::to_string));
        shown.push(reply.to_string());
    }
    for wrong in [json!({"channel": "/meta/nothing"}), json!({"channel": "/demo/*", "data": 1}), json!({"data": 1})] {
        shown.push(desk.send(&wrong).body);
    }
    shown.push(request(server.address, "GET /metrics HTTP/1.1\r\n", &[], b"").body);
    shown.push(agent.get("me?subresources=*").body);
    assert_eq!(server.terminate(), Some(0));
    shown.push(server.log());
    for entry in fs::read_dir(server.data.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "log") {
            shown.push(String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned());
        }
    }
    assert!(shown.iter().any(|text| text.contains("session.state") || text.contains("/demo/**")), "the log was read");
    let (_, basic) = agent.authorization();
    let basic = basic.trim_start_matches("Basic ").to_owned();
    for secret in [&desk.client, &publisher.client, &desk.cookie, &publisher.cookie, &login, &basic] {
        for text in &shown {
            assert!(!text.contains(secret.as_str()), "{secret} is in {text}");
        }
    }
}
