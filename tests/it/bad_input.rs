//! What clients should not send: each gets the stated answer, the server goes on, and its memory stays bounded.

use serde_json::{Value, json};

use crate::harness::{Answer, Desk, Server, request};

fn post(server: &Server, path: &str, body: &[u8], headers: &[(&str, &str)]) -> Answer {
    let agent = server.agent("15000");
    let mut all = vec![agent.authorization()];
    all.extend_from_slice(headers);
    request(server.address, &format!("POST {path} HTTP/1.1\r\n"), &all, body)
}

/// The error of the one reply.
fn error_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    let replies = answer.json();
    assert_eq!(replies[0]["successful"], false, "{replies}");
    replies[0]["error"].as_str().unwrap().to_owned()
}

#[test]
fn a_body_that_is_no_envelope_is_refused_with_its_status() {
    let server = Server::with(&[("BAYEUX__BATCH_MESSAGES", "64")]);
    let deep = format!("[{{\"channel\":\"/demo/a\",\"data\":{}{}}}]", "[".repeat(100_000), "]".repeat(100_000));
    let many = format!("[{}]", vec![r#"{"channel":"/meta/connect"}"#; 10_000].join(","));
    let large = format!("[{{\"channel\":\"/demo/a\",\"data\":\"{}\"}}]", "x".repeat(100_000));
    let cases: &[(&str, Vec<u8>, u16)] = &[
        ("nothing", b"".to_vec(), 400),
        ("broken JSON", b"[{".to_vec(), 400),
        ("an empty array", b"[]".to_vec(), 400),
        ("null", b"null".to_vec(), 400),
        ("numbers", b"[1,2]".to_vec(), 400),
        ("a text", b"\"hello\"".to_vec(), 400),
        ("bytes that are not UTF-8", b"[{\"channel\":\"/demo/\xff\"}]".to_vec(), 400),
        ("unbalanced nesting", "[".repeat(50_000).into_bytes(), 400),
        ("100,000 levels", deep.into_bytes(), 413),
        ("10,000 messages", many.into_bytes(), 413),
        ("more than the limit", large.into_bytes(), 413),
    ];
    for mount in ["/cometd", "/api/v2/notifications"] {
        for (what, body, status) in cases {
            let answer = post(&server, mount, body, &[]);
            assert_eq!(answer.status, *status, "{what} at {mount}: {answer:?}");
        }
    }
    // Within the body's limit, the limits of the envelope say no.
    let server = Server::with(&[("SERVER__MAX_BODY", "1MiB"), ("BAYEUX__QUEUE_BYTES", "3MiB")]);
    for (what, body) in [
        ("levels", format!("[{{\"channel\":\"/demo/a\",\"data\":{}1{}}}]", "[".repeat(100_000), "]".repeat(100_000))),
        ("messages", format!("[{}]", vec![r#"{"channel":"/meta/connect"}"#; 10_000].join(","))),
    ] {
        assert_eq!(post(&server, "/cometd", body.as_bytes(), &[]).status, 400, "{what}");
    }
    Desk::open(server.agent("15000"), true, &["/v2/me/*"]).connect(None);
}

#[test]
fn an_encoding_or_method_that_is_not_spoken_is_refused() {
    let server = Server::start();
    let body = br#"[{"channel":"/meta/handshake","version":"1.0"}]"#;
    for (headers, status) in [
        (vec![("Content-Encoding", "gzip")], 415),
        (vec![("Content-Type", "application/json; charset=utf-16")], 415),
        (vec![("Content-Type", "text/plain")], 200),
        (vec![], 200),
    ] {
        assert_eq!(post(&server, "/api/v2/notifications", body, &headers).status, status, "{headers:?}");
    }
    let agent = server.agent("15000");
    let upgrade = [agent.authorization(), ("Upgrade", "websocket"), ("Connection", "Upgrade")];
    assert_eq!(request(server.address, "GET /api/v2/notifications HTTP/1.1\r\n", &upgrade, b"").status, 400);
    for method in ["GET", "PUT", "DELETE"] {
        let head = format!("{method} /cometd HTTP/1.1\r\n");
        assert_eq!(request(server.address, &head, &[agent.authorization()], b"").status, 400, "{method}");
    }
}

#[test]
fn a_message_that_is_wrong_gets_its_error_and_the_session_goes_on() {
    let server = Server::start();
    let mut desk = Desk::open(server.agent("15000"), false, &[]);
    desk.path = "/cometd".to_owned();
    desk.connect(None);
    let cases = [
        (json!({"data": 1}), "400::channel_missing"),
        (json!({"channel": 5, "data": 1}), "400:channel:field_invalid"),
        (json!({"channel": "/demo/a"}), "400::data_missing"),
        (json!({"channel": "/demo/a%b", "data": 1}), "405::channel_invalid"),
        (json!({"channel": "/demo//a", "data": 1}), "405::channel_invalid"),
        (json!({"channel": "demo", "data": 1}), "405::channel_invalid"),
        (json!({"channel": "/demo/*", "data": 1}), "405::channel_invalid"),
        (json!({"channel": "/demo/**", "data": 1}), "405::channel_invalid"),
        (json!({"channel": "/v2/me/calls", "data": 1}), "403:denied_by_rule:publish_denied"),
        (json!({"channel": "/elsewhere", "data": 1}), "403:denied_by_rule:publish_denied"),
        (json!({"channel": "/service/nobody", "data": 1}), "404:/service/nobody:service_unknown"),
        (json!({"channel": "/meta/foo", "data": 1}), "403:denied_by_security_policy:channel_create_denied"),
        (json!({"channel": "/demo/a", "data": 1, "ext": 7}), "400:ext:field_invalid"),
        (json!({"channel": "/demo/a", "data": 1, "clientId": {}}), "400:clientId:field_invalid"),
        (json!({"channel": "/meta/connect", "advice": "soon"}), "400:advice:field_invalid"),
        (json!({"channel": "/meta/subscribe"}), "403::subscription_missing"),
        (json!({"channel": "/meta/subscribe", "subscription": 7}), "403:7:subscription_invalid"),
        (json!({"channel": "/meta/subscribe", "subscription": "/a/*/b"}), "403:/a/*/b:subscription_invalid"),
        (json!({"channel": "/meta/subscribe", "subscription": "/a/**/b"}), "403:/a/**/b:subscription_invalid"),
        (
            json!({"channel": "/meta/subscribe", "subscription": "/meta/connect"}),
            "403:denied_by_security_policy:subscribe_denied",
        ),
        (json!({"channel": "/meta/subscribe", "subscription": ["/demo/a", "/secret"]}), "403:/secret:subscribe_denied"),
    ];
    for (message, error) in cases {
        let answer = desk.send(&message);
        assert_eq!(error_of(&answer), error, "{message}");
    }
    let answer = desk.send(&json!({"channel": "/demo/a", "data": {"x": 1}}));
    assert_eq!(answer.json()[0]["successful"], true, "{answer:?}");
}

#[test]
fn an_id_comes_back_in_the_type_it_came_in_and_nothing_else_is_taken_for_one() {
    let server = Server::start();
    let send = |id: Value| {
        let body = json!([{"channel": "/meta/handshake", "version": "1.0", "id": id}]).to_string();
        post(&server, "/cometd", body.as_bytes(), &[]).json()[0].clone()
    };
    for id in [json!("7"), json!(7), json!("abc")] {
        assert_eq!(send(id.clone())["id"], id);
    }
    for id in [json!("a-b"), json!({}), json!([1]), json!(true)] {
        assert_eq!(send(id)["error"], "405::message_id_invalid");
    }
}

#[test]
fn a_client_id_is_worth_nothing_without_the_login_and_the_cookie_that_it_came_with() {
    let server = Server::start();
    let desk = Desk::open(server.agent("15000"), false, &["/v2/me/*"]);
    let connect = json!([{"channel": "/meta/connect", "connectionType": "long-polling", "clientId": desk.client}]);
    let cookie = format!("BAYEUX_BROWSER={}", desk.cookie);
    let [owner, thief] = ["15000", "15001"].map(|name| server.agent(name));
    let try_as = |headers: &[(&str, &str)], path: &str| {
        let answer =
            request(server.address, &format!("POST {path} HTTP/1.1\r\n"), headers, connect.to_string().as_bytes());
        answer.json()[0]["error"].as_str().map(str::to_owned)
    };
    let desktops = "/api/v2/notifications/connect";
    let unknown = Some("402::Unknown client".to_owned());
    assert_eq!(try_as(&[thief.authorization(), ("Cookie", &cookie)], desktops), unknown);
    assert_eq!(try_as(&[owner.authorization()], desktops), unknown);
    assert_eq!(try_as(&[owner.authorization(), ("Cookie", "BAYEUX_BROWSER=guessed")], desktops), unknown);
    assert_eq!(try_as(&[("Cookie", &cookie)], "/cometd/connect"), Some("402::session_unknown".to_owned()));
    assert_eq!(try_as(&[owner.authorization(), ("Cookie", &cookie)], desktops), None);
}

#[test]
fn who_is_not_logged_in_gets_nothing() {
    let server = Server::start();
    let denied = json!({"statusCode": 20, "statusMessage": "Access denied"});
    let handshake = br#"[{"channel":"/meta/handshake","version":"1.0"}]"#;
    let wrong = ("Authorization", "Basic MTUwMDA6d3Jvbmc=");
    for headers in [vec![], vec![wrong], vec![("Authorization", "Basic !!!")], vec![("Cookie", "JSESSIONID=forged")]] {
        for head in ["GET /api/v2/me HTTP/1.1\r\n", "GET /api/v2/me/calls HTTP/1.1\r\n", "GET /api/v2/no HTTP/1.1\r\n"]
        {
            let answer = request(server.address, head, &headers, b"");
            assert_eq!((answer.status, answer.json()), (403, denied.clone()), "{head} {headers:?}");
            assert_eq!(answer.header("WWW-Authenticate"), None);
        }
        let answer = request(server.address, "POST /api/v2/notifications HTTP/1.1\r\n", &headers, handshake);
        assert_eq!((answer.status, answer.json()), (403, denied.clone()), "{headers:?}");
    }
    let answer = request(server.address, "POST /cometd HTTP/1.1\r\n", &[], handshake);
    assert_eq!(error_of(&answer), "403::handshake_denied");
    assert_eq!(answer.json()[0]["advice"], json!({"reconnect": "none"}));
}

#[test]
fn a_cookie_is_enough_after_one_password() {
    let server = Server::start();
    let agent = server.agent("15000");
    let cookie = agent.get("me").cookie("JSESSIONID").unwrap();
    let header = format!("JSESSIONID={cookie}");
    let head = "GET /api/v2/me HTTP/1.1\r\n";
    let me = request(server.address, head, &[("Cookie", &header)], b"");
    assert_eq!((me.status, me.json()["user"]["userName"].clone()), (200, json!("15000")));
    let forged = format!("JSESSIONID={}", cookie.chars().rev().collect::<String>());
    assert_eq!(request(server.address, head, &[("Cookie", &forged)], b"").status, 403);
}

#[test]
fn a_command_that_is_wrong_gets_its_status_and_code() {
    let server = Server::start();
    let agent = server.agent("15000");
    let device = agent.device();
    agent.dial("15001");
    let id = agent.until_call("Dialing", 1)["id"].as_str().unwrap().to_owned();
    let call = format!("me/calls/{id}");
    let dial = format!("me/devices/{device}/calls");
    let cases: &[(&str, Value, u16, u64)] = &[
        (&call, json!({"operationName": "Answer"}), 400, 2),
        (&call, json!({"operationName": "Fly"}), 400, 2),
        (&call, json!({"operationName": 7}), 400, 1),
        (&call, json!({}), 400, 1),
        (&call, json!([]), 400, 1),
        (&call, json!({"operationName": "SingleStepConference"}), 400, 1),
        (&call, json!({"operationName": "SingleStepConference", "destination": "15002"}), 400, 1),
        (&call, json!({"operationName": "SingleStepConference", "destination": {"phoneNumber": ""}}), 400, 1),
        (&call, json!({"operationName": "SingleStepConference", "destination": {"phoneNumber": "15002"}}), 400, 2),
        (&dial, json!({"operationName": "Dial", "destination": {"phoneNumber": "a\"b"}}), 400, 1),
        (&dial, json!({"operationName": "Dial", "destination": {"phoneNumber": "15001"}, "userData": 7}), 400, 1),
        ("me/calls/nosuchcall", json!({"operationName": "Answer"}), 404, 6),
        ("me/devices/nosuchdevice/calls", json!({"operationName": "Dial"}), 404, 6),
    ];
    for (path, body, status, code) in cases {
        let answer = agent.post(path, body);
        let told = answer.json();
        assert_eq!((answer.status, told["statusCode"].as_u64()), (*status, Some(*code)), "{path} {body}: {told}");
        assert!(told["statusMessage"].is_string(), "{told}");
    }
    for body in [&b"{"[..], b"", b"\xff", "[".repeat(50_000).as_bytes()] {
        let head = format!("POST /api/v2/{call} HTTP/1.1\r\n");
        let answer = request(server.address, &head, &[agent.authorization()], body);
        assert_eq!((answer.status, answer.json()["statusCode"].as_u64()), (400, Some(1)));
    }
    assert_eq!(agent.get("no/such/resource").json()["statusCode"], 6);
    let answer = request(server.address, "DELETE /api/v2/me HTTP/1.1\r\n", &[agent.authorization()], b"");
    assert_eq!(answer.status, 405);
    assert_eq!(agent.calls().len(), 1, "none of it changed anything");
}

#[test]
fn what_is_wrong_about_an_agent_itself_is_refused_and_never_our_failure() {
    let server = Server::start();
    let agent = server.agent("15000");
    let device = format!("me/devices/{}", agent.device());
    let paths = ["me", "me/channels/voice", &device];
    let long = "x".repeat(300);
    let bodies = [
        json!([]),
        json!({}),
        json!({"operationName": null}),
        json!({"operationName": 7}),
        json!({"operationName": long}),
        json!({"operationName": "StartContactCenterSession", "channels": [1]}),
        json!({"operationName": "StartContactCenterSession", "channels": ["voice"], "place": long}),
        json!({"operationName": "StartContactCenterSession", "channels": ["voice"], "devicePath": "a\"b"}),
        json!({"operationName": "Ready", "workmode": {}}),
        json!({"operationName": "NotReady", "reason": long}),
        json!({"operationName": "ForwardCallsOn", "destination": {"phoneNumber": 5}}),
        json!({"operationName": "ForwardCallsOn", "destination": long}),
    ];
    let mut refused = 0;
    for (path, body) in paths.iter().flat_map(|path| bodies.iter().map(move |body| (path, body))) {
        let answer = agent.post(path, body);
        assert_eq!(answer.status, 400, "{path} {body}: {}", answer.body);
        refused += 1;
    }
    for path in paths {
        for body in [&b"{"[..], b"", b"\xff", "[".repeat(50_000).as_bytes()] {
            let head = format!("POST /api/v2/{path} HTTP/1.1\r\n");
            assert_eq!(request(server.address, &head, &[agent.authorization()], body).status, 400, "{path}");
        }
    }
    assert_eq!(refused, 36);
    let state = agent.get("me/channels/voice").json()["channel"]["userState"]["state"].clone();
    assert_eq!(state, "LoggedOut", "none of it changed anything");
}

#[test]
fn memory_stays_bounded_whatever_is_sent() {
    let server = Server::start();
    let mut desk = Desk::open(server.agent("15000"), false, &["/demo/**"]);
    desk.connect(None);
    let mut publisher = Desk::open(server.agent("15001"), false, &[]);
    let body = format!("[{{\"channel\":\"/demo/a\",\"data\":{}", "[".repeat(60_000));
    let before = server.resident();
    for round in 0..300 {
        post(&server, "/cometd", body.as_bytes(), &[]);
        // Nobody reads what this session is owed.
        publisher.send(&json!({"channel": "/demo/a", "data": "x".repeat(20_000)}));
        publisher.send(&json!({"channel": format!("/demo/{round}"), "data": round}));
    }
    let grown = server.resident().saturating_sub(before);
    assert!(grown < 64 << 20, "the server grew by {grown} bytes");
    // The session ended, for it was owed more than it may be owed; its client is told to begin again.
    let (_, reply) = desk.connect(Some(0));
    assert_eq!(reply["advice"]["reconnect"], "handshake", "{reply}");
}
