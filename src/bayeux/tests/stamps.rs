//! What extensions add to messages on their way out.

use bytes::Bytes;
use expect_test::expect;

use crate::bayeux::{Batch, Body, Channel, Event, Extra, Limits, MessageId, Reply, TimeSync, body_with};
use crate::ids::WallTime;

const RECEIVED: u64 = 1_764_033_412_345;

fn requests(body: &str) -> Batch {
    let limits = Limits { batch_messages: 64, json_depth: 32, subscriptions: 128 };
    Batch::decode(&Bytes::from(body.replace('\'', "\"")), &limits).unwrap()
}

fn sync(token: &str) -> Option<TimeSync> {
    requests(&format!("{{'channel':'/meta/connect','ext':{{'timesync':{token}}}}}")).requests[0].sync
}

/// What is told to one that said this, received when it was and answered 40 ms later.
fn told(token: &str) -> String {
    let Some(sync) = sync(token) else { return "nothing was said".to_owned() };
    let answer = sync.answer(WallTime::from_millis(RECEIVED), WallTime::from_millis(RECEIVED + 40));
    answer.map_or_else(|| "nothing".to_owned(), |answer| format!("p {} a {:?}", answer.taken, answer.off))
}

#[test]
fn a_client_is_told_of_its_clock_unless_it_knows() {
    let at = |off: i64| RECEIVED as i64 + off;
    for (token, expected) in [
        // The first time it knows nothing.
        (format!("{{'tc':{},'l':0,'o':0}}", at(-5)), "p 40 a Some(-5)"),
        (format!("{{'tc':{},'l':30,'o':975}}", at(-1000)), "nothing"),
        (format!("{{'tc':{},'l':30,'o':1000}}", at(-1000)), "p 40 a Some(30)"),
        (format!("{{'tc':{},'l':24.6,'o':-0.4}}", at(0)), "p 40 a Some(25)"),
        (format!("{{'tc':{},'l':-30,'o':0}}", at(0)), "p 40 a Some(-30)"),
        (format!("{{'tc':{}}}", at(0)), "p 40 a None"),
        ("{'l':1,'o':2}".to_owned(), "nothing was said"),
        ("{'tc':'soon'}".to_owned(), "nothing was said"),
        ("{'tc':1e300,'l':0}".to_owned(), "nothing was said"),
        ("true".to_owned(), "nothing was said"),
    ] {
        assert_eq!(told(&token), expected, "{token}");
    }
}

#[test]
fn only_meta_messages_speak_of_clocks_and_invalid_ones_do_too() {
    let ext = "'ext':{'timesync':{'tc':1}}";
    let said = |message: &str| requests(&format!("{{{message},{ext}}}")).requests[0].sync.is_some();
    assert!(
        said("'channel':'/meta/handshake'") && said("'channel':'/meta/subscribe'") && said("'channel':'/meta/odd'")
    );
    assert!(!said("'channel':'/demo/a','data':1"));
}

