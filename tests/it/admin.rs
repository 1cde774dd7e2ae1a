//! The admin API over the real server: what it does, how it says no, and that nobody else gets in.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};

use partyline::clock;
use serde_json::{Value, json};

use crate::harness::{Answer, Desk, PATIENCE, Server, open_request, request};

pub(crate) const TOKEN: &str = "a-token-for-tests-0123456789";

/// A back end with the token.
pub(crate) struct BackEnd(pub(crate) SocketAddr);

impl BackEnd {
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let bearer = format!("Bearer {TOKEN}");
        let head = format!("{method} /admin/v1/{path} HTTP/1.1\r\n");
        request(self.0, &head, &[("Authorization", &bearer)], body.as_bytes())
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let answer = self.ask("GET", path, "");
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.ask("POST", path, &body.to_string());
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    /// The status and the code of a refusal.
    fn refused(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let answer = self.ask(method, path, body);
        let error = answer.json()["error"].clone();
        assert_eq!(error["requestId"].as_str(), answer.header("X-Request-Id"), "{error}");
        assert!(error["message"].is_string(), "{error}");
        (answer.status, error["code"].as_str().unwrap().to_owned())
    }
}

fn server() -> Server {
    Server::with(&[("ADMIN__TOKEN", TOKEN)])
}

#[test]
fn without_a_token_in_the_configuration_the_api_does_not_exist() {
    let server = Server::start();
    assert_eq!(BackEnd(server.address).ask("GET", "sessions", "").status, 404);
}

#[test]
fn without_the_token_nobody_gets_in() {
    let server = server();
    let agent = server.agent("15000");
    for header in [("X", ""), agent.authorization(), ("Authorization", "Bearer a-token-for-tests-012345678X")] {
        for head in ["GET /admin/v1/sessions HTTP/1.1\r\n", "POST /admin/v1/nothing HTTP/1.1\r\n"] {
            let answer = request(server.address, head, &[header], b"");
            assert_eq!((answer.status, answer.header("WWW-Authenticate")), (401, Some("Bearer")), "{header:?}");
            assert_eq!(answer.json()["error"]["code"], "unauthorized");
        }
    }
    assert!(!server.log().contains(TOKEN));
}

#[test]
fn an_address_of_its_own_is_the_only_one() {
    let own = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let path = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(path.path(), format!("{TOKEN}\n")).unwrap();
    let file = path.path().display().to_string();
    let mut server = Server::with(&[("ADMIN__TOKEN_FILE", &file), ("ADMIN__LISTEN", &own.to_string())]);
    assert_eq!(BackEnd(own).get("sessions"), json!({"sessions": [], "next": null}));
    assert_eq!(BackEnd(server.address).ask("GET", "sessions", "").status, 404);
    assert_eq!(request(own, "GET /metrics HTTP/1.1\r\n", &[], b"").json()["error"]["code"], "not_found");
    assert_eq!(server.terminate(), Some(0), "{}", server.log());
}

#[test]
fn what_is_published_reaches_subscribers_in_order() {
    let server = server();
    let back_end = BackEnd(server.address);
    let mut desk = Desk::open(server.agent("15000"), true, &["/demo/**"]);
    let one = back_end.post("publish", &json!({"channel": "/demo/a", "data": {"n": 1}}));
    let two = json!({"messages": [{"channel": "/demo/b", "data": 2}, {"channel": "/demo/a", "data": [3]}]});
    let two = back_end.post("publish-batch", &two);
    let told = desk.until(|told| told["data"] == json!([3]));
    let wanted = [("/demo/a", json!({"n": 1})), ("/demo/b", json!(2)), ("/demo/a", json!([3]))];
    let wanted = wanted.map(|(channel, data)| json!({"channel": channel, "data": data}));
    assert_eq!(told, wanted);
    let positions = [&one["position"], &two["positions"][0], &two["positions"][1]].map(|p| p.as_u64().unwrap());
    assert!(positions.is_sorted(), "{positions:?}");
}

