//! What must not be found anywhere: clientIds, cookies, passwords, tokens and the keys they are signed with.

use std::fs;

use jsonwebtoken::{EncodingKey, Header, encode};
use partyline::clock;
use serde_json::json;

use crate::harness::{Desk, Server, request};

#[test]
fn no_secret_is_in_a_delivery_a_record_a_log_line_a_metric_or_an_error() {
    let keys = tempfile::NamedTempFile::new().unwrap();
    fs::write(keys.path(), KEY).unwrap();
    let mut server = Server::with(&[
        ("TELEMETRY__LOG_LEVEL", "info,partyline=trace"),
        ("AUTH__TOKEN_KEYS_FILE", keys.path().to_str().unwrap()),
        ("ADMIN__TOKEN", ADMIN),
        ("BAYEUX__CALLBACK_POLLING", "true"),
        ("BAYEUX__EVENTSOURCE", "true"),
    ]);
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
    let stream = format!("GET /cometd/{} HTTP/1.1\r\n", desk.client);
    shown.push(request(server.address, &stream, &[("Accept", "text/event-stream")], b"").body);
    show_admin(&server, &mut shown);
    let tokens = show_tokens(&server, &mut shown);
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
    let known = [&desk.client, &publisher.client, &desk.cookie, &publisher.cookie, &login, &basic].map(String::as_str);
    for secret in known.into_iter().chain(tokens.iter().map(String::as_str)).chain([KEY, ADMIN]) {
        assert!(secret.len() > 8, "{secret:?} could be anywhere");
        for text in &shown {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
    }
    for refused in ["the token expired", "the token is not valid", "401::token_expired", "401::token_invalid"] {
        assert!(shown.iter().any(|text| text.contains(refused)), "{refused} was never told");
    }
}

/// Shows what back ends see: every session and channel, an answer to a publication, and what a wrong token gets.
fn show_admin(server: &Server, shown: &mut Vec<String>) {
    let right = format!("Bearer {ADMIN}");
    let wrong = format!("Bearer {}x", &ADMIN[..ADMIN.len() - 1]);
    for authorization in [&right, &wrong] {
        for head in
            ["GET /admin/v1/sessions", "GET /admin/v1/channels", "POST /admin/v1/publish", "GET /admin/v1/nothing"]
        {
            let body = if head.starts_with("POST") { r#"{"channel":"/demo/a","data":1}"# } else { "" };
            let head = format!("{head} HTTP/1.1\r\n");
            let answer = request(server.address, &head, &[("Authorization", authorization)], body.as_bytes());
            shown.push(format!("{} {:?} {}", answer.status, answer.headers, answer.body));
        }
    }
    assert!(shown.iter().any(|text| text.starts_with("200") && text.contains("15000")), "sessions were shown");
    let script = request(server.address, "GET /cometd?jsonp=%28&message=x HTTP/1.1\r\n", &[], b"");
    shown.push(script.body);
}

/// Shows tokens, good and bad, wherever a token can be shown, and returns them and what they were good for. Of
/// headers only those that set no cookie are shown: a cookie is for its owner.
fn show_tokens(server: &Server, shown: &mut Vec<String>) -> Vec<String> {
    let mut secrets = Vec::new();
    for (key, ends_in) in [(KEY, 600), (KEY, -600), ("another key of thirty-two bytes.", 600)] {
        let ends = i64::try_from(clock::wall().millis() / 1000).unwrap() + ends_in;
        let claims = json!({"sub": "15002", "exp": ends, "jti": "a-claim-of-nobody-s-business"});
        let token = encode(&Header::default(), &claims, &EncodingKey::from_secret(key.as_bytes())).unwrap();
        let bearer = format!("Bearer {token}");
        let me = request(server.address, "GET /api/v2/me HTTP/1.1\r\n", &[("Authorization", &bearer)], b"");
        shown.push(format!("{:?} {}", me.headers, me.body));
        for ext in [json!({"token": token}), json!({"authentication": {"token": token}}), json!({"authToken": token})] {
            for channel in ["/meta/handshake", "/meta/connect", "/meta/nothing", "/service/echo", "/demo/a"] {
                let message = json!([{"channel": channel, "ext": ext, "data": 1, "clientId": "x"}]).to_string();
                let answer = request(server.address, "POST /cometd HTTP/1.1\r\n", &[], message.as_bytes());
                let cookies = ["JSESSIONID", "BAYEUX_BROWSER"].map(|name| answer.cookie(name));
                secrets.extend(cookies.into_iter().flatten());
                // The clientId of a handshake is for its client: it is looked for everywhere else.
                let mut body = answer.body;
                let client = body.split("\"clientId\":\"").nth(1).and_then(|rest| rest.split('"').next());
                if let Some(client) = client.map(str::to_owned) {
                    body = body.replace(&client, "");
                    secrets.push(client);
                }
                shown.push(body);
            }
        }
        secrets.push(token.split('.').nth(1).unwrap().to_owned());
        secrets.push(token);
    }
    secrets.push("a-claim-of-nobody-s-business".to_owned());
    secrets
}

const ADMIN: &str = "the-token-that-back-ends-bear-and-nobody-else";
const KEY: &str = "the key that the tokens are signed with";
