//! Agents that log in with a token of another server, and sessions that are bound to their login.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use partyline::clock;
use partyline::websocket::{Masked, Message};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Answer, Desk, PATIENCE, Server, request};
use crate::socket::Socket;

const SECRET: &str = "a secret of thirty-two bytes ...";
const OTHER: &str = "another secret of 32 bytes .....";

/// A server that believes tokens, and the file with its key.
struct Issuer {
    server: Server,
    file: PathBuf,
    _directory: TempDir,
}

impl Issuer {
    fn start(settings: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("keys");
        fs::write(&file, SECRET).unwrap();
        let mut all = vec![("AUTH__TOKEN_KEYS_FILE", file.to_str().unwrap()), ("AUTH__TOKEN_LEEWAY", "0s")];
        all.extend_from_slice(settings);
        Self { server: Server::with(&all), file, _directory: directory }
    }

    fn get(&self, headers: &[(&str, &str)]) -> Answer {
        request(self.server.address, "GET /api/v2/me HTTP/1.1\r\n", headers, b"")
    }

    fn bearer(&self, token: &str) -> Answer {
        self.get(&[("Authorization", &format!("Bearer {token}"))])
    }

    fn post(&self, path: &str, message: &Value, headers: &[(&str, &str)]) -> Answer {
        let head = format!("POST {path} HTTP/1.1\r\n");
        request(self.server.address, &head, headers, json!([message]).to_string().as_bytes())
    }
}

fn token(secret: &str, agent: &str, ends_in: i64) -> String {
    let ends = i64::try_from(clock::wall().millis() / 1000).unwrap() + ends_in;
    let claims = json!({"sub": agent, "exp": ends});
    encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

fn handshake(ext: Value) -> Value {
    json!({"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"], "ext": ext})
}

#[test]
fn a_bearer_token_is_a_login_for_one_request() {
    let issuer = Issuer::start(&[]);
    let me = issuer.bearer(&token(SECRET, "15001", 60));
    assert_eq!((me.status, me.json()["user"]["userName"].clone()), (200, json!("15001")));
    assert_eq!(me.header("set-cookie"), None);
    for (wrong, text, challenge) in [
        (
            token(SECRET, "15001", -60),
            "the token expired",
            "Bearer error=\"invalid_token\", error_description=\"the token expired\"",
        ),
        (token(OTHER, "15001", 60), "the token is not valid", "Bearer error=\"invalid_token\""),
        (token(SECRET, "nobody", 60), "the token is not valid", "Bearer error=\"invalid_token\""),
        ("x".to_owned(), "the token is not valid", "Bearer error=\"invalid_token\""),
    ] {
        let refused = issuer.bearer(&wrong);
        assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some(challenge)), "{wrong}");
        assert_eq!(refused.json(), json!({"statusCode": 20, "statusMessage": text}));
        let header = format!("Bearer {wrong}");
        let bayeux = issuer.post("/cometd", &handshake(json!({})), &[("Authorization", &header)]);
        assert_eq!((bayeux.status, bayeux.json()), (401, refused.json()));
    }
    // A wrong token is not made good by a cookie, nor by a password.
    let cookie = issuer.server.agent("15000").get("me").cookie("JSESSIONID").unwrap();
    let cookie = format!("JSESSIONID={cookie}");
    assert_eq!(issuer.get(&[("Cookie", &cookie), ("Authorization", "Bearer x")]).status, 401);
    assert_eq!(issuer.get(&[("Cookie", &cookie)]).status, 200);
}

#[test]
fn a_client_of_salesforce_may_say_oauth_for_bearer() {
    let issuer = Issuer::start(&[]);
    let good = token(SECRET, "15001", 60);
    for scheme in ["OAuth", "oauth", "OAUTH"] {
        let me = issuer.get(&[("Authorization", &format!("{scheme} {good}"))]);
        assert_eq!((me.status, me.json()["user"]["userName"].clone()), (200, json!("15001")), "{scheme}");
        let header = format!("{scheme} {good}");
        let welcome = issuer.post("/cometd", &handshake(json!({})), &[("Authorization", &header)]);
        assert_eq!(welcome.json()[0]["successful"], json!(true), "{scheme}");
    }
    assert_eq!(issuer.get(&[("Authorization", "OAuth x")]).status, 401);
    assert_eq!(issuer.get(&[("Authorization", &format!("OAuths {good}"))]).status, 403, "another scheme");
}

#[test]
fn a_token_needs_no_other_beside_it() {
    let issuer = Issuer::start(&[("AUTH__CSRF", "true")]);
    let header = format!("Bearer {}", token(SECRET, "15001", 60));
    let ask = |head: &str| request(issuer.server.address, head, &[("Authorization", &header)], b"{}");
    assert_eq!(ask("POST /api/v2/no/such/thing HTTP/1.1\r\n").status, 404, "no browser adds it by itself");
    assert_eq!(ask("GET /api/v2/me HTTP/1.1\r\n").header("x-csrf-token"), None);
}

