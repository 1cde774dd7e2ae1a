//! The lesser transports and body forms, over the real server: callback-polling, forms, foreign content types.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::harness::{Answer, Desk, Server, open_request, read_answer, request};

/// A client that knows scripts only, and keeps its cookies.
struct Page<'a> {
    server: &'a Server,
    cookie: String,
    client: String,
}

impl<'a> Page<'a> {
    fn open(server: &'a Server) -> Self {
        let mut page = Self { server, cookie: String::new(), client: String::new() };
        let shake = page.ask(&[json!({"channel": "/meta/handshake", "version": "1.0",
            "supportedConnectionTypes": ["callback-polling"]})]);
        page.cookie = shake.cookie("BAYEUX_BROWSER").unwrap();
        let reply = called(&shake)[0].clone();
        assert_eq!(reply["successful"], true, "{reply}");
        let types = reply["supportedConnectionTypes"].as_array().unwrap();
        assert!(types.contains(&json!("callback-polling")), "{reply}");
        page.client = reply["clientId"].as_str().unwrap().to_owned();
        page
    }

    /// Each message in a `message` of its own.
    fn query(&self, messages: &[Value]) -> String {
        let messages = messages.iter().map(|message| {
            let mut message = message.clone();
            if !self.client.is_empty() {
                message["clientId"] = json!(self.client);
            }
            format!("&message={}", utf8_percent_encode(&json!([message]).to_string(), NON_ALPHANUMERIC))
        });
        format!("jsonp=cometd.cb_1{}", messages.collect::<String>())
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        let agent = self.server.agent("15000");
        vec![
            ("Cookie", format!("BAYEUX_BROWSER={}", self.cookie)),
            ("Authorization", agent.authorization().1.to_owned()),
        ]
    }

    fn ask(&self, messages: &[Value]) -> Answer {
        let headers = self.headers();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let head = format!("GET /cometd/?{} HTTP/1.1\r\n", self.query(messages));
        request(self.server.address, &head, &headers, b"")
    }
}

