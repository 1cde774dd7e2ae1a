//! The token beside the cookie: what changes something must bear it, if the configuration says so.

use serde_json::{Value, json};

use crate::harness::{Answer, Server, request};

const TOKEN: &str = "x-csrf-token";
const OK: u16 = 200;

fn server() -> Server {
    Server::with(&[("AUTH__CSRF", "true"), ("SERVER__ALLOWED_ORIGINS", "[\"https://desk.example.org\"]")])
}

/// A login: its cookie, and the token that was told with it.
struct Login {
    cookie: String,
    token: String,
}

impl Login {
    fn begin(server: &Server, agent: &str) -> Self {
        let answer = server.agent(agent).get("me");
        let cookie = format!("JSESSIONID={}", answer.cookie("JSESSIONID").unwrap());
        Self { cookie, token: told(&answer).unwrap() }
    }
}

/// The token that an answer tells, by the name that it tells.
fn told(answer: &Answer) -> Option<String> {
    let name = answer.header("x-csrf-header")?;
    assert_eq!(name, "X-CSRF-TOKEN");
    answer.header(TOKEN).map(str::to_owned)
}

fn ask(server: &Server, head: &str, headers: &[(&str, &str)]) -> Answer {
    request(server.address, &format!("{head} HTTP/1.1\r\n"), headers, b"{}")
}

fn dial(server: &Server, headers: &[(&str, &str)]) -> Answer {
    let device = server.agent("15000").device();
    let body = json!({"operationName": "Dial", "destination": {"phoneNumber": "7001"}}).to_string();
    let head = format!("POST /api/v2/me/devices/{device}/calls HTTP/1.1\r\n");
    request(server.address, &head, headers, body.as_bytes())
}

fn missing() -> Value {
    json!({"statusCode": 3, "statusMessage": "Missing or invalid Csrf token"})
}

#[test]
fn what_changes_something_must_bear_the_token_of_its_login() {
    let mut server = server();
    let (mine, again, other) =
        (Login::begin(&server, "15000"), Login::begin(&server, "15000"), Login::begin(&server, "15001"));
    assert!(mine.token != again.token && mine.token != other.token, "each login has its own");
    let cookie = ("Cookie", mine.cookie.as_str());
    for wrong in [None, Some(""), Some("x"), Some(again.token.as_str()), Some(other.token.as_str())] {
        let mut headers = vec![cookie];
        headers.extend(wrong.map(|token| (TOKEN, token)));
        let refused = dial(&server, &headers);
        assert_eq!((refused.status, refused.json()), (403, missing()), "{wrong:?}");
        for head in ["PUT /api/v2/me", "DELETE /api/v2/me/calls/X", "POST /api/v2/no/such/thing", "PATCH /api/v2/me"] {
            assert_eq!(ask(&server, head, &headers).json(), missing(), "{head} {wrong:?}");
        }
    }
    assert_eq!(server.agent("15000").calls().len(), 0, "nothing was done");
    assert_eq!(dial(&server, &[cookie, (TOKEN, &mine.token)]).status, OK);
    assert_eq!(ask(&server, "POST /api/v2/no/such/thing", &[cookie, (TOKEN, &mine.token)]).status, 404, "it is let in");
    server.terminate();
    server.restart();
    for head in ["GET /api/v2/me", "GET /api/v2/me/calls", "GET /api/v2/no", "GET /api/v2/diagnostics/version"] {
        assert_eq!(told(&ask(&server, head, &[cookie])).as_ref(), Some(&mine.token), "{head}: it survives a restart");
    }
    assert_eq!(told(&ask(&server, "GET /api/v2/diagnostics/version", &[])), None, "nobody is logged in");
    let refused = dial(&server, &[]);
    assert_eq!((refused.status, refused.json()["statusCode"].clone()), (403, json!(20)), "the login comes first");
}

#[test]
fn a_password_needs_the_token_and_the_cookie_too() {
    let server = server();
    let agent = server.agent("15000");
    let refused = dial(&server, &[agent.authorization()]);
    assert_eq!((refused.status, refused.json()), (403, missing()), "a client that keeps no cookies");
    let mine = Login::begin(&server, "15000");
    let all = [agent.authorization(), ("Cookie", &mine.cookie), (TOKEN, &mine.token)];
    assert_eq!(dial(&server, &all).status, OK);
    assert_eq!(dial(&server, &all[..2]).status, 403);
    assert_eq!(dial(&server, &[all[0], all[2]]).status, 403, "the token of another login");
}

#[test]
fn bayeux_takes_the_token_and_does_not_ask_for_it() {
    let server = server();
    let mine = Login::begin(&server, "15000");
    let handshake =
        json!([{"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"]}]);
    for path in ["/api/v2/notifications", "/cometd"] {
        for token in [None, Some("wrong"), Some(mine.token.as_str())] {
            let mut headers = vec![("Cookie", mine.cookie.as_str())];
            headers.extend(token.map(|token| (TOKEN, token)));
            let head = format!("POST {path} HTTP/1.1\r\n");
            let answer = request(server.address, &head, &headers, handshake.to_string().as_bytes());
            assert_eq!(answer.json()[0]["successful"], true, "{path} {token:?}");
        }
    }
}

#[test]
fn a_listed_page_may_read_and_send_the_token() {
    let server = server();
    let mine = Login::begin(&server, "15000");
    let origin = ("Origin", "https://desk.example.org");
    let read = ask(&server, "GET /api/v2/me", &[("Cookie", &mine.cookie), origin]);
    let exposed = read.header("access-control-expose-headers").unwrap();
    assert!(exposed.contains("X-CSRF-HEADER") && exposed.contains("X-CSRF-TOKEN"), "{exposed}");
    let wish = ("Access-Control-Request-Method", "POST");
    let preflight = ask(&server, "OPTIONS /api/v2/me/calls/X", &[origin, wish]);
    assert!(preflight.header("access-control-allow-headers").unwrap().contains("X-CSRF-TOKEN"));
    let refused = dial(&server, &[("Cookie", &mine.cookie), origin]);
    assert_eq!((refused.status, refused.json()), (403, missing()));
    assert_eq!(refused.header("access-control-allow-origin"), Some(origin.1), "it may read why");
    assert_eq!(dial(&server, &[("Cookie", &mine.cookie), origin, (TOKEN, &mine.token)]).status, OK);
}

#[test]
fn without_the_setting_nothing_is_told_or_asked() {
    let server = Server::start();
    let read = server.agent("15000").get("me");
    assert_eq!(told(&read), None);
    let cookie = format!("JSESSIONID={}", read.cookie("JSESSIONID").unwrap());
    assert_eq!(dial(&server, &[("Cookie", &cookie)]).status, OK);
}
