//! EndContactCenterSession: the login is over, for good, and for nobody else.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::harness::{Answer, Desk, Server, open_request, read_answer, request};
use crate::socket::wait_for;

/// A desktop that keeps its cookies and sends nothing else.
struct Browser {
    address: SocketAddr,
    login: String,
    bayeux: String,
    client: String,
}

impl Browser {
    /// Logs in once by its password.
    fn open(server: &Server, name: &str) -> Self {
        let answer = server.agent(name).get("me");
        let login = answer.cookie("JSESSIONID").unwrap();
        Self { address: server.address, login, bayeux: String::new(), client: String::new() }
    }

    fn headers(&self) -> [(&'static str, String); 2] {
        let cookies = format!("JSESSIONID={}; BAYEUX_BROWSER={}", self.login, self.bayeux);
        [("Content-Type", "application/json".to_owned()), ("Cookie", cookies)]
    }

    fn send(&self, head: &str, body: &Value) -> Answer {
        let headers = self.headers();
        let headers: Vec<(&str, &str)> = headers.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        request(self.address, &format!("{head} HTTP/1.1\r\n"), &headers, body.as_bytes())
    }

    fn end(&self) -> Answer {
        self.send("POST /api/v2/me", &json!({"operationName": "EndContactCenterSession"}))
    }

    /// Opens a session that hears of its agent.
    fn shake(&mut self) {
        self.shake_at("/api/v2/notifications");
    }

    fn shake_at(&mut self, path: &str) {
        let handshake = json!([{"channel": "/meta/handshake", "version": "1.0",
            "supportedConnectionTypes": ["long-polling"]}]);
        let answer = self.send(&format!("POST {path}/handshake"), &handshake);
        self.bayeux = answer.cookie("BAYEUX_BROWSER").unwrap();
        self.client = answer.json()[0]["clientId"].as_str().unwrap().to_owned();
        let subscribe = json!([{"channel": "/meta/subscribe", "clientId": self.client, "subscription": "/v2/me/*"}]);
        assert_eq!(self.send(&format!("POST {path}"), &subscribe).json()[0]["successful"], true);
        assert_eq!(self.send(&format!("POST {path}/connect"), &self.connect()).status, 200);
    }

    fn connect(&self) -> Value {
        json!([{"channel": "/meta/connect", "clientId": self.client, "connectionType": "long-polling"}])
    }

    fn disconnect(&self) -> Answer {
        let disconnect = json!([{"channel": "/meta/disconnect", "id": "9", "clientId": self.client}]);
        self.send("POST /api/v2/notifications/disconnect", &disconnect)
    }
}

fn is_denied(answer: &Answer) -> bool {
    answer.status == 403 && answer.json()["statusCode"] == 20
}

#[test]
fn a_login_that_was_ended_is_over_also_after_a_kill() {
    let mut server = Server::start();
    let (leaving, staying) = (Browser::open(&server, "15000"), Browser::open(&server, "15000"));
    let start = json!({"operationName": "StartContactCenterSession", "channels": ["voice"]});
    assert_eq!(leaving.send("POST /api/v2/me", &start).json(), json!({"statusCode": 0}));
    let answer = leaving.end();
    assert_eq!((answer.status, answer.json()), (200, json!({"statusCode": 0})));
    assert_eq!(answer.cookie("JSESSIONID"), None, "no login begins with the end of one");
    for _ in 0..2 {
        assert!(is_denied(&leaving.send("GET /api/v2/me", &Value::Null)));
        assert!(is_denied(&leaving.end()));
        assert_eq!(staying.send("GET /api/v2/me", &Value::Null).status, 200);
        server.kill();
        server.restart();
    }
    // Who sends the password begins anew.
    let agent = server.agent("15000");
    let anew = agent.get("me?subresources=channels");
    assert_eq!(anew.json()["user"]["channels"], json!([]));
    assert!(anew.cookie("JSESSIONID").is_some());
}

#[test]
fn who_sends_its_password_each_time_logs_out_and_comes_again() {
    let server = Server::start();
    let agent = server.agent("15000");
    let mut desk = Desk::open(agent.clone(), true, &["/v2/me/*"]);
    for _ in 0..2 {
        let start = json!({"operationName": "StartContactCenterSession", "channels": ["voice"]});
        assert_eq!(agent.post("me", &start).json(), json!({"statusCode": 0}));
        let answer = agent.post("me", &json!({"operationName": "EndContactCenterSession"}));
        assert_eq!((answer.json(), answer.cookie("JSESSIONID")), (json!({"statusCode": 0}), None));
    }
    // It has no login, so its session lives on.
    let messages = desk.until(|message| message["data"]["devices"][0]["userState"]["state"] == "LoggedOut");
    assert!(!messages.is_empty());
}

#[test]
fn a_desktop_may_end_its_session_before_its_login_or_after_it() {
    let server = Server::start();
    // As the apps for phones do: first the one, then the other.
    let mut first = Browser::open(&server, "15000");
    first.shake();
    assert_eq!(first.disconnect().json()[0]["successful"], true);
    assert_eq!(first.end().json(), json!({"statusCode": 0}));
    // The other way round, with a connect that is held.
    let mut second = Browser::open(&server, "15000");
    second.shake();
    let headers = second.headers();
    let headers: Vec<(&str, &str)> = headers.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let body = second.connect().to_string();
    let head = "POST /api/v2/notifications/connect HTTP/1.1\r\n";
    let mut held = open_request(server.address, head, &headers, body.as_bytes()).unwrap();
    wait_for(&server, "partyline_parked_connects 1");
    assert_eq!(second.end().json(), json!({"statusCode": 0}));
    let told = read_answer(&mut held).unwrap().json();
    let channels: Vec<&str> =
        told.as_array().unwrap().iter().map(|message| message["channel"].as_str().unwrap()).collect();
    // Whether it hears that it is logged out before its session ends is a matter of moments.
    assert!(channels.ends_with(&["/meta/connect"]), "{told}");
    let left = second.disconnect();
    assert_eq!((left.status, &left.json()[0]["successful"]), (200, &json!(true)), "{}", left.body);
    // It may say nothing else.
    assert!(is_denied(&second.send("POST /api/v2/notifications/connect", &second.connect())));
    let both = json!([{"channel": "/meta/disconnect", "clientId": second.client}, second.connect()[0]]);
    assert!(is_denied(&second.send("POST /api/v2/notifications", &both)));
}

/// Whether the messages tell a desktop to stay away.
fn is_sent_away(messages: &Value) -> bool {
    let messages = messages.as_array().unwrap();
    messages.iter().any(|message| message["channel"] == "/meta/disconnect")
        && messages.last().unwrap()["advice"]["reconnect"] == "none"
}

#[test]
fn a_desktop_whose_login_is_over_is_told_to_stay_away() {
    for path in ["/api/v2/notifications", "/cometd"] {
        let server = Server::start();
        let mut browser = Browser::open(&server, "15000");
        browser.shake_at(path);
        let start = json!({"operationName": "StartContactCenterSession", "channels": ["voice"]});
        assert_eq!(browser.send("POST /api/v2/me", &start).json(), json!({"statusCode": 0}));
        let connect = format!("POST {path}/connect");
        let mut told = browser.send(&connect, &browser.connect()).json();
        assert!(!is_sent_away(&told), "{told}");
        assert_eq!(browser.end().json(), json!({"statusCode": 0}));
        // Between two connects, or while one is held: in the end it is a connect with the cookie of a login that is over.
        for _ in 0..2 {
            let answer = browser.send(&connect, &browser.connect());
            assert_eq!(answer.status, 200, "{}", answer.body);
            told = answer.json();
            if is_sent_away(&told) {
                break;
            }
        }
        assert!(is_sent_away(&told), "{path}: {told}");
        // A session of another login of the same agent in the same browser is none of its business.
        let mut other = Browser::open(&server, "15000");
        other.shake_at(path);
        let thief = Browser { client: other.client, bayeux: other.bayeux, ..browser };
        let refused = thief.send(&connect, &thief.connect());
        assert!(is_denied(&refused) || refused.json()[0]["successful"] == false, "{}", refused.body);
    }
}

#[test]
fn the_other_desktops_of_the_agent_are_told_and_stay() {
    let server = Server::start();
    let mut staying = Browser::open(&server, "15000");
    staying.shake();
    let mut leaving = Browser::open(&server, "15000");
    leaving.shake();
    let start = json!({"operationName": "StartContactCenterSession", "channels": ["voice"]});
    assert_eq!(leaving.send("POST /api/v2/me", &start).json(), json!({"statusCode": 0}));
    assert_eq!(leaving.end().json(), json!({"statusCode": 0}));
    let mut states = Vec::new();
    while states.last() != Some(&json!("LoggedOut")) {
        let answer = staying.send("POST /api/v2/notifications/connect", &staying.connect()).json();
        let messages = answer.as_array().unwrap().clone();
        assert_eq!(messages.last().unwrap()["successful"], true, "{answer}");
        let devices = messages.iter().filter(|message| message["channel"] == "/v2/me/channels");
        states.extend(devices.map(|message| message["data"]["channels"][0]["userState"]["state"].clone()));
    }
    assert_eq!(states, [json!("Ready"), json!("LoggedOut")]);
}
