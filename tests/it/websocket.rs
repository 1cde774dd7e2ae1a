//! Websockets of the real server, byte by byte.

use std::io::Write;
use std::net::TcpStream;

use bytes::{Bytes, BytesMut};
use partyline::websocket::{Masked, Message, accept_key, masked};
use serde_json::json;

use crate::harness::{Desk, Server, open_request, read_answer, request};
use crate::socket::{KEY, Socket, ask, read_some, wait_for};

#[test]
fn an_upgrade_is_answered_as_the_standard_says_and_an_offered_protocol_is_chosen() {
    let server = Server::start();
    let agent = server.agent("15000");
    let (answer, ..) = ask(&server, "/cometd/any/suffix?and=query", &[agent.authorization()]);
    assert_eq!(answer.status, 101);
    assert_eq!(answer.header("sec-websocket-accept"), Some(accept_key(KEY.as_bytes()).as_str()));
    assert_eq!(answer.header("sec-websocket-protocol"), None);
    assert_eq!(answer.header("sec-websocket-extensions"), None);
    assert!(answer.cookie("BAYEUX_BROWSER").is_some() && answer.cookie("JSESSIONID").is_some(), "{answer:?}");
    for (offered, chosen) in [("a, bayeux", "bayeux"), ("first,second", "first")] {
        let (answer, ..) = ask(&server, "/cometd", &[("Sec-WebSocket-Protocol", offered)]);
        assert_eq!((answer.status, answer.header("sec-websocket-protocol")), (101, Some(chosen)));
    }
    let shown = [agent.authorization(), ("Cookie", "BAYEUX_BROWSER=mine")];
    assert_eq!(ask(&server, "/cometd", &shown).0.cookie("BAYEUX_BROWSER"), None, "it has one");
}

#[test]
fn who_may_have_no_websocket_is_told_with_the_status_that_sends_clients_back_to_long_polling() {
    let server = Server::start();
    let agent = server.agent("15000");
    let foreign = [agent.authorization(), ("Origin", "https://elsewhere.example")];
    assert_eq!(ask(&server, "/api/v2/notifications", &[agent.authorization()]).0.status, 400, "it is not listed");
    assert_eq!(ask(&server, "/api/v2/notifications", &[]).0.status, 400);
    assert_eq!(ask(&server, "/cometd", &foreign).0.status, 403);
    let own = format!("http://{}", server.address);
    assert_eq!(ask(&server, "/cometd", &[("Origin", &own)]).0.status, 101);
    let wrong = server.agent("wrong");
    assert_eq!(ask(&server, "/cometd", &[wrong.authorization()]).0.status, 403);
    let bad: [&[(&str, &str)]; 3] = [
        &[("Sec-WebSocket-Version", "8"), ("Sec-WebSocket-Key", KEY), ("Upgrade", "websocket")],
        &[("Sec-WebSocket-Version", "13"), ("Upgrade", "websocket")],
        &[("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", KEY), ("Upgrade", "h2c")],
    ];
    for headers in bad {
        let headers: Vec<_> = headers.iter().copied().chain([("Connection", "Upgrade")]).collect();
        assert_eq!(request(server.address, "GET /cometd HTTP/1.1\r\n", &headers, b"").status, 400, "{headers:?}");
    }

    let server = Server::with(&[("DESKTOPS__TRANSPORTS", "[\"long-polling\", \"websocket\"]")]);
    let (answer, mut stream, bytes) = ask(&server, "/api/v2/notifications", &[]);
    assert_eq!(answer.status, 403);
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let rest = read_rest(&mut stream, bytes);
    assert!(rest.contains("\"statusCode\":20"), "{rest}");
    let mut socket = Socket::open_at(&server, "/api/v2/notifications", &[server.agent("15000").authorization()]);
    let reply = socket.ask(&json!({"channel": "/meta/handshake", "id": "1", "version": "1.0"}));
    assert_eq!(reply["supportedConnectionTypes"], json!(["websocket", "long-polling"]));
}

