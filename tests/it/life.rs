//! How the server begins, tells how it is, and ends.

use std::process::Command;

use serde_json::json;

use crate::harness::{Desk, Server, request};

#[test]
fn it_says_at_the_start_where_it_listens_where_its_data_lies_and_that_there_are_demo_agents() {
    let server = Server::start();
    let log = server.log();
    for wanted in [server.address.to_string(), server.data.path().display().to_string(), "demo agents".to_owned()] {
        assert!(log.contains(&wanted), "{wanted} is not in\n{log}");
    }
}

#[test]
fn a_drain_answers_parked_connects_with_advice_and_ends_with_zero() {
    let mut server = Server::start();
    let mut desk = Desk::open(server.agent("15000"), false, &["/v2/me/calls"]);
    desk.connect(None);
    let mut parked = desk.open_connect();
    wait_for(&server, "partyline_parked_connects 1");
    assert_eq!(server.terminate(), Some(0), "{}", server.log());
    let answer = crate::harness::read_answer(&mut parked).unwrap();
    let (_, reply) = desk.take(&answer);
    assert_eq!((&reply["successful"], &reply["advice"]["reconnect"]), (&json!(true), &json!("retry")), "{reply}");
}

#[test]
fn a_server_that_is_to_stop_says_so_first_and_serves_on_for_as_long_as_it_was_told() {
    let mut server = Server::with(&[("DRAIN__DELAY", "1h"), ("DRAIN__DEADLINE", "2h")]);
    let mut desk = Desk::open(server.agent("15000"), false, &["/v2/me/calls"]);
    desk.connect(None);
    let mut parked = desk.open_connect();
    wait_for(&server, "partyline_parked_connects 1");
    let get = |path: &str| request(server.address, &format!("GET {path} HTTP/1.1\r\n"), &[], b"");
    assert_eq!(get("/readyz").status, 200);
    server.signal();
    wait_for(&server, "partyline_ready 0");
    let ready = get("/readyz");
    let wanted = json!({"ready": false, "checks": {"server": "draining", "log": "ok", "switch": "ok"}});
    assert_eq!((ready.status, ready.json()), (503, wanted));
    assert_eq!(get("/livez").status, 200);
    // The connect is held still, and brings what happens; whoever comes is served.
    assert_eq!(server.metric("partyline_parked_connects "), 1);
    server.agent("15001").dial("15000");
    let answer = crate::harness::read_answer(&mut parked).unwrap();
    let (told, reply) = desk.take(&answer);
    assert_eq!((&told[0]["data"]["call"]["state"], reply.get("advice")), (&json!("Ringing"), None), "{reply}");
    Desk::open(server.agent("15002"), false, &["/v2/me/calls"]).connect(None);
    // A second signal waits for nothing.
    server.signal();
    assert_eq!(server.wait(), Some(0), "{}", server.log());
}

#[test]
fn a_planned_stop_loses_and_repeats_nothing_without_acknowledgement() {
    let mut server = Server::start();
    let (caller, callee) = (server.agent("15000"), server.agent("15001"));
    let mut desk = Desk::open(callee, false, &["/v2/me/calls"]);
    desk.connect(None);
    caller.dial("15001");
    let told = desk.until(|told| told["data"]["call"]["state"] == "Ringing");
    assert_eq!(told.len(), 1);
    let id = told[0]["data"]["call"]["id"].as_str().unwrap().to_owned();
    caller.operate(&id, "Hangup");
    caller.until_calls(0);
    assert_eq!(server.terminate(), Some(0), "{}", server.log());
    server.restart();
    let told = desk.until(|told| told["data"]["call"]["state"] == "Released");
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn a_crash_ends_sessions_without_acknowledgement_so_that_their_clients_handshake() {
    let mut server = Server::start();
    let mut desk = Desk::open(server.agent("15000"), false, &["/v2/me/calls"]);
    desk.connect(None);
    server.kill();
    server.restart();
    let (_, reply) = desk.connect(None);
    let wanted = json!({"reconnect": "handshake", "interval": 0});
    assert_eq!((&reply["error"], &reply["advice"]), (&json!("402::Unknown client"), &wanted), "{reply}");
}

#[test]
fn a_broken_connection_is_noticed_and_loses_nothing() {
    for ack in [true, false] {
        let server = Server::start();
        let (caller, callee) = (server.agent("15000"), server.agent("15001"));
        let mut desk = Desk::open(callee, ack, &["/v2/me/calls"]);
        desk.connect(None);
        let parked = desk.open_connect();
        wait_for(&server, "partyline_parked_connects 1");
        drop(parked);
        wait_for(&server, "partyline_parked_connects 0");
        caller.dial("15001");
        let told = desk.until(|told| told["data"]["call"]["state"] == "Ringing");
        assert_eq!(told.len(), 1, "ack {ack}: {told:?}");
    }
}

#[test]
fn two_servers_cannot_share_a_data_directory() {
    let server = Server::start();
    let output = Command::new(env!("CARGO_BIN_EXE_partyline"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(server.data.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(69));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains(&server.data.path().display().to_string()), "{error}");
}

#[test]
fn operators_see_that_it_lives_is_ready_and_what_it_does() {
    let server = Server::start();
    server.agent("15000").dial("15001");
    let page = |path: &str| request(server.address, &format!("GET {path} HTTP/1.1\r\n"), &[], b"");
    assert_eq!(page("/livez").status, 200);
    assert_eq!(page("/readyz").json()["ready"], true);
    let metrics = page("/metrics").body;
    for line in [
        "partyline_ready 1",
        "partyline_commands_total{operation=\"Dial\",outcome=\"accepted\"} 1",
        "partyline_switch_up 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}

#[test]
fn a_bad_configuration_is_named_and_ends_with_64() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bad.toml");
    for (text, wanted) in [
        ("[bayeux]\ntimeout = \"soon\"\n", "bayeux.timeout"),
        ("[bayeux]\ntimout = \"30s\"\n", "bayeux.timout"),
        ("[server\n", "bad.toml"),
    ] {
        std::fs::write(&file, text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_partyline"))
            .args(["check-config", "--config"])
            .arg(&file)
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{error}");
        assert!(error.contains(wanted) && error.contains("bad.toml"), "{error}");
    }
}

/// Waits until a line stands on the metrics page.
fn wait_for(server: &Server, line: &str) {
    let deadline = partyline::clock::now() + crate::harness::PATIENCE;
    loop {
        let metrics = request(server.address, "GET /metrics HTTP/1.1\r\n", &[], b"").body;
        if metrics.lines().any(|found| found == line) {
            return;
        }
        assert!(partyline::clock::now() < deadline, "{line} never came; the page is\n{metrics}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