/// What a script calls `cometd.cb_1` with.
fn called(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("content-type"), Some("text/javascript;charset=UTF-8"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let json = answer.body.strip_prefix("/**/cometd.cb_1(").and_then(|rest| rest.strip_suffix(");"));
    serde_json::from_str(json.unwrap_or_else(|| panic!("no call: {}", answer.body))).unwrap()
}

fn connect(timeout: u64) -> Value {
    json!({"channel": "/meta/connect", "connectionType": "callback-polling", "advice": {"timeout": timeout}})
}

#[test]
fn a_page_that_knows_scripts_only_is_served_by_connects_only() {
    let server = Server::with(&[("BAYEUX__CALLBACK_POLLING", "true")]);
    let page = Page::open(&server);
    let both = called(&page.ask(&[json!({"channel": "/meta/subscribe", "subscription": "/demo/a"}), connect(0)]));
    assert_eq!(
        (both[0]["channel"].as_str(), both[1]["channel"].as_str()),
        (Some("/meta/subscribe"), Some("/meta/connect"))
    );
    // Its own publication waits for a connect, for a browser may run two scripts in any order.
    let publish = called(&page.ask(&[json!({"channel": "/demo/a", "data": "\u{2028}<\u{2029}"})]));
    assert_eq!((publish.as_array().unwrap().len(), &publish[0]["successful"]), (1, &json!(true)));
    let answer = page.ask(&[connect(0)]);
    assert!(answer.body.contains(r"\u2028<\u2029") && answer.body.is_ascii(), "{}", answer.body);
    assert_eq!(called(&answer)[0]["data"], "\u{2028}<\u{2029}");
    // A connect is held, and released by what another client publishes.
    let headers = page.headers();
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let head = format!("GET /cometd?{} HTTP/1.1\r\n", page.query(&[connect(30_000)]));
    let mut parked = open_request(server.address, &head, &headers, b"").unwrap();
    let mut desk = Desk::open(server.agent("15001"), false, &[]);
    desk.send(&json!({"channel": "/demo/a", "data": "now"}));
    let told = called(&read_answer(&mut parked).unwrap());
    assert_eq!((told[0]["data"].as_str(), told[1]["channel"].as_str()), (Some("now"), Some("/meta/connect")));
}

#[test]
fn a_script_that_could_be_abused_is_refused() {
    let server = Server::with(&[("BAYEUX__CALLBACK_POLLING", "true"), ("BAYEUX__ANONYMOUS", "true")]);
    let message = utf8_percent_encode(r#"[{"channel":"/meta/handshake"}]"#, NON_ALPHANUMERIC).to_string();
    let ask = |path: &str, query: &str, headers: &[(&str, &str)]| {
        request(server.address, &format!("GET {path}?{query} HTTP/1.1\r\n"), headers, b"")
    };
    for callback in ["a(", "%3Cscript%3E", "", &"a".repeat(65), "a&jsonp=b", "a%0D%0ASet-Cookie:x=1"] {
        let refused = ask("/cometd", &format!("message={message}&jsonp={callback}"), &[]);
        assert_eq!((refused.status, refused.header("content-type")), (400, Some("text/plain; charset=utf-8")));
        assert!(refused.body.starts_with("the callback must be"), "{}", refused.body);
    }
    let good = format!("message={message}");
    let usual = ask("/cometd/handshake", &good, &[]);
    assert!(usual.status == 200 && usual.body.starts_with("/**/jsonpcallback([{"), "{}", usual.body);
    assert_eq!(ask("/cometd", &good, &[("Referer", "https://evil.example/")]).status, 403);
    assert_eq!(ask("/cometd", &good, &[("Sec-Fetch-Site", "cross-site")]).status, 403);
    assert_eq!(ask("/cometd", "", &[]).status, 400);
    assert_eq!(ask("/cometd", "message=x", &[]).status, 400);
    assert_eq!(ask("/api/v2/notifications", &good, &[]).status, 400, "desktops do not speak it");
    let post = request(server.address, "POST /cometd?jsonp=x HTTP/1.1\r\n", &[], br#"[{"channel":"/meta/handshake"}]"#);
    assert!(post.status == 200 && post.body.starts_with('['), "a POST is long-polling: {}", post.body);
}

#[test]
fn callback_polling_is_off_until_it_is_wanted() {
    let server = Server::with(&[("BAYEUX__ANONYMOUS", "true")]);
    let refused = request(server.address, "GET /cometd?jsonp=cb&message=%5B%7B%7D%5D HTTP/1.1\r\n", &[], b"");
    assert_eq!(refused.status, 400, "{}", refused.body);
    let only = br#"[{"channel":"/meta/handshake","supportedConnectionTypes":["callback-polling"]}]"#;
    let reply = request(server.address, "POST /cometd HTTP/1.1\r\n", &[], only).json()[0].clone();
    assert_eq!(reply["error"], "301:callback-polling:Connection types not supported");
    // As Faye calls what is long-polling.
    let only = br#"[{"channel":"/meta/handshake","supportedConnectionTypes":["cross-origin-long-polling"]}]"#;
    let headers = [server.agent("15000").authorization().1.to_owned()];
    let headers = [("Authorization", &*headers[0])];
    let reply = request(server.address, "POST /cometd HTTP/1.1\r\n", &headers, only).json()[0].clone();
    assert_eq!(reply["successful"], true, "{reply}");
}

#[test]
fn a_body_is_taken_in_every_form_that_clients_send() {
    let server = Server::with(&[("BAYEUX__ANONYMOUS", "true")]);
    let shake = r#"{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["long-polling"]}"#;
    let form = format!("message={}", utf8_percent_encode(&format!("[{shake}]"), NON_ALPHANUMERIC));
    let bodies = [shake.to_owned(), format!("[{shake}]"), form, format!("message={shake}")];
    let types = [
        None,
        Some("application/json"),
        Some("application/json;charset=UTF-8"),
        Some("text/json"),
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/octet-stream"),
    ];
    for body in &bodies {
        for content_type in types {
            let headers: Vec<_> = content_type.map(|value| ("Content-Type", value)).into_iter().collect();
            let answer = request(server.address, "POST /cometd HTTP/1.1\r\n", &headers, body.as_bytes());
            assert_eq!(answer.status, 200, "{content_type:?} {body}: {}", answer.body);
            assert_eq!(answer.json()[0]["successful"], true, "{content_type:?} {body}");
        }
    }
    // Several batches of one form are one batch: the publication cannot know the session.
    let two =
        format!("{}&message={}", bodies[2], utf8_percent_encode(r#"{"channel":"/demo/a","data":1}"#, NON_ALPHANUMERIC));
    let told = request(server.address, "POST /cometd HTTP/1.1\r\n", &[], two.as_bytes()).json();
    assert_eq!((&told[0]["successful"], told[1]["error"].as_str()), (&json!(true), Some("402::session_unknown")));
}