#[test]
fn replies_bear_what_was_added_to_them_and_no_other() {
    let connect = |ack| Reply::Connect { id: Some(MessageId(Bytes::from("1"))), error: None, advice: None, ack };
    let disconnect = Reply::Disconnect { id: None, error: None };
    let sync = sync("{'tc':7,'l':0,'o':0}").unwrap();
    let now = WallTime::from_millis(RECEIVED + 40);
    let synced = Extra { sync: sync.answer(WallTime::from_millis(RECEIVED), now), time: None };
    let timed = Extra { time: Some(now), ..Extra::default() };
    let extras = [synced, Extra { time: Some(now), ..synced }, timed, Extra::default()];
    let replies = [connect(None), connect(Some(9)), disconnect.clone(), disconnect];
    let body = body_with(&[], &replies, |place| extras[place]);
    assert_eq!(body.capacity(), body.len(), "one allocation, of exactly its size");
    expect![[r#"
        [{"channel":"/meta/connect","id":1,"successful":true,"ext":{"timesync":{"tc":7,"ts":1764033412345,"p":40,"a":-1764033412338}}},
        {"channel":"/meta/connect","id":1,"successful":true,"ext":{"ack":9,"timesync":{"tc":7,"ts":1764033412345,"p":40,"a":-1764033412338}},"timestamp":"2025-11-25T01:16:52.385Z"},
        {"channel":"/meta/disconnect","successful":true,"timestamp":"2025-11-25T01:16:52.385Z"},
        {"channel":"/meta/disconnect","successful":true}]"#]].assert_eq(&String::from_utf8(body).unwrap().replace("},{", "},\n{"));
}

#[test]
fn events_bear_their_time_and_what_their_data_is() {
    let channel = Channel::parse("/a").unwrap();
    let shown = |event: Event| String::from_utf8(event.0.to_vec()).unwrap();
    let event = || Event::publication(&channel, br#"{"data":"HelloWorld","last":true}"#);
    let time = WallTime::from_millis(RECEIVED);
    let durable = Event(Bytes::from_static(br#"{"data":{"x":{}},"channel":"/a","ext":{"replay":12}}"#));
    let all = [
        event().stamped(time),
        event().with_binary(b"{}"),
        event().with_binary(br#"{ "a": "}}" }"#).stamped(time),
        durable.with_binary(b"{}").stamped(time),
        Event::answer(&channel, Some(b"\"7\""), b"{}").with_binary(b"true"),
    ];
    expect![[r#"
        {"data":{"data":"HelloWorld","last":true},"channel":"/a","timestamp":"2025-11-25T01:16:52.345Z"}
        {"data":{"data":"HelloWorld","last":true},"channel":"/a","ext":{"binary":{}}}
        {"data":{"data":"HelloWorld","last":true},"channel":"/a","ext":{"binary":{ "a": "}}" }},"timestamp":"2025-11-25T01:16:52.345Z"}
        {"data":{"x":{}},"channel":"/a","ext":{"replay":12,"binary":{}},"timestamp":"2025-11-25T01:16:52.345Z"}
        {"data":{},"channel":"/a","id":"7","successful":true,"ext":{"binary":true}}"#]].assert_eq(&all.map(shown).join("\n"));
}

#[test]
fn times_are_as_iso_8601_has_them() {
    let shown = |millis: u64| {
        let event = Event(Bytes::from_static(b"{}")).stamped(WallTime::from_millis(millis));
        String::from_utf8(event.0.to_vec()).unwrap().split('"').nth(3).unwrap().to_owned()
    };
    assert_eq!(shown(0), "1970-01-01T00:00:00.000Z");
    assert_eq!(shown(951_782_399_999), "2000-02-28T23:59:59.999Z");
    assert_eq!(shown(951_782_400_000), "2000-02-29T00:00:00.000Z");
    assert_eq!(shown(1_709_251_199_000), "2024-02-29T23:59:59.000Z");
    assert_eq!(shown(1_735_689_599_001), "2024-12-31T23:59:59.001Z");
    assert_eq!(shown(1_735_689_600_000), "2025-01-01T00:00:00.000Z");
    assert_eq!(shown(4_107_542_400_000), "2100-03-01T00:00:00.000Z");
}

#[test]
fn what_is_said_of_binary_data_is_kept_as_it_came_if_it_is_sound() {
    let binary = |ext: &str| {
        let body = requests(&format!("{{'channel':'/a','data':{{}},'ext':{ext}}}")).requests.remove(0).body;
        let told = format!("{body:?}");
        if let Body::Publish { binary, .. } = body { format!("{binary:?}") } else { told }
    };
    assert_eq!(binary("{'binary':{ 'x': 1 },'auth':'secret'}"), r#"Some(b"{ \"x\": 1 }")"#);
    assert_eq!(binary("{'binary':null}"), "None");
    assert_eq!(binary("{'binary':false}"), "None");
    assert!(binary(&format!("{{'binary':'{}'}}", "x".repeat(1_023))).contains("field_invalid"));
    assert!(binary(r"{'binary':'\ud800'}").contains("field_invalid"));
}