#[test]
fn a_key_is_known_again_after_the_server_was_killed() {
    let mut server = server();
    let back_end = BackEnd(server.address);
    let message = json!({"channel": "/demo/a", "data": 1, "idempotencyKey": "k-1"});
    let first = back_end.post("publish", &message);
    assert_eq!(back_end.post("publish", &message), first);
    server.kill();
    server.restart();
    let mut desk = Desk::open(server.agent("15000"), false, &["/demo/a"]);
    assert_eq!(back_end.post("publish", &message), first);
    let other = json!({"channel": "/demo/a", "data": 2, "idempotencyKey": "k-1"}).to_string();
    assert_eq!(back_end.refused("POST", "publish", &other), (409, "key_reused".to_owned()));
    back_end.post("publish", &json!({"channel": "/demo/a", "data": 3, "idempotencyKey": "k-2"}));
    assert_eq!(desk.until(|told| told["data"] == 3).len(), 1, "the retry published nothing");
}

#[test]
fn a_message_can_be_delivered_to_one_session_or_to_all_of_an_agent() {
    let server = server();
    let back_end = BackEnd(server.address);
    let mut one = Desk::open(server.agent("15000"), true, &[]);
    let mut two = Desk::open(server.agent("15000"), false, &[]);
    let mut other = Desk::open(server.agent("15001"), false, &["/demo/a"]);
    let listed = back_end.get("sessions?agent=15000");
    let ids: Vec<&str> = listed["sessions"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 2);
    for id in &ids {
        let path = format!("sessions/{id}/deliver");
        back_end.post(&path, &json!({"channel": "/service/hint", "data": "to one"}));
    }
    let all = back_end.post("agents/15000/deliver", &json!({"channel": "/v2/me/hint", "data": "to all"}));
    assert_eq!(all["deliveries"].as_array().unwrap().len(), 2, "{all}");
    for desk in [&mut one, &mut two] {
        let told = desk.until(|told| told["data"] == "to all");
        let wanted = [("/service/hint", "to one"), ("/v2/me/hint", "to all")];
        assert_eq!(told, wanted.map(|(channel, data)| json!({"channel": channel, "data": data})));
    }
    back_end.post("publish", &json!({"channel": "/demo/a", "data": "the last"}));
    assert_eq!(other.until(|told| told["data"] == "the last").len(), 1);
    let none = back_end.post("agents/nobody/deliver", &json!({"channel": "/demo/a", "data": 1}));
    assert_eq!(none, json!({"deliveries": []}));
}

