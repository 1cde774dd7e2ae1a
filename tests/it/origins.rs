//! Web pages of other origins: who may call, and what their browsers are told.

use serde_json::json;

use crate::harness::{Answer, Server, request};

const DESK: (&str, &str) = ("Origin", "https://desk.example.org");
const EVIL: (&str, &str) = ("Origin", "https://evil.example");

#[test]
fn a_listed_page_may_call_and_no_other() {
    let server = Server::with(&[("SERVER__ALLOWED_ORIGINS", "[\"https://desk.example.org\"]")]);
    let agent = server.agent("15000");
    let ask = |head: &str, origin: (&str, &str), body: &str| {
        let head = format!("{head} HTTP/1.1\r\n");
        request(server.address, &head, &[agent.authorization(), origin], body.as_bytes())
    };
    let handshake =
        json!([{"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"]}]);
    let handshake = handshake.to_string();
    let own = format!("http://{}", server.address);

    for head in ["GET /api/v2/me", "GET /api/v2/no/such/thing", "POST /api/v2/notifications", "POST /cometd/handshake"]
    {
        let body = if head.starts_with("POST") { handshake.as_str() } else { "" };
        assert_eq!(admitted(&ask(head, DESK, body)), (Some("https://desk.example.org"), Some("true")), "{head}");
        assert_eq!(admitted(&ask(head, ("Origin", &own), body)), (None, None), "{head}");
        assert_eq!(admitted(&ask(head, EVIL, body)), (None, None), "{head}");
    }
    assert_eq!(ask("POST /cometd", DESK, &handshake).json()[0]["successful"], true);
    assert_eq!(ask("POST /cometd", ("Origin", &own), &handshake).json()[0]["successful"], true);

    for head in ["POST /cometd", "POST /api/v2/notifications", "GET /cometd"] {
        let refused = ask(head, EVIL, &handshake);
        assert_eq!((refused.status, refused.body.as_str()), (403, "pages of this origin may not call"), "{head}");
        assert_eq!(refused.cookie("BAYEUX_BROWSER"), None, "{head}");
    }
    for head in ["POST /api/v2/me/calls/X", "DELETE /api/v2/me", "POST /metrics"] {
        let refused = ask(head, EVIL, "{}");
        assert_eq!((refused.status, refused.json()["statusCode"].clone()), (403, json!(3)), "{head}");
    }
}

#[test]
fn a_preflight_is_answered_without_a_login() {
    let server = Server::with(&[("SERVER__ALLOWED_ORIGINS", "[\"https://*.example.org\"]")]);
    for path in ["/api/v2/me/calls/X", "/api/v2/notifications/handshake", "/cometd", "/readyz"] {
        let ask = |origin| {
            let wish = ("Access-Control-Request-Method", "POST");
            request(server.address, &format!("OPTIONS {path} HTTP/1.1\r\n"), &[origin, wish], b"")
        };
        let told = ask(DESK);
        assert_eq!((told.status, admitted(&told)), (204, (Some("https://desk.example.org"), Some("true"))), "{path}");
        assert!(told.header("access-control-allow-methods").is_some_and(|all| all.contains("POST")), "{path}");
        let headers = told.header("access-control-allow-headers").unwrap();
        for name in ["Authorization", "Content-Type", "Pragma"] {
            assert!(headers.contains(name), "{headers}");
        }
        assert_eq!(told.header("vary"), Some("Origin"), "{path}");
        let refused = ask(EVIL);
        assert_eq!((refused.status, admitted(&refused)), (204, (None, None)), "{path}");
        assert_eq!(refused.header("access-control-allow-methods"), None, "{path}");
    }
}

fn admitted(answer: &Answer) -> (Option<&str>, Option<&str>) {
    (answer.header("access-control-allow-origin"), answer.header("access-control-allow-credentials"))
}
