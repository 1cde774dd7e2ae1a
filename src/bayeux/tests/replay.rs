//! `ext.replay` as clients send it, and positions in what is told.

use bytes::Bytes;

use crate::bayeux::{Batch, Body, Channel, Event, Limits, Pattern, ReplayFrom};
use crate::ids::Position;

fn asked(subscription: &str, ext: &str) -> Result<Vec<(String, ReplayFrom)>, String> {
    let body = format!(r#"[{{"channel":"/meta/subscribe","clientId":"x","subscription":{subscription},"ext":{ext}}}]"#);
    let limits = Limits { batch_messages: 1, json_depth: 32, subscriptions: 9 };
    let batch = Batch::decode(&Bytes::from(body), &limits).unwrap();
    match &batch.requests[0].body {
        Body::Subscribe { replay, .. } => {
            Ok(replay.iter().map(|(pattern, from)| (pattern.to_string(), *from)).collect())
        }
        Body::Invalid { error, .. } => Err(error.to_string()),
        other @ (Body::Connect { .. }
        | Body::Disconnect
        | Body::Handshake { .. }
        | Body::Publish { .. }
        | Body::Unsubscribe { .. }) => panic!("{other:?}"),
    }
}

#[test]
fn a_map_says_from_where_on_and_what_it_says_of_other_channels_does_not_matter() {
    let one = |from| Ok(vec![("/a".to_owned(), from)]);
    assert_eq!(asked(r#""/a""#, r#"{"replay":{"/a":-1}}"#), one(ReplayFrom::New));
    assert_eq!(asked(r#""/a""#, r#"{"replay":{"/a":"-2"}}"#), one(ReplayFrom::All));
    assert_eq!(asked(r#""/a""#, r#"{"replay":{"/b":"x","/a":0}}"#), one(ReplayFrom::After(Position::ZERO)));
    let large = ReplayFrom::After(Position::new(1_882_791_304_566_415));
    assert_eq!(asked(r#""/a""#, r#"{"replay":{"/a/":"1882791304566415"},"ack":true}"#), one(large));
    for nothing in [r"{}", r#"{"replay":true}"#, r#"{"replay":{}}"#, r#"{"replay":{"/a":null}}"#, r#"{"replay":-2}"#] {
        assert_eq!(asked(r#""/a""#, nothing), Ok(vec![]), "{nothing}");
    }
    let both = asked(r#"["/a/**","/b"]"#, r#"{"replay":{"/b":-1,"/a/**":-2,"/a/c":7,"no":1}}"#).unwrap();
    assert_eq!(both, [("/a/**".to_owned(), ReplayFrom::All), ("/b".to_owned(), ReplayFrom::New)]);
}

#[test]
fn a_pattern_that_stands_there_in_two_spellings_is_asked_for_once() {
    let asked = asked(r#""/a""#, r#"{"replay":{"/a/":7,"/a":-2}}"#).unwrap();
    assert_eq!(asked, [("/a".to_owned(), ReplayFrom::After(Position::new(7)))]);
}

#[test]
fn a_map_with_half_a_character_in_a_name_is_not_passed_over_in_silence() {
    let refused = asked(r#""/a""#, r#"{"replay":{"\ud800":1,"/a":-2}}"#);
    assert_eq!(refused, Err("400:ext:field_invalid".to_owned()));
}

#[test]
fn what_is_neither_a_position_nor_one_of_the_two_words_is_refused_by_name() {
    for id in ["-3", "1.5", "\"\"", "\"+1\"", "true", "{}", "[1]", "99999999999999999999", "\" 1\"", "1e3"] {
        let refused = asked(r#""/a""#, &format!(r#"{{"replay":{{"/a":{id}}}}}"#));
        assert_eq!(refused, Err("400:/a:replay_id_invalid".to_owned()), "{id}");
    }
}

fn told(data: &str) -> String {
    let channel = Channel::parse("/e").unwrap();
    let event = Event::durable_with_id(&channel, data.as_bytes(), Position::new(42));
    let text = String::from_utf8(event.0.to_vec()).unwrap();
    let inner = text.strip_prefix(r#"{"data":"#).unwrap();
    inner.strip_suffix(r#","channel":"/e","ext":{"replay":42}}"#).unwrap().to_owned()
}

#[test]
fn the_position_goes_into_an_object_event_and_every_other_byte_stays() {
    for (data, expected) in [
        (r#"{"event":{}}"#, r#"{"event":{"replayId":42}}"#),
        (r#"{ "a" : 1 , "event" : { "b" : 2 } }"#, r#"{ "a" : 1 , "event" : {"replayId":42, "b" : 2 } }"#),
        (r#"{"event":{ "replayId" : "old" , "b":[1]}}"#, r#"{"event":{ "replayId" : 42 , "b":[1]}}"#),
        (r#"{"\u0065vent":{"x":1}}"#, r#"{"\u0065vent":{"replayId":42,"x":1}}"#),
        (r#"{"event":1,"event":{}}"#, r#"{"event":1,"event":{"replayId":42}}"#),
        (r#"{"x":{"event":{}}}"#, r#"{"x":{"event":{}}}"#),
        (r#"{"event":[{}]}"#, r#"{"event":[{}]}"#),
        (r#"{"event":{},"event":null}"#, r#"{"event":{},"event":null}"#),
        (r#""event""#, r#""event""#),
        ("[1,2]", "[1,2]"),
        ("1", "1"),
    ] {
        assert_eq!(told(data), expected);
    }
}

#[test]
fn patterns_meet_where_a_channel_can_match_both_and_one_contains_what_matches_nothing_else() {
    let pattern = |text: &str| Pattern::parse(text).unwrap();
    let all = ["/a", "/a/b", "/a/*", "/a/**", "/a/b/*", "/a/b/**", "/ab/*", "/*", "/**", "/service/x", "/service/*"];
    // A channel for whatever the patterns above can tell apart.
    let channels = [
        "/a",
        "/a/b",
        "/a/x",
        "/a/b/x",
        "/a/b/x/y",
        "/a/x/y",
        "/ab/x",
        "/x",
        "/x/y",
        "/service/x",
        "/service/y",
        "/service/x/y",
    ];
    let matched = |p: &Pattern, c: &str| p.matches(&Channel::parse(c).unwrap());
    for (one, two) in all.iter().flat_map(|one| all.iter().map(move |two| (*one, *two))) {
        let (first, second) = (pattern(one), pattern(two));
        let expected = channels.iter().any(|channel| matched(&first, channel) && matched(&second, channel));
        assert_eq!(first.meets(&second), expected, "{one} and {two}");
        let expected = channels.iter().all(|channel| !matched(&second, channel) || matched(&first, channel));
        assert_eq!(first.contains(&second), expected, "{one} and {two}");
    }
}