#[test]
fn sessions_are_listed_page_by_page_and_show_no_secret() {
    let server = server();
    let back_end = BackEnd(server.address);
    let desks: Vec<Desk> = ["15000", "15001", "15002"]
        .iter()
        .map(|name| Desk::open(server.agent(name), *name == "15000", &["/demo/a", "/demo/b/*"]))
        .collect();
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let answer = back_end.ask("GET", &format!("sessions?limit=1{after}"), "");
        assert!(desks.iter().all(|desk| !answer.body.contains(&desk.client) && !answer.body.contains(&desk.cookie)));
        let page = answer.json();
        seen.extend(page["sessions"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen.len(), 3, "{seen:?}");
    let anna = seen.iter().find(|session| session["agent"] == "15000").unwrap();
    assert!(anna["since"].as_u64().is_some_and(|since| since > 0), "{anna}");
    let shown = json!({"ack": anna["ack"], "transport": anna["transport"], "subscriptions": anna["subscriptions"],
        "desktop": anna["desktop"], "state": anna["state"], "queue": anna["queue"], "address": anna["address"],
        "userAgent": anna["userAgent"]});
    let wanted = json!({"ack": true, "transport": "long-polling", "subscriptions": 2, "desktop": true,
        "state": "away", "queue": {"messages": 0, "bytes": 0}, "address": "127.0.0.1", "userAgent": "desk/1"});
    assert_eq!(shown, wanted);
}

#[test]
fn a_session_that_is_ended_is_told_so_and_not_to_come_back() {
    let server = server();
    let back_end = BackEnd(server.address);
    let mut desk = Desk::open(server.agent("15000"), false, &["/demo/a"]);
    let id = back_end.get("sessions")["sessions"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("sessions/{id}");
    assert_eq!(back_end.ask("DELETE", &path, "").json(), json!({"ended": true}));
    let (told, reply) = desk.connect(None);
    let shown = (&told, &reply["successful"], &reply["advice"]["reconnect"]);
    assert_eq!(reply["advice"]["reconnect"], "none", "{shown:?}");
    assert_eq!(back_end.refused("DELETE", &path, ""), (404, "session_unknown".to_owned()));
    assert_eq!(back_end.refused("PATCH", &path, "{}"), (404, "session_unknown".to_owned()));
}

#[test]
fn something_else_can_hold_for_one_session() {
    let server = server();
    let back_end = BackEnd(server.address);
    let mut desk = Desk::open(server.agent("15000"), false, &["/demo/a"]);
    desk.connect(None);
    let id = back_end.get("sessions")["sessions"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("sessions/{id}");
    let answer = back_end.ask("PATCH", &path, r#"{"timeout": 20, "interval": 30, "broadcastToPublisher": false}"#);
    assert_eq!(answer.json(), json!({"adjusted": true}));
    let (_, reply) = desk.connect(None);
    assert_eq!((&reply["advice"]["timeout"], &reply["advice"]["interval"]), (&json!(20), &json!(30)), "{reply}");
    assert_eq!(back_end.refused("PATCH", &path, r#"{"timeout": -1}"#), (400, "malformed".to_owned()));
    assert_eq!(back_end.refused("PATCH", &path, r#"{"interval": 86400001}"#), (400, "malformed".to_owned()));
}

#[test]
fn the_history_of_a_durable_channel_is_read_page_by_page() {
    let rules = "[{pattern = '/news/**', subscribe = 'agents', durable = true}]";
    let server = Server::with(&[("ADMIN__TOKEN", TOKEN), ("CHANNEL", rules)]);
    let back_end = BackEnd(server.address);
    let messages: Vec<Value> = (1..=3).map(|n| json!({"channel": "/news/a", "data": {"n": n}})).collect();
    let positions = back_end.post("publish-batch", &json!({"messages": messages}))["positions"].clone();
    let first = back_end.get("channels/history?channel=/news/a&limit=2");
    let shown = |page: &Value| -> Vec<Value> {
        page["messages"].as_array().unwrap().iter().map(|one| json!([one["position"], one["data"]["n"]])).collect()
    };
    assert_eq!(shown(&first), [json!([positions[0], 1]), json!([positions[1], 2])]);
    assert_eq!(first["complete"], true);
    let rest = back_end.get(&format!("channels/history?channel=/news/a&after={}", first["next"]));
    assert_eq!(shown(&rest), [json!([positions[2], 3])]);
    assert_eq!(back_end.get("channels/history?channel=/news/b")["messages"], json!([]));
    assert_eq!(back_end.refused("GET", "channels/history", ""), (400, "malformed".to_owned()));
}

#[test]
fn of_so_many_durable_channels_something_is_kept_whoever_publishes() {
    let rules = "[{pattern = '/news/**', subscribe = 'agents', publish = 'agents', durable = true}]";
    let settings = [("ADMIN__TOKEN", TOKEN), ("CHANNEL", rules), ("BAYEUX__DURABLE_CHANNELS", "3")];
    let mut server = Server::with(&settings);
    let back_end = BackEnd(server.address);
    let message = |name: &str| json!({"channel": format!("/news/{name}"), "data": 1});
    let batch = |names: [&str; 4]| json!({"messages": names.map(message)});
    let refused = (429, "durable_channels".to_owned());
    let new = batch(["a", "b", "c", "d"]).to_string();
    assert_eq!(back_end.refused("POST", "publish-batch", &new), refused, "nothing of it was published");
    back_end.post("publish-batch", &batch(["a", "b", "c", "a"]));
    server.kill();
    server.restart();
    assert_eq!(back_end.refused("POST", "publish", &message("d").to_string()), refused);
    back_end.post("publish", &message("c"));
    let mut desk = Desk::open(server.agent("15000"), false, &[]);
    let reply = desk.send(&message("d")).json()[0].clone();
    assert_eq!(reply["error"], "429::limit:durable_channels", "{reply}");
    assert_eq!(desk.send(&message("b")).json()[0]["successful"], true);
    assert_eq!(server.metric("partyline_rejected_total{limit=\"durable_channels\"}"), 2, "since the start");
}

#[test]
fn of_so_many_channels_the_newest_records_are_whoever_publishes() {
    let rules = "[{pattern = '/news/*', subscribe = 'agents', publish = 'agents'}]";
    let server = Server::with(&[("ADMIN__TOKEN", TOKEN), ("CHANNEL", rules), ("BAYEUX__CHANNELS", "5")]);
    let back_end = BackEnd(server.address);
    let message = |name: usize| json!({"channel": format!("/news/{name}"), "data": 1});
    let refused = (429, "channels".to_owned());
    for name in [1, 2, 3, 4, 5, 1, 2, 3, 4, 5] {
        back_end.post("publish", &message(name));
    }
    // The homes have the fifth once a client that comes to hear of it is told.
    let mut desk = Desk::open(server.agent("15000"), false, &["/news/5"]);
    back_end.post("publish", &message(5));
    desk.until(|message| message["channel"] == "/news/5");
    let both = json!({"messages": [message(1), message(6)]}).to_string();
    assert_eq!(back_end.refused("POST", "publish", &message(6).to_string()), refused);
    assert_eq!(back_end.refused("POST", "publish-batch", &both), refused, "nothing of it was published");
    back_end.post("publish", &message(1));
    assert_eq!(desk.send(&message(7)).json()[0]["error"], "429::limit:channels");
    assert_eq!(desk.send(&message(2)).json()[0]["successful"], true, "it is there");
    assert_eq!(server.metric("partyline_rejected_total{limit=\"channels\"}"), 3);
}

#[test]
fn channels_are_listed_with_their_subscribers_and_presence_names_who_hears() {
    let server = server();
    let back_end = BackEnd(server.address);
    let _desks = [
        Desk::open(server.agent("15000"), false, &["/demo/a", "/v2/me/calls"]),
        Desk::open(server.agent("15001"), false, &["/demo/a", "/demo/**"]),
    ];
    let channel = |name: &str, count: u64| json!({"channel": name, "subscribers": count});
    let demo = json!({"channels": [channel("/demo/**", 1), channel("/demo/a", 2)], "next": null});
    assert_eq!(back_end.get("channels?prefix=/demo"), demo);
    let first = back_end.get("channels?limit=1");
    assert_eq!(first, json!({"channels": [channel("/demo/**", 1)], "next": "/demo/**"}));
    let rest = back_end.get("channels?after=/demo/**&limit=5");
    assert_eq!(rest, json!({"channels": [channel("/demo/a", 2), channel("/v2/me/calls", 1)], "next": null}));
    let hear = back_end.get("presence?channel=/demo/a");
    assert_eq!((&hear["count"], hear["sessions"].as_array().unwrap().len()), (&json!(2), 2), "{hear}");
    assert_eq!(back_end.get("presence?channel=/demo/other")["sessions"][0]["agent"], "15001");
    assert_eq!(back_end.get("presence?channel=/v2/me/calls")["sessions"][0]["agent"], "15000");
    assert_eq!(back_end.get("presence?channel=/demo")["count"], 0);
}

#[test]
fn each_no_says_why() {
    let server = server();
    let back_end = BackEnd(server.address);
    let nobody = format!("sessions/{}/deliver", "0".repeat(32));
    let publish = |channel: &str, data: &str| format!(r#"{{"channel":"{channel}","data":{data}}}"#);
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    let large = format!("\"{}\"", "x".repeat(70_000));
    let batch = format!(r#"{{"messages":[{},{}]}}"#, publish("/demo/a", "1"), publish("demo", "1"));
    let cases: [(&str, &str, &str, u16, &str); 21] = [
        ("POST", "publish", "", 400, "malformed"),
        ("POST", "publish", "{}", 400, "malformed"),
        ("POST", "publish", &publish("demo", "1"), 400, "malformed"),
        ("POST", "publish", &publish("/demo/*", "1"), 400, "malformed"),
        ("POST", "publish", &publish("/meta/connect", "1"), 422, "nobody_hears"),
        ("POST", "publish", &publish("/service/a", "1"), 422, "nobody_hears"),
        ("POST", "publish", &publish("/v2/me/calls", "1"), 422, "nobody_hears"),
        ("POST", "publish", &publish("/no/rule", "1"), 422, "nobody_hears"),
        ("POST", "publish", &publish("/demo/a", &deep), 400, "malformed"),
        ("POST", "publish", &publish("/demo/a", r#""\ud800""#), 400, "malformed"),
        ("POST", "publish", &publish("/demo/a", &large), 413, "too_large"),
        ("POST", "publish", r#"{"channel":"/demo/a","data":1,"idempotencyKey":""}"#, 400, "malformed"),
        ("POST", "publish-batch", r#"{"messages":[]}"#, 400, "malformed"),
        ("POST", "publish-batch", &batch, 400, "malformed"),
        ("POST", &nobody, &publish("/demo/a", "1"), 404, "session_unknown"),
        ("POST", "agents/15000/deliver", &publish("/meta/connect", "1"), 422, "not_deliverable"),
        ("GET", "sessions?limit=0", "", 400, "malformed"),
        ("GET", "channels/history?channel=/demo/a&after=9007199254740992", "", 400, "malformed"),
        ("GET", "sessions?page=2", "", 400, "malformed"),
        ("DELETE", "publish", "", 405, "method_not_allowed"),
        ("GET", "nothing", "", 404, "not_found"),
    ];
    for (method, path, body, status, code) in cases {
        let shown = &body[..body.len().min(80)];
        assert_eq!(back_end.refused(method, path, body), (status, code.to_owned()), "{method} {path} {shown}");
    }
}

/// One event of the stream, and the last id so far.
#[derive(Debug)]
struct Told {
    name: String,
    data: Value,
}

struct Stream {
    lines: std::io::Lines<BufReader<TcpStream>>,
    id: String,
}

impl Stream {
    fn open(address: SocketAddr, query: &str, last: Option<&str>) -> Self {
        let bearer = format!("Bearer {TOKEN}");
        let mut headers = vec![("Authorization", bearer.as_str())];
        headers.extend(last.map(|last| ("Last-Event-ID", last)));
        let head = format!("GET /admin/v1/events{query} HTTP/1.1\r\n");
        let stream = open_request(address, &head, &headers, b"").unwrap();
        let mut lines = BufReader::new(stream).lines();
        let status = lines.next().unwrap().unwrap();
        assert!(status.contains("200"), "{status}");
        let mut stream = Self { lines, id: String::new() };
        // The greeting bears the id from which the stream goes on.
        while stream.id.is_empty() {
            stream.line();
        }
        stream
    }

    fn line(&mut self) -> String {
        let line = self.lines.next().unwrap().unwrap();
        if let Some(id) = line.strip_prefix("id: ") {
            self.id = id.to_owned();
        }
        line
    }

    fn next(&mut self) -> Told {
        let deadline = clock::now() + PATIENCE;
        loop {
            assert!(clock::now() < deadline, "nothing was told after {}", self.id);
            if let Some(name) = self.line().strip_prefix("event: ").map(str::to_owned) {
                let data = self.line();
                return Told { name, data: serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap() };
            }
        }
    }

    fn names(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.next().name).collect()
    }
}

#[test]
fn events_tell_the_life_of_a_session_and_go_on_where_a_stream_broke_off() {
    let mut server = server();
    let mut stream = Stream::open(server.address, "", None);
    let mut desk = Desk::open(server.agent("15000"), true, &["/demo/a"]);
    let added = stream.next();
    assert_eq!((added.name.as_str(), &added.data["agent"]), ("session.added", &json!("15000")));
    let first = stream.next();
    assert_eq!((first.name.as_str(), &first.data["channel"]), ("channel.added", &json!("/demo/a")));
    let subscribed = stream.next();
    assert_eq!((subscribed.name.as_str(), &subscribed.data["channel"]), ("subscribed", &json!("/demo/a")));
    assert_eq!(subscribed.data["session"], added.data["session"]);
    let last = stream.id.clone();
    drop(stream);
    desk.send(&json!({"channel": "/meta/unsubscribe", "subscription": "/demo/a"}));
    server.kill();
    server.restart();
    desk.send(&json!({"channel": "/meta/disconnect"}));
    let mut stream = Stream::open(server.address, "", Some(&last));
    assert_eq!(stream.names(3), ["unsubscribed", "channel.removed", "session.removed"]);
    let mut filtered = Stream::open(server.address, &format!("?after={last}&types=session.removed"), None);
    let removed = filtered.next();
    assert_eq!((removed.name.as_str(), &removed.data["reason"]), ("session.removed", &json!("disconnected")));
    let mut other = Stream::open(server.address, &format!("?after={last}&agent=15001"), None);
    Desk::open(server.agent("15001"), false, &[]);
    assert_eq!(other.names(1), ["session.added"]);
}

#[test]
fn events_that_are_no_longer_known_are_told_as_a_gap() {
    let mut server = Server::with(&[("ADMIN__TOKEN", TOKEN), ("LOG__RING_RECORDS", "4")]);
    for name in ["15000", "15001", "15002"] {
        Desk::open(server.agent(name), false, &["/demo/a"]);
    }
    // A start reads back no more than the ring holds.
    server.kill();
    server.restart();
    let mut stream = Stream::open(server.address, "", Some("1"));
    let gap = stream.next();
    assert_eq!((gap.name.as_str(), &gap.data["after"]), ("gap", &json!(1)));
    assert_eq!(gap.data["oldest"].to_string(), stream.id);
    Desk::open(server.agent("15000"), false, &[]);
    while stream.next().name != "session.added" {}
    let refused = BackEnd(server.address).refused("GET", "events?types=nothing", "");
    assert_eq!(refused, (400, "malformed".to_owned()));
}

#[test]
fn a_drain_that_was_asked_for_ends_streams_and_the_server() {
    let mut server = server();
    let mut stream = Stream::open(server.address, "", None);
    let mut desk = Desk::open(server.agent("15000"), false, &["/demo/a"]);
    desk.connect(None);
    stream.names(3);
    let mut parked = desk.open_connect();
    let answer = BackEnd(server.address).ask("POST", "drain", "");
    assert_eq!((answer.status, answer.json()), (202, json!({"draining": true})));
    let (_, reply) = desk.take(&crate::harness::read_answer(&mut parked).unwrap());
    assert_eq!(reply["successful"], true, "{reply}");
    assert_eq!(server.wait(), Some(0), "{}", server.log());
}

#[test]
fn a_sweep_ends_nobody_whose_time_is_not_up() {
    let server = server();
    let mut desk = Desk::open(server.agent("15000"), false, &["/demo/a"]);
    assert_eq!(BackEnd(server.address).post("sweep", &json!({})), json!({"ended": 0}));
    assert_eq!(desk.connect(Some(0)).1["successful"], true);
}