fn read_rest(stream: &mut TcpStream, mut bytes: BytesMut) -> String {
    while read_some(stream, &mut bytes).is_some() {}
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn events_are_pushed_and_connects_are_held() {
    let server = Server::with(&[("BAYEUX__TIMEOUT", "3s")]);
    let mut listener = Socket::joined(&server, "15000", false, &["/demo/*"]);
    let mut publisher = Socket::joined(&server, "15001", false, &["/demo/b"]);
    let reply = publisher.ask(&json!({"channel": "/demo/a", "id": "p", "data": {"n": 1}}));
    assert_eq!(reply, json!({"channel": "/demo/a", "id": "p", "successful": true}));
    assert_eq!(listener.frame(), [json!({"channel": "/demo/a", "data": {"n": 1}})], "before the first connect");
    listener.connect("c1");
    assert_eq!(listener.frame(), [json!({"channel": "/meta/connect", "id": "c1", "successful": true})]);
    listener.connect("c2");
    wait_for(&server, "partyline_parked_connects 1");
    publisher.send(&json!({"channel": "/demo/b", "id": "q", "data": 2}));
    assert_eq!(publisher.frame(), [json!({"channel": "/demo/b", "data": 2})], "its own event comes first");
    assert_eq!(publisher.frame(), [json!({"channel": "/demo/b", "id": "q", "successful": true})]);
    assert_eq!(listener.frame(), [json!({"channel": "/demo/b", "data": 2})]);
    assert_eq!(listener.frame(), [json!({"channel": "/meta/connect", "id": "c2", "successful": true})]);
    wait_for(&server, "partyline_sessions{transport=\"websocket\"} 2");
    let bye = listener.ask(&json!({"channel": "/meta/disconnect", "id": "d"}));
    assert_eq!(bye["successful"], true);
}

#[test]
fn a_batch_is_answered_in_one_frame_also_with_a_handshake_in_it() {
    let server = Server::start();
    let mut socket = Socket::joined(&server, "15000", false, &["/demo/*"]);
    let client = socket.client.clone();
    let batch = json!([
        {"channel": "/demo/a", "id": "1", "clientId": client, "data": 1},
        {"channel": "/demo/a", "id": "2", "clientId": client, "data": 2},
        {"channel": "/service/none", "id": "3", "clientId": client, "data": 3},
    ]);
    socket.send_text(&batch.to_string());
    let (mut told, mut replies) = (Vec::new(), Vec::new());
    while replies.is_empty() {
        let frame = socket.frame();
        if frame[0].get("successful").is_some() { replies = frame } else { told.extend(frame) }
    }
    let ids: Vec<_> = replies.iter().map(|reply| reply["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["1", "2", "3"]);
    assert_eq!(told, [json!({"channel": "/demo/a", "data": 1}), json!({"channel": "/demo/a", "data": 2})]);
    socket.send_text(
        r#"[{"channel":"/meta/handshake","id":"h","version":"1.0"},{"channel":"/demo/a","id":"p","clientId":"x","data":1}]"#,
    );
    let replies = socket.frame();
    assert_eq!((&replies[0]["successful"], replies.len()), (&json!(true), 2));
    assert_eq!(replies[1]["error"], "402::session_unknown");
}

#[test]
fn an_empty_array_keeps_a_socket_alive_and_a_ping_is_answered() {
    let server = Server::start();
    let mut socket = Socket::joined(&server, "15000", false, &[]);
    for _ in 0..3 {
        socket.send_text(" [] ");
    }
    let mut ping = masked(Masked::Pong, b"hello", [9, 9, 9, 9]);
    ping[0] = 0x89;
    socket.stream.write_all(&ping).unwrap();
    assert_eq!(socket.next(), Some(Message::Pong));
    socket.connect("c");
    assert_eq!(socket.frame()[0]["successful"], true);
}

#[test]
fn what_should_not_be_sent_closes_the_socket_with_a_stated_code() {
    let server = Server::start();
    let many = format!("[{}]", vec![r#"{"channel":"/meta/connect"}"#; 257].join(","));
    let deep = format!("[{{\"channel\":\"/demo/a\",\"data\":{}{}}}]", "[".repeat(40), "]".repeat(40));
    let texts: [(&[u8], u16); 6] = [
        (b"{", 1007),
        (b"null", 1007),
        (b"[1,2]", 1007),
        (b"[{\"channel\":\"/\xff\"}]", 1007),
        (many.as_bytes(), 1008),
        (deep.as_bytes(), 1008),
    ];
    for (text, code) in texts {
        let mut socket = Socket::joined(&server, "15000", false, &[]);
        socket.send_frame(Masked::Text, text);
        assert_eq!(socket.closed(), Some(code), "{:?}", String::from_utf8_lossy(text));
    }
    let frame = |first: u8| {
        let mut frame = masked(Masked::Text, b"[]", [0; 4]);
        frame[0] = first;
        frame
    };
    let large: &[u8] = &[0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0];
    let frames: [(Vec<u8>, u16); 5] = [
        (frame(0x82), 1003),
        (frame(0xc1), 1002),
        (frame(0x80), 1002),
        (vec![0x81, 2, b'[', b']'], 1002),
        (large.to_vec(), 1009),
    ];
    for (bytes, code) in frames {
        let mut socket = Socket::open(&server, &[]);
        socket.stream.write_all(&bytes).unwrap();
        assert_eq!(socket.closed(), Some(code), "{bytes:?}");
    }
    let mut socket = Socket::open(&server, &[]);
    socket.send_frame(Masked::Close, &4001_u16.to_be_bytes());
    assert_eq!(socket.closed(), Some(4001), "the same comes back");
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}

#[test]
fn a_broken_socket_loses_nothing_and_its_session_goes_on_at_another_or_over_long_polling() {
    for ack in [false, true] {
        let server = Server::start();
        let (authorization, mut publisher) = (server.agent("15000"), Desk::open(server.agent("15001"), false, &[]));
        publisher.path = "/cometd".to_owned();
        let mut publish = |data: u32| {
            let reply = publisher.send(&json!({"channel": "/demo/a", "data": data})).json();
            assert_eq!(reply[0]["successful"], true, "{reply}");
        };
        let mut first = Socket::joined(&server, "15000", ack, &["/demo/*"]);
        let (client, cookie) = (first.client.clone(), first.cookie.take().unwrap());
        first.connect("1");
        let mut number = first.frame()[0]["ext"]["ack"].as_u64();
        first.connect("2");
        wait_for(&server, "partyline_parked_connects 1");
        drop(first);
        wait_for(&server, "partyline_parked_connects 0");
        publish(1);
        publish(2);
        let cookies = format!("BAYEUX_BROWSER={cookie}");
        let mut second = Socket::open(&server, &[authorization.authorization(), ("Cookie", &cookies)]);
        second.client = client.clone();
        let connect = |number: Option<u64>| match number {
            Some(ack) => json!({"channel": "/meta/connect", "id": "3", "advice": {"timeout": 0}, "ext": {"ack": ack}}),
            None => json!({"channel": "/meta/connect", "id": "3", "advice": {"timeout": 0}}),
        };
        second.send(&connect(number));
        let mut told = second.frame();
        if !ack {
            told.extend(second.frame());
        }
        assert_eq!(told.len(), 3, "ack {ack}: {told:?}");
        assert_eq!((&told[0]["data"], &told[1]["data"]), (&json!(1), &json!(2)));
        assert_eq!(told[2]["successful"], true);
        number = told[2]["ext"]["ack"].as_u64();
        // Then it polls.
        publish(3);
        if !ack {
            assert_eq!(second.frame()[0]["data"], 3);
            publish(4);
            assert_eq!(second.frame()[0]["data"], 4);
        }
        let mut polling = Desk::open(server.agent("15000"), false, &[]);
        (polling.path, polling.client, polling.cookie) = ("/cometd".to_owned(), client, cookie);
        let answer = polling.send(&connect(number)).json();
        let wanted = if ack { 2 } else { 1 };
        assert_eq!(answer.as_array().unwrap().len(), wanted, "ack {ack}: {answer}");
        publish(5);
        let answer = polling.send(&json!({"channel": "/meta/connect", "id": "4", "ext": {"ack": number}})).json();
        assert!(answer.as_array().unwrap().iter().any(|told| told["data"] == 5), "ack {ack}: {answer}");
    }
}

#[test]
fn another_socket_needs_the_login_of_the_session() {
    let server = Server::with(&[("BAYEUX__ANONYMOUS", "true")]);
    let mut mine = Socket::joined(&server, "15000", false, &[]);
    for headers in [&[server.agent("15001").authorization()][..], &[]] {
        let mut thief = Socket::open(&server, headers);
        thief.client = mine.client.clone();
        let reply = thief.ask(&json!({"channel": "/meta/connect", "id": "1"}));
        assert_eq!(
            (&reply["error"], &reply["advice"]["reconnect"]),
            (&json!("402::session_unknown"), &json!("handshake"))
        );
    }
    mine.connect("1");
    assert_eq!(mine.frame()[0]["successful"], true);
}

#[test]
fn who_does_not_answer_a_ping_is_away_and_who_never_asks_for_anything_is_closed() {
    let server =
        Server::with(&[("BAYEUX__PING", "200ms"), ("BAYEUX__TIMEOUT", "400ms"), ("BAYEUX__MAX_INTERVAL", "1s")]);
    let mut silent = Socket::joined(&server, "15000", false, &[]);
    silent.connect("1");
    silent.frame();
    silent.send(&json!({"channel": "/meta/connect", "id": "2", "advice": {"timeout": 60000}}));
    assert_eq!(silent.next(), Some(Message::Ping(Bytes::new())));
    assert_eq!(silent.closed(), Some(1001));
    wait_for(&server, "partyline_sessions_ended_total{reason=\"expired\"} 1");

    let mut idle = Socket::open(&server, &[]);
    let code = loop {
        match idle.next() {
            Some(Message::Ping(_)) => idle.send_frame(Masked::Pong, b""),
            Some(Message::Close(code)) => break code,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code, Some(1000));
}

#[test]
fn a_drain_answers_connects_and_closes_every_socket() {
    let mut server = Server::start();
    let mut joined = Socket::joined(&server, "15000", false, &["/demo/*"]);
    let mut idle = Socket::open(&server, &[]);
    joined.connect("1");
    joined.frame();
    joined.connect("2");
    wait_for(&server, "partyline_parked_connects 1");
    assert_eq!(server.terminate(), Some(0), "{}", server.log());
    let reply = joined.frame().remove(0);
    assert_eq!(
        (&reply["id"], &reply["successful"], &reply["advice"]["reconnect"]),
        (&json!("2"), &json!(true), &json!("retry"))
    );
    assert_eq!(joined.closed(), Some(1001));
    assert_eq!(idle.closed(), Some(1001));
}

#[test]
fn clients_that_read_nothing_cost_bounded_memory_and_get_whole_what_was_on_its_way() {
    let server = Server::with(&[("BAYEUX__QUEUE_BYTES", "256KiB"), ("BAYEUX__SESSIONS_PER_AGENT", "100")]);
    let mut deaf: Vec<Socket> = (0..15)
        .map(|_| {
            let mut socket = Socket::joined(&server, "15000", false, &["/demo/flood"]);
            socket.connect("1");
            socket.frame();
            socket.connect("2");
            socket
        })
        .collect();
    wait_for(&server, "partyline_parked_connects 15");
    let before = server.resident();
    let mut publisher = Socket::joined(&server, "15001", false, &[]);
    let data = "x".repeat(60_000);
    // Far more than the system buffers for a socket.
    for n in 0..300 {
        let reply = publisher.ask(&json!({"channel": "/demo/flood", "id": n, "data": data}));
        assert_eq!(reply["successful"], true);
    }
    wait_for(&server, "partyline_sessions_ended_total{reason=\"overrun\"} 15");
    let grown = server.resident().saturating_sub(before);
    assert!(grown < 60 << 20, "{} MiB more", grown >> 20);
    // Each still gets whole what was taken over for it, and then its connect's answer.
    let socket = deaf.first_mut().unwrap();
    let mut frames = 0;
    loop {
        let frame = socket.frame();
        frames += 1;
        if frame[0]["channel"] == "/meta/connect" {
            assert_eq!(frame[0]["advice"]["reconnect"], "handshake");
            assert_eq!(frame[0]["error"], "429::limit:queue_bytes");
            break;
        }
    }
    assert!(frames > 3, "{frames}");
}

#[test]
fn a_client_that_reads_nothing_is_given_up_at_last() {
    let server = Server::with(&[("BAYEUX__PING", "2s"), ("BAYEUX__MAX_INTERVAL", "60s")]);
    let descriptors = || {
        let page = request(server.address, "GET /metrics HTTP/1.1\r\n", &[], b"").body;
        let line = page.lines().find_map(|line| line.strip_prefix("process_open_fds ")).unwrap();
        line.parse::<f64>().unwrap()
    };
    let mut publisher = Desk::open(server.agent("15001"), false, &[]);
    publisher.path = "/cometd".to_owned();
    let before = descriptors();
    let _deaf = Socket::joined(&server, "15000", false, &["/demo/flood"]);
    let data = "x".repeat(60_000);
    while descriptors() > before {
        let reply = publisher.send(&json!({"channel": "/demo/flood", "data": data})).json();
        assert_eq!(reply[0]["successful"], true, "{reply}");
    }
}

#[test]
fn a_socket_whose_requests_are_not_answered_is_not_read_without_end() {
    let server = Server::start();
    let mut socket = Socket::joined(&server, "15000", false, &[]);
    let client = socket.client.clone();
    // Twice as many as may be under way, none of whose answers is read before.
    for n in 0..500 {
        socket.send_text(&json!([{"channel": "/demo/a", "id": n, "clientId": client, "data": n}]).to_string());
    }
    for n in 0..500 {
        assert_eq!(socket.frame()[0]["id"], n);
    }
}

#[test]
fn frames_are_carried_out_in_the_order_in_which_they_were_sent() {
    let server = Server::start();
    let mut socket = Socket::joined(&server, "15000", false, &[]);
    let client = socket.client.clone();
    for round in 0..8 {
        for name in ["a", "b", "c"] {
            let channel = format!("/demo/{round}/{name}");
            let subscribe =
                json!([{"channel": "/meta/subscribe", "id": name, "clientId": client, "subscription": channel}]);
            socket.send_text(&subscribe.to_string());
        }
        let channel = format!("/demo/{round}/c");
        socket.send_text(&json!([{"channel": channel, "id": "p", "clientId": client, "data": round}]).to_string());
        let told: Vec<_> = (0..5).flat_map(|_| socket.frame()).collect();
        assert_eq!(told[3], json!({"channel": channel, "data": round}), "{told:?}");
        let ids: Vec<_> = told.iter().filter_map(|message| message["id"].as_str()).collect();
        assert_eq!(ids, ["a", "b", "c", "p"]);
    }
}

#[test]
fn an_upgrade_over_the_wrong_method_is_no_websocket() {
    let server = Server::start();
    let headers = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", KEY),
    ];
    let mut stream = open_request(server.address, "POST /cometd HTTP/1.1\r\n", &headers, b"").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(read_answer(&mut stream).unwrap().status, 400);
}

#[test]
fn a_request_that_would_have_no_websocket_is_answered_as_if_it_had_asked_for_no_upgrade() {
    let server = Server::with(&[("BAYEUX__EVENTSOURCE", "true"), ("BAYEUX__CALLBACK_POLLING", "true")]);
    let agent = server.agent("15000");
    let shake = json!([{"channel": "/meta/handshake", "version": "1.0"}]).to_string();
    // A proxy that asks for nothing on every request, one that asks for what it cannot have, and a client that would have
    // HTTP/2.
    for upgrade in ["", "websocket", "h2c"] {
        let mut headers =
            vec![agent.authorization(), ("Connection", "Upgrade, HTTP2-Settings"), ("HTTP2-Settings", "")];
        headers.extend((!upgrade.is_empty()).then_some(("Upgrade", upgrade)));
        for path in ["/cometd", "/api/v2/notifications"] {
            let answer = request(server.address, &format!("POST {path} HTTP/1.1\r\n"), &headers, shake.as_bytes());
            assert_eq!((answer.status, answer.header("connection")), (200, Some("close")), "{upgrade} {answer:?}");
            assert_eq!(answer.json()[0]["successful"], true);
        }
    }
    let headers = [agent.authorization(), ("Connection", "Upgrade"), ("Upgrade", "h2c")];
    let query = percent_encoding::utf8_percent_encode(&shake, percent_encoding::NON_ALPHANUMERIC);
    let head = format!("GET /cometd?jsonp=call&message={query} HTTP/1.1\r\n");
    let scripted = request(server.address, &head, &headers, b"");
    assert!(scripted.status == 200 && scripted.body.starts_with("/**/call("), "{scripted:?}");
    let (listed, ..) = ask(&server, "/cometd", &[("Upgrade", "h2c, websocket")]);
    assert_eq!(listed.status, 101, "one of several");
}

#[test]
fn history_is_pushed_page_by_page_without_a_connect() {
    let rule =
        r#"[{ pattern = "/demo/**", subscribe = "agents", publish = "agents", create = "agents", durable = true }]"#;
    let server = Server::with(&[("CHANNEL", rule)]);
    let mut publisher = Socket::joined(&server, "15001", false, &[]);
    let client = publisher.client.clone();
    for batch in 0..15 {
        let messages: Vec<_> = (0..60)
            .map(|n| json!({"channel": "/demo/h", "id": n, "clientId": client, "data": batch * 60 + n}))
            .collect();
        publisher.send_text(&json!(messages).to_string());
        assert_eq!(publisher.frame().len(), 60);
    }
    let mut late = Socket::joined(&server, "15000", false, &[]);
    late.send(&json!({"channel": "/meta/subscribe", "id": "s", "subscription": "/demo/h",
        "ext": {"replay": {"/demo/h": -2}}}));
    let mut told = Vec::new();
    while told.len() < 900 {
        told.extend(late.frame().iter().filter_map(|message| message["data"].as_u64()));
    }
    assert_eq!(told, (0..900).collect::<Vec<_>>());
}

#[test]
fn the_load_of_a_fan_out_arrives_whole_over_websockets() {
    let server = Server::start();
    for more in [&[][..], &["--ack"]] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_partyline"))
            .args(["loadtest", "fanout", "--transport", "websocket", "--clients", "8", "--messages", "50", "--json"])
            .args(["--url", &format!("http://{}/cometd", server.address)])
            .args(more)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["messages"]["received"], 400, "{report}");
    }
    let page = request(server.address, "GET /metrics HTTP/1.1\r\n", &[], b"").body;
    assert!(page.contains("partyline_deliveries_total{transport=\"websocket\"} 800\n"), "{page}");
}
