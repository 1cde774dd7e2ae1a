//! Replies, events and errors as they stand on the wire.

use std::time::Duration;

use bytes::Bytes;
use expect_test::expect;

use crate::bayeux::{Agreed, Channel, Error, Event, MessageId, Pattern, Reply, ReplyAdvice, body};
use crate::ids::ClientId;

#[test]
fn replies_have_the_shape_that_clients_know() {
    let retry = ReplyAdvice {
        interval: Some(Duration::ZERO),
        timeout: Some(Duration::from_millis(1500)),
        ..ReplyAdvice::RETRY
    };
    let crowded = ReplyAdvice { interval: Some(Duration::from_secs(2)), multiple_clients: true, ..ReplyAdvice::RETRY };
    let forgetful = ReplyAdvice { max_interval: Some(Duration::from_secs(3)), ..retry };
    let unknown = Error::session_unknown;
    let denied = Error::subscribe_denied("denied_by_security_policy");
    let replies = [
        handshake(retry, Agreed::Nothing, None),
        handshake(retry, Agreed::Acknowledge { batch: None }, None),
        handshake(retry, Agreed::Acknowledge { batch: Some(7) }, Some(2)),
        Reply::HandshakeFailed { id: Some(id("\"1\"")), error: Error::handshake_denied(), advice: ReplyAdvice::NONE },
        Reply::Connect { id: Some(id("\"2\"")), error: None, advice: None, ack: None },
        Reply::Connect { id: Some(id("3")), error: None, advice: Some(retry), ack: Some(9) },
        Reply::Connect { id: None, error: Some(unknown()), advice: Some(ReplyAdvice::HANDSHAKE), ack: None },
        Reply::Connect { id: Some(id("\"15\"")), error: None, advice: Some(ReplyAdvice::NONE), ack: None },
        Reply::Connect { id: Some(id("17")), error: None, advice: Some(crowded), ack: None },
        Reply::Connect { id: Some(id("18")), error: None, advice: Some(forgetful), ack: None },
        Reply::Publish { id: Some(id("\"16\"")), channel: channel("/a/b"), error: Some(unknown()) },
        Reply::Publish { id: None, channel: channel("/a/b"), error: None },
        Reply::Subscription { id: Some(id("\"6\"")), ended: false, echo: bytes("[\"/a/b\",\"/c/*\"]"), error: None },
        Reply::Subscription { id: Some(id("\"10\"")), ended: false, echo: bytes("\"/x\""), error: Some(denied) },
        Reply::Subscription { id: Some(id("\"11\"")), ended: true, echo: bytes("\"/x\""), error: None },
        Reply::Disconnect { id: Some(id("\"16\"")), error: None },
        Reply::Disconnect { id: Some(id("\"17\"")), error: Some(unknown()) },
        Reply::Invalid { id: Some(id("\"8\"")), channel: None, subscription: None, error: Error::channel_missing() },
        Reply::Invalid {
            id: Some(id("\"8\"")),
            channel: Some(bytes("\"/meta/subscribe\"")),
            subscription: Some(bytes("\"/a%b\"")),
            error: Error::parse("403::odd \"text\" \\ \u{1}").unwrap(),
        },
    ];
    let mut transcript = String::new();
    for reply in &replies {
        let mut out = Vec::new();
        reply.write(&mut out);
        transcript += &String::from_utf8(out).unwrap();
        transcript += "\n";
    }
    expect![[r#"
        {"channel":"/meta/handshake","id":"1","successful":true,"clientId":"11hd\"m","version":"1.0","minimumVersion":"1.0","supportedConnectionTypes":["websocket","long-polling"],"advice":{"reconnect":"retry","interval":0,"timeout":1500}}
        {"channel":"/meta/handshake","id":"1","successful":true,"clientId":"11hd\"m","version":"1.0","minimumVersion":"1.0","supportedConnectionTypes":["websocket","long-polling"],"advice":{"reconnect":"retry","interval":0,"timeout":1500},"ext":{"ack":true}}
        {"channel":"/meta/handshake","id":"1","successful":true,"clientId":"11hd\"m","version":"1.0","minimumVersion":"1.0","supportedConnectionTypes":["websocket","long-polling"],"x-messages":2,"advice":{"reconnect":"retry","interval":0,"timeout":1500},"ext":{"ack":{"enabled":true,"batch":7}}}
        {"channel":"/meta/handshake","id":"1","successful":false,"error":"403::handshake_denied","advice":{"reconnect":"none"}}
        {"channel":"/meta/connect","id":"2","successful":true}
        {"channel":"/meta/connect","id":3,"successful":true,"advice":{"reconnect":"retry","interval":0,"timeout":1500},"ext":{"ack":9}}
        {"channel":"/meta/connect","successful":false,"error":"402::session_unknown","advice":{"reconnect":"handshake","interval":0}}
        {"channel":"/meta/connect","id":"15","successful":true,"advice":{"reconnect":"none"}}
        {"channel":"/meta/connect","id":17,"successful":true,"advice":{"reconnect":"retry","interval":2000,"multiple-clients":true}}
        {"channel":"/meta/connect","id":18,"successful":true,"advice":{"reconnect":"retry","interval":0,"timeout":1500,"maxInterval":3000}}
        {"channel":"/a/b","id":"16","successful":false,"error":"402::session_unknown"}
        {"channel":"/a/b","successful":true}
        {"channel":"/meta/subscribe","id":"6","subscription":["/a/b","/c/*"],"successful":true}
        {"channel":"/meta/subscribe","id":"10","subscription":"/x","successful":false,"error":"403:denied_by_security_policy:subscribe_denied"}
        {"channel":"/meta/unsubscribe","id":"11","subscription":"/x","successful":true}
        {"channel":"/meta/disconnect","id":"16","successful":true}
        {"channel":"/meta/disconnect","id":"17","successful":false,"error":"402::session_unknown"}
        {"id":"8","successful":false,"error":"400::channel_missing"}
        {"channel":"/meta/subscribe","id":"8","subscription":"/a%b","successful":false,"error":"403::odd \"text\" \\ \u0001"}
    "#]].assert_eq(&transcript);
}

#[test]
fn a_body_has_the_handshake_first_and_the_other_replies_last_and_wastes_no_byte() {
    let event = |data: &str| Event::publication(&channel("/x"), data.as_bytes());
    let connect = Reply::Connect { id: Some(id("\"2\"")), error: None, advice: None, ack: Some(u64::MAX) };
    let table = [
        (vec![], vec![], "[]"),
        (vec![event("1")], vec![], r#"[{"data":1,"channel":"/x"}]"#),
        (
            vec![event("1"), event("{}")],
            vec![Reply::Publish { id: None, channel: channel("/x"), error: None }, connect],
            r#"[{"data":1,"channel":"/x"},{"data":{},"channel":"/x"},{"channel":"/x","successful":true},{"channel":"/meta/connect","id":"2","successful":true,"ext":{"ack":18446744073709551615}}]"#,
        ),
        (
            vec![event("1")],
            vec![
                Reply::Publish { id: None, channel: channel("/x"), error: Some(Error::session_unknown()) },
                Reply::HandshakeFailed { id: None, error: Error::handshake_denied(), advice: ReplyAdvice::NONE },
            ],
            r#"[{"channel":"/meta/handshake","successful":false,"error":"403::handshake_denied","advice":{"reconnect":"none"}},{"data":1,"channel":"/x"},{"channel":"/x","successful":false,"error":"402::session_unknown"}]"#,
        ),
    ];
    for (events, replies, expected) in table {
        let body = body(&events, &replies);
        assert_eq!(String::from_utf8(body.clone()).unwrap(), expected);
        assert_eq!(body.len(), expected.len());
        assert_eq!(body.capacity(), expected.len());
    }
}

#[test]
fn the_error_catalogue_is_that_of_the_reference() {
    let errors = [
        Error::connection_types_unsupported(&["flash".into(), "carrier:pigeon".into()]),
        Error::channel_missing(),
        Error::data_missing(),
        Error::field_invalid("clientId"),
        Error::replay_id_invalid(&Pattern::from(&channel("/a"))),
        Error::session_unknown(),
        Error::channel_create_denied("denied_by_not_granting"),
        Error::create_denied("denied_by_not_granting"),
        Error::handshake_denied(),
        Error::publish_denied("denied_by_not_granting"),
        Error::subscribe_denied("denied_by_not_granting"),
        Error::subscription_invalid("/a b:c"),
        Error::subscription_missing(),
        Error::unsubscribe_failed(),
        Error::channel_invalid(),
        Error::message_id_invalid(),
        Error::limit("sessions"),
        Error::draining(),
    ];
    let transcript: String = errors.iter().map(|error| format!("{error}\n")).collect();
    expect![[r#"
        301:flash,carrier%3Apigeon:Connection types not supported
        400::channel_missing
        400::data_missing
        400:clientId:field_invalid
        400:/a:replay_id_invalid
        402::session_unknown
        403:denied_by_not_granting:channel_create_denied
        403:denied_by_not_granting:create_denied
        403::handshake_denied
        403:denied_by_not_granting:publish_denied
        403:denied_by_not_granting:subscribe_denied
        403:/a%20b%3Ac:subscription_invalid
        403::subscription_missing
        403::unsubscribe_failed
        405::channel_invalid
        405::message_id_invalid
        429::limit:sessions
        503::draining
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn an_error_can_be_configured_as_it_stands_on_the_wire() {
    for text in ["402::Unknown client", "403:/a,/b:words: and more", "429::limit:sessions", "001::x"] {
        assert_eq!(Error::parse(text).map(|error| error.to_string()).as_deref(), Ok(text));
    }
    for text in ["", "402", "402:x", "402::", "4020::x", "40::x", "+40::x", "Unknown client"] {
        assert!(Error::parse(text).is_err(), "{text}");
    }
}

fn handshake(advice: ReplyAdvice, ack: Agreed, messages: Option<usize>) -> Reply {
    let types = &["websocket", "long-polling"];
    Reply::Handshake {
        id: Some(id("\"1\"")),
        client: ClientId::presented("11hd\"m"),
        types,
        advice,
        ack,
        replay: false,
        messages,
    }
}

fn id(token: &str) -> MessageId {
    MessageId(bytes(token))
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn channel(text: &str) -> Channel {
    Channel::parse(text).unwrap()
}