#[test]
fn a_token_in_a_handshake_is_a_login_that_ends_with_it() {
    let issuer = Issuer::start(&[]);
    let places = [
        json!({"authentication": {"token": token(SECRET, "15001", 600)}}),
        json!({"token": token(SECRET, "15001", 600)}),
        json!({"authToken": token(SECRET, "15001", 600), "ack": true}),
    ];
    for (place, path) in
        places.into_iter().flat_map(|place| [(place.clone(), "/cometd"), (place, "/api/v2/notifications")])
    {
        let welcome = issuer.post(path, &handshake(place), &[]);
        let reply = &welcome.json()[0];
        assert_eq!(reply["successful"], true, "{reply}");
        let cookie = format!(
            "JSESSIONID={}; BAYEUX_BROWSER={}",
            welcome.cookie("JSESSIONID").unwrap(),
            welcome.cookie("BAYEUX_BROWSER").unwrap()
        );
        let connect = json!({"channel": "/meta/connect", "connectionType": "long-polling", "clientId": reply["clientId"],
            "advice": {"timeout": 0}});
        let connected = issuer.post(path, &connect, &[("Cookie", &cookie)]);
        assert_eq!(connected.json()[0]["successful"], true, "{}", connected.body);
        let me = issuer.get(&[("Cookie", &cookie)]);
        assert_eq!(me.json()["user"]["userName"], "15001");
    }
    // The login that it made ends with it: this one when the second is over.
    let welcome = issuer.post("/cometd", &handshake(json!({"token": token(SECRET, "15001", 2)})), &[]);
    let cookie = format!("JSESSIONID={}", welcome.cookie("JSESSIONID").unwrap());
    assert_eq!(issuer.get(&[("Cookie", &cookie)]).status, 200);
    let deadline = clock::now() + PATIENCE;
    while issuer.get(&[("Cookie", &cookie)]).status != 403 {
        assert!(clock::now() < deadline, "the login went on");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_wrong_token_in_a_message_is_told_as_bayeux_tells_it() {
    let issuer = Issuer::start(&[("BAYEUX__ANONYMOUS", "true")]);
    for path in ["/cometd", "/api/v2/notifications"] {
        for (wrong, error) in [
            (token(SECRET, "15001", -1), "401::token_expired"),
            (token(OTHER, "15001", 60), "401::token_invalid"),
            (token(SECRET, "nobody", 60), "401::token_invalid"),
            ("x".to_owned(), "401::token_invalid"),
        ] {
            let refused = issuer.post(path, &handshake(json!({"token": wrong})), &[]);
            let reply = &refused.json()[0];
            assert_eq!((refused.status, reply["error"].as_str()), (200, Some(error)), "{reply}");
            assert_eq!((&reply["successful"], &reply["advice"]), (&json!(false), &json!({"reconnect": "none"})));
            assert_eq!((refused.header("set-cookie"), reply.get("clientId")), (None, None));
            let connect = json!({"channel": "/meta/connect", "clientId": "x", "ext": {"authToken": wrong}});
            let reply = issuer.post(path, &connect, &[]).json()[0].clone();
            assert_eq!((reply["error"].as_str(), &reply["advice"]["reconnect"]), (Some(error), &json!("handshake")));
        }
    }
    assert_eq!(issuer.post("/api/v2/notifications", &handshake(json!({})), &[]).status, 403);
}

#[test]
fn a_client_may_send_its_token_with_every_message_instead_of_cookies() {
    let issuer = Issuer::start(&[("BAYEUX__TRUST_CLIENT_ID", "true")]);
    let ext = json!({"authToken": token(SECRET, "15001", 60)});
    let client = issuer.post("/cometd", &handshake(ext.clone()), &[]).json()[0]["clientId"].clone();
    let subscribe = json!({"channel": "/meta/subscribe", "subscription": "/demo/a", "clientId": client, "ext": ext});
    assert_eq!(issuer.post("/cometd", &subscribe, &[]).json()[0]["successful"], true);
    let other = json!({"channel": "/meta/subscribe", "subscription": "/demo/a", "clientId": client,
        "ext": {"authToken": token(SECRET, "15002", 60)}});
    assert_eq!(issuer.post("/cometd", &other, &[]).json()[0]["error"], "402::session_unknown");
}

#[test]
fn a_second_token_of_a_socket_does_not_prolong_the_login_of_another_agent() {
    let issuer = Issuer::start(&[("BAYEUX__PING", "200ms")]);
    let log_in = |agent: &str, ends_in| handshake(json!({"token": token(SECRET, agent, ends_in)}));
    let mut taken_over = Socket::open(&issuer.server, &[]);
    let mut prolonged = Socket::open(&issuer.server, &[]);
    for (socket, second) in [(&mut taken_over, "15002"), (&mut prolonged, "15001")] {
        for (agent, ends_in) in [("15001", 3), (second, 600)] {
            socket.client = socket.ask(&log_in(agent, ends_in))["clientId"].as_str().unwrap().to_owned();
        }
    }
    let pong = |socket: &mut Socket| loop {
        match socket.next() {
            Some(Message::Ping(_)) => socket.send_frame(Masked::Pong, b""),
            other => return other,
        }
    };
    // The other one is pinged meanwhile, and answers.
    let other = std::thread::spawn(move || {
        let echo = json!({"channel": "/service/echo", "data": 1});
        let ends = clock::now() + Duration::from_secs(4);
        while clock::now() < ends {
            assert!(matches!(prolonged.next(), Some(Message::Ping(_))), "it stays open");
            prolonged.send_frame(Masked::Pong, b"");
        }
        prolonged.send(&echo);
        prolonged.frame()
    });
    assert_eq!(pong(&mut taken_over), Some(Message::Close(Some(1008))), "a session of 15001 may still be there");
    assert_eq!(other.join().unwrap()[0]["data"], 1);
}

#[test]
fn a_socket_is_closed_when_its_token_ends_whenever_it_is_pinged() {
    let issuer = Issuer::start(&[("BAYEUX__PING", "10m")]);
    let ask = |ends_in| handshake(json!({"token": token(SECRET, "15001", ends_in)}));
    let (mut short, mut prolonged) = (Socket::open(&issuer.server, &[]), Socket::open(&issuer.server, &[]));
    assert_eq!(prolonged.ask(&ask(2))["successful"], true);
    assert_eq!(prolonged.ask(&ask(600))["successful"], true);
    assert_eq!(short.ask(&ask(2))["successful"], true);
    assert_eq!(short.next(), Some(Message::Close(Some(1008))));
    // The other one's timer went off as well.
    prolonged.send(&json!({"channel": "/service/echo", "data": 1, "clientId": "x"}));
    assert_eq!(prolonged.frame()[0]["error"], "402::session_unknown", "it stays open");
}

#[test]
fn the_keys_are_read_again_when_their_file_changes() {
    let issuer = Issuer::start(&[]);
    let (old, new) = (token(SECRET, "15001", 600), token(OTHER, "15001", 600));
    assert_eq!((issuer.bearer(&old).status, issuer.bearer(&new).status), (200, 401));
    fs::write(&issuer.file, "short").unwrap();
    let deadline = clock::now() + PATIENCE;
    while !issuer.server.log().contains("stay as they were") {
        assert!(clock::now() < deadline, "a file that holds no keys was not noticed");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(issuer.bearer(&old).status, 200, "a file that holds no keys changes nothing");
    fs::write(&issuer.file, OTHER).unwrap();
    while issuer.bearer(&new).status != 200 {
        assert!(clock::now() < deadline, "the new key was not noticed");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(issuer.bearer(&old).status, 401);
}

#[test]
fn a_stolen_client_id_is_worth_nothing_without_the_login_and_the_cookie() {
    let server = Server::start();
    let mut victim = Desk::open(server.agent("15000"), false, &["/demo/a"]);
    let ask = |agent: &str, cookie: Option<&str>, channel: &str| {
        let agent = server.agent(agent);
        let cookie = cookie.map(|cookie| format!("BAYEUX_BROWSER={cookie}"));
        let mut headers = vec![agent.authorization()];
        headers.extend(cookie.as_deref().map(|cookie| ("Cookie", cookie)));
        let message = json!([{"channel": channel, "subscription": "/demo/**", "data": 1, "clientId": victim.client,
            "connectionType": "long-polling", "advice": {"timeout": 0}}]);
        let head = "POST /cometd HTTP/1.1\r\n";
        request(server.address, head, &headers, message.to_string().as_bytes()).json()[0].clone()
    };
    for channel in ["/meta/connect", "/meta/subscribe", "/meta/unsubscribe", "/meta/disconnect", "/demo/a"] {
        for (agent, cookie) in
            [("15001", None), ("15001", Some(victim.cookie.as_str())), ("15000", None), ("15000", Some("x"))]
        {
            let reply = ask(agent, cookie, channel);
            assert_eq!(reply["error"], "402::session_unknown", "{channel} of {agent}: {reply}");
            assert!(!reply.to_string().contains(&victim.client), "{reply}");
        }
    }
    assert_eq!(victim.connect(Some(0)).1["successful"], true, "its owner noticed nothing");
}
