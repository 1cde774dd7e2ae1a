//! Single messages: what they come to, and the error of each that is refused.

use bytes::Bytes;
use expect_test::{Expect, expect};

use crate::bayeux::tests::batches::LIMITS;
use crate::bayeux::{Batch, Body, Request};

#[test]
fn what_clients_send_is_understood() {
    check(
        r#"{"id":"1","version":"1.0","minimumVersion":"1.0","channel":"/meta/handshake","supportedConnectionTypes":["long-polling","callback-polling"],"advice":{"timeout":60000,"interval":0}}
           {"channel":"/meta/handshake","ext":{"ack":true},"version":7}
           {"channel":"/meta/handshake","ext":{"ack":{"enabled":true}},"supportedConnectionTypes":[]}
           {"id":"5","channel":"/meta/connect","connectionType":"long-polling","advice":{"timeout":0},"clientId":"abc"}
           {"id":6,"channel":"/meta/connect","clientId":"abc","ext":{"ack":12},"advice":{}}
           {"id":-1.5e3,"channel":" /meta/connect/ ","connectionType":5}
           {"channel":"/meta/connect","ext":{"ack":"12"},"advice":null,"clientId":null,"id":null}
           {"channel":"/meta/connect","ext":{"ack":-1}}
           {"channel":"/meta/connect","ext":{"ack":1e99}}
           {"id":"2","channel":"/meta/subscribe","subscription":"/a","clientId":"abc"}
           {"channel":"/meta/subscribe","subscription":[ "/a/" ,"/b/*", "/**"]}
           {"channel":"/meta/unsubscribe","subscription":["\/a"]}
           {"id":"3","channel":"/b","data":{"x":1},"clientId":"abc"}
           {"id":"4","channel":"/service/tgt","data":null,"clientId":"abc","unknown":[{}]}
           {"\u0063hannel":"\/x","data":"\ud83d\ude00\n"}
           {"channel":"/old","channel":"/new","data":1,"data":2}
           {"id":"9","channel":"/meta/disconnect","clientId":"abc"}"#,
        expect![[r#"
            id="1" client=- handshake ack=false types=Some(["long-polling", "callback-polling"])
            id=- client=- handshake ack=true types=None
            id=- client=- handshake ack=false types=Some([])
            id="5" client=abc connect ack=None advice=Some((Some(0ns), None))
            id=6 client=abc connect ack=Some(12) advice=Some((None, None))
            id=-1.5e3 client=- connect ack=None advice=None
            id=- client=- connect ack=None advice=None
            id=- client=- connect ack=None advice=None
            id=- client=- connect ack=Some(18446744073709551615) advice=None
            id="2" client=abc subscribe /a echo="/a"
            id=- client=- subscribe /a /b/* /** echo=[ "/a/" ,"/b/*", "/**"]
            id=- client=- unsubscribe /a echo=["\/a"]
            id="3" client=abc publish /b {"x":1}
            id="4" client=abc publish /service/tgt null
            id=- client=- publish /x "\ud83d\ude00\n"
            id=- client=- publish /new 2
            id="9" client=abc disconnect
        "#]],
    );
}

#[test]
fn what_is_wrong_with_a_message_is_told_in_its_place() {
    check(
        r#"{"id":"1"}
           {"channel":null}
           {"channel":5,"id":"1"}
           {"channel":{}}
           {"channel":""}
           {"channel":"/a%b","data":1}
           {"channel":"/a//b","data":1}
           {"channel":"/a/*","data":1}
           {"channel":"/**","data":1}
           {"channel":"/meta/foo","data":1}
           {"channel":"/meta/connect/x","data":1}
           {"channel":"/meta/subscribe/x","subscription":"/a"}
           {"channel":"/a","data":1,"id":"a-b"}
           {"channel":"/a","data":1,"id":""}
           {"channel":"/a","data":1,"id":true}
           {"channel":"/a","data":1,"id":[1]}
           {"channel":"/a","data":1,"clientId":{}}
           {"channel":"/a","data":1,"clientId":7,"id":7}
           {"channel":"/a","data":1,"ext":[]}
           {"channel":"/meta/connect","ext":"x"}
           {"channel":"/meta/connect","advice":0}
           {"channel":"/meta/handshake","supportedConnectionTypes":"long-polling"}
           {"channel":"/meta/handshake","supportedConnectionTypes":["x",1]}
           {"channel":"/a","clientId":"abc","id":"12"}
           {"channel":"/a","data":"\ud83d"}
           {"channel":"/a\ud83d","data":1}
           {"channel":"/meta/subscribe","id":"8"}
           {"channel":"/meta/subscribe","subscription":null}
           {"channel":"/meta/subscribe","subscription":[]}
           {"channel":"/meta/subscribe","subscription":"/a%b"}
           {"channel":"/meta/subscribe","subscription":["/a","/b/*/c","x"]}
           {"channel":"/meta/subscribe","subscription":["/a",5]}
           {"channel":"/meta/subscribe","subscription":{"/a":1}}
           {"channel":"/meta/subscribe","subscription":["/a:b,ä\n"]}
           {"channel":"/meta/subscribe","subscription":["\ud83d"]}
           {"channel":"/meta/subscribe","subscription":["/a","/b","/c","/d"]}
           {"channel":"/meta/subscribe","subscription":"/meta/connect","id":"10"}
           {"channel":"/meta/subscribe","subscription":["/a","/meta/**"]}
           {"channel":"/meta/unsubscribe","subscription":"/meta/connect"}
           {"channel":"/meta/unsubscribe","subscription":"a"}
           {"channel":"/meta/unsubscribe"}"#,
        expect![[r#"
            id="1" client=- 400::channel_missing channel=- subscription=-
            id=- client=- 400::channel_missing channel=- subscription=-
            id="1" client=- 400:channel:field_invalid channel=- subscription=-
            id=- client=- 400:channel:field_invalid channel=- subscription=-
            id=- client=- 405::channel_invalid channel="" subscription=-
            id=- client=- 405::channel_invalid channel="/a%b" subscription=-
            id=- client=- 405::channel_invalid channel="/a//b" subscription=-
            id=- client=- 405::channel_invalid channel="/a/*" subscription=-
            id=- client=- 405::channel_invalid channel="/**" subscription=-
            id=- client=- 403:denied_by_security_policy:channel_create_denied channel="/meta/foo" subscription=-
            id=- client=- 403:denied_by_security_policy:channel_create_denied channel="/meta/connect/x" subscription=-
            id=- client=- 403:denied_by_security_policy:channel_create_denied channel="/meta/subscribe/x" subscription=-
            id=- client=- 405::message_id_invalid channel="/a" subscription=-
            id=- client=- 405::message_id_invalid channel="/a" subscription=-
            id=- client=- 405::message_id_invalid channel="/a" subscription=-
            id=- client=- 405::message_id_invalid channel="/a" subscription=-
            id=- client=- 400:clientId:field_invalid channel="/a" subscription=-
            id=7 client=- 400:clientId:field_invalid channel="/a" subscription=-
            id=- client=- 400:ext:field_invalid channel="/a" subscription=-
            id=- client=- 400:ext:field_invalid channel="/meta/connect" subscription=-
            id=- client=- 400:advice:field_invalid channel="/meta/connect" subscription=-
            id=- client=- 400:supportedConnectionTypes:field_invalid channel="/meta/handshake" subscription=-
            id=- client=- 400:supportedConnectionTypes:field_invalid channel="/meta/handshake" subscription=-
            id="12" client=abc 400::data_missing channel="/a" subscription=-
            id=- client=- 400:data:field_invalid channel="/a" subscription=-
            id=- client=- 400:channel:field_invalid channel=- subscription=-
            id="8" client=- 403::subscription_missing channel="/meta/subscribe" subscription=-
            id=- client=- 403::subscription_missing channel="/meta/subscribe" subscription=-
            id=- client=- 403::subscription_missing channel="/meta/subscribe" subscription=[]
            id=- client=- 403:/a%b:subscription_invalid channel="/meta/subscribe" subscription="/a%b"
            id=- client=- 403:/b/*/c:subscription_invalid channel="/meta/subscribe" subscription=["/a","/b/*/c","x"]
            id=- client=- 403:5:subscription_invalid channel="/meta/subscribe" subscription=-
            id=- client=- 403:{"/a"%3A1}:subscription_invalid channel="/meta/subscribe" subscription=-
            id=- client=- 403:/a%3Ab%2C%C3%A4%0A:subscription_invalid channel="/meta/subscribe" subscription=["/a:b,ä\n"]
            id=- client=- 403:"\ud83d":subscription_invalid channel="/meta/subscribe" subscription=-
            id=- client=- 429::limit:subscriptions channel="/meta/subscribe" subscription=["/a","/b","/c","/d"]
            id="10" client=- 403:denied_by_security_policy:subscribe_denied channel="/meta/subscribe" subscription="/meta/connect"
            id=- client=- 403:denied_by_security_policy:subscribe_denied channel="/meta/subscribe" subscription=["/a","/meta/**"]
            id=- client=- 403::unsubscribe_failed channel="/meta/unsubscribe" subscription="/meta/connect"
            id=- client=- 403:a:subscription_invalid channel="/meta/unsubscribe" subscription="a"
            id=- client=- 403::subscription_missing channel="/meta/unsubscribe" subscription=-
        "#]],
    );
}

#[test]
fn names_are_bounded() {
    let long = "a".repeat(1000);
    let request = decode(&format!(r#"{{"channel":"/a","data":1,"clientId":"{long}"}}"#));
    assert_eq!(request.client.as_ref().map(|client| client.reveal().len()), Some(128));
    let request = decode(&format!(r#"{{"channel":"/a","data":1,"clientId":"{}"}}"#, "ä".repeat(100)));
    assert_eq!(request.client.as_ref().map(|client| client.reveal().len()), Some(128));
    let error = |message: String| {
        let Body::Invalid { error, .. } = decode(&message).body else { panic!("{message}") };
        error.to_string()
    };
    assert_eq!(error(format!(r#"{{"channel":"/{long}","data":1}}"#)), "405::channel_invalid");
    assert_eq!(error(format!(r#"{{"channel":"/a","data":1,"id":"{long}"}}"#)), "405::message_id_invalid");
    assert_eq!(error(format!(r#"{{"channel":"/a","data":1,"id":{}}}"#, "1".repeat(1000))), "405::message_id_invalid");
    let refused = error(format!(r#"{{"channel":"/meta/subscribe","subscription":"/{long}"}}"#));
    assert_eq!(refused, format!("403:/{}:subscription_invalid", &long[..127]));
}

fn check(messages: &str, expected: Expect) {
    let transcript: String = messages.lines().map(|line| tell(&decode(line.trim())) + "\n").collect();
    expected.assert_eq(&transcript);
}

fn decode(message: &str) -> Request {
    let batch = Batch::decode(&Bytes::copy_from_slice(message.as_bytes()), &LIMITS).unwrap();
    batch.requests.into_iter().next().unwrap()
}

fn tell(request: &Request) -> String {
    let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    let or_none = |bytes: &Option<Bytes>| bytes.as_ref().map_or_else(|| "-".into(), text);
    let id = request.id.as_ref().map_or_else(|| "-".into(), |id| text(&id.0));
    let client = request.client.as_ref().map_or("-", |client| client.reveal());
    let body = match &request.body {
        Body::Connect { ack, advice } => {
            let advice = advice.map(|advice| (advice.timeout, advice.interval));
            format!("connect ack={ack:?} advice={advice:?}")
        }
        Body::Disconnect => "disconnect".into(),
        Body::Handshake { ack, types } => format!("handshake ack={ack} types={types:?}"),
        Body::Invalid { channel, subscription, error } => {
            format!("{error} channel={} subscription={}", or_none(channel), or_none(subscription))
        }
        Body::Publish { channel, data, binary } => {
            let binary = binary.as_ref().map_or_else(String::new, |binary| format!(" binary {}", text(binary)));
            format!("publish {channel} {}{binary}", text(data))
        }
        Body::Subscribe { patterns, replay: _, echo } => {
            format!(
                "subscribe {} echo={}",
                patterns.iter().map(|p| p.as_str()).collect::<Vec<_>>().join(" "),
                text(echo)
            )
        }
        Body::Unsubscribe { patterns, echo } => {
            format!(
                "unsubscribe {} echo={}",
                patterns.iter().map(|p| p.as_str()).collect::<Vec<_>>().join(" "),
                text(echo)
            )
        }
    };
    format!("id={id} client={client} {body}")
}

#[test]
fn a_number_that_few_can_read_is_no_data() {
    let taken = |data: &str| {
        let body = Bytes::from(format!(r#"[{{"channel":"/a","data":{data}}}]"#));
        let request = Batch::decode(&body, &LIMITS).unwrap().requests.remove(0);
        matches!(request.body, Body::Publish { .. })
    };
    let digits = "9".repeat(308);
    for data in ["1e308", "-1.5E+3", "1e-999", "0", r#"["1e999",{"1e999":[-7]}]"#, r#""\\\"1e999""#, &digits] {
        assert!(taken(data), "{data}");
    }
    let digits = "9".repeat(310);
    for data in ["1e999", "[-1E309]", r#"{"a\\":1e400}"#, "[1,2,30e400]", &digits] {
        assert!(!taken(data), "{data}");
    }
}
