//! The core: what it sends, and when, for what the server says.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use bytes::Bytes;
use expect_test::{Expect, expect};

use crate::bayeux::tests::play::start;
use crate::bayeux::{Client, ClientOptions, PublishOutcome};

const JOIN: &str = r#"[{"channel":"/meta/handshake","id":"1","successful":true,"clientId":"c1","version":"1.0","supportedConnectionTypes":["long-polling"],"advice":{"reconnect":"retry","interval":0,"timeout":30000}}]"#;
const JOIN_ACK: &str = r#"[{"channel":"/meta/handshake","successful":true,"clientId":"c1","ext":{"ack":true},"advice":{"reconnect":"retry"}}]"#;
const REJOIN: &str = r#"[{"channel":"/meta/handshake","successful":true,"clientId":"c2"}]"#;
const SUBSCRIBED: &str = r#"[{"channel":"/meta/subscribe","id":"2","subscription":"/a","successful":true}]"#;
const CONNECTED: &str = r#"[{"channel":"/meta/connect","id":"3","successful":true}]"#;
const UNKNOWN: &str = r#"[{"channel":"/meta/connect","successful":false,"error":"402::session_unknown","advice":{"reconnect":"handshake","interval":0}}]"#;

/// Plays answers to a client: an answer is a body, `lost`, or `cut` for a request that was abandoned.
fn play(options: ClientOptions, patterns: &[&str], answers: &[&str]) -> (String, Client, Instant) {
    let began = start();
    let mut now = began;
    let mut core = Client::new(now, options);
    for pattern in patterns {
        core.subscribe(now, pattern);
    }
    let mut transcript = String::new();
    for answer in answers {
        if *answer != "cut" || core.poll_timeout().is_some() {
            now = core.poll_timeout().unwrap_or(now).max(now);
        }
        let Some(request) = core.poll_request(now) else {
            writeln!(transcript, "nothing to send").unwrap();
            break;
        };
        let body = std::str::from_utf8(&request.body).unwrap();
        writeln!(transcript, "{}ms {body}", now.duration_since(began).as_millis()).unwrap();
        match *answer {
            "cut" => {}
            "lost" => core.handle_lost(now),
            body => {
                if core.handle_response(now, &Bytes::copy_from_slice(body.as_bytes())).is_err() {
                    writeln!(transcript, "  malformed").unwrap();
                }
            }
        }
        while let Some(event) = core.poll_event() {
            writeln!(transcript, "  {} = {}", event.channel, std::str::from_utf8(&event.data).unwrap()).unwrap();
        }
    }
    if let Some(ended) = core.ended() {
        writeln!(transcript, "ended: {ended}").unwrap();
    }
    (transcript, core, now)
}

fn check(options: ClientOptions, patterns: &[&str], answers: &[&str], expected: &Expect) {
    expected.assert_eq(&play(options, patterns, answers).0);
}

#[test]
fn it_sends_what_the_javascript_client_sends() {
    check(
        ClientOptions::default(),
        &["/a"],
        &[JOIN, SUBSCRIBED, CONNECTED, CONNECTED],
        &expect![[r#"
        0ms [{"id":"1","version":"1.0","minimumVersion":"1.0","channel":"/meta/handshake","supportedConnectionTypes":["long-polling"],"advice":{"timeout":60000,"interval":0}}]
        0ms [{"id":"2","channel":"/meta/subscribe","subscription":"/a","clientId":"c1"}]
        0ms [{"id":"3","channel":"/meta/connect","connectionType":"long-polling","advice":{"timeout":0},"clientId":"c1"}]
        0ms [{"id":"4","channel":"/meta/connect","connectionType":"long-polling","clientId":"c1"}]
    "#]],
    );
}

#[test]
fn events_come_before_the_reply_and_keep_their_bytes() {
    let answer = r#"[{"channel":"/a","data":{"x": 1.50}},{"channel":"/a","data":null},{"channel":"/meta/connect","successful":true}]"#;
    check(
        ClientOptions::default(),
        &[],
        &[JOIN, CONNECTED, answer, "cut"],
        &expect![[r#"
        0ms [{"id":"1","version":"1.0","minimumVersion":"1.0","channel":"/meta/handshake","supportedConnectionTypes":["long-polling"],"advice":{"timeout":60000,"interval":0}}]
        0ms [{"id":"2","channel":"/meta/connect","connectionType":"long-polling","advice":{"timeout":0},"clientId":"c1"}]
        0ms [{"id":"3","channel":"/meta/connect","connectionType":"long-polling","clientId":"c1"}]
          /a = {"x": 1.50}
        0ms [{"id":"4","channel":"/meta/connect","connectionType":"long-polling","clientId":"c1"}]
    "#]],
    );
}

#[test]
fn an_unknown_session_handshakes_and_subscribes_again() {
    check(
        ClientOptions::default(),
        &["/a", "/b/*"],
        &[JOIN, SUBSCRIBED, CONNECTED, UNKNOWN, REJOIN, SUBSCRIBED, CONNECTED],
        &expect![[r#"
            0ms [{"id":"1","version":"1.0","minimumVersion":"1.0","channel":"/meta/handshake","supportedConnectionTypes":["long-polling"],"advice":{"timeout":60000,"interval":0}}]
            0ms [{"id":"2","channel":"/meta/subscribe","subscription":["/a","/b/*"],"clientId":"c1"}]
            0ms [{"id":"3","channel":"/meta/connect","connectionType":"long-polling","advice":{"timeout":0},"clientId":"c1"}]
            0ms [{"id":"4","channel":"/meta/connect","connectionType":"long-polling","clientId":"c1"}]
            0ms [{"id":"5","version":"1.0","minimumVersion":"1.0","channel":"/meta/handshake","supportedConnectionTypes":["long-polling"],"advice":{"timeout":60000,"interval":0}}]
            0ms [{"id":"6","channel":"/meta/subscribe","subscription":["/a","/b/*"],"clientId":"c2"}]
            0ms [{"id":"7","channel":"/meta/connect","connectionType":"long-polling","advice":{"timeout":0},"clientId":"c2"}]
        "#]],
    );
}

#[test]
fn an_unknown_session_without_advice_means_the_same() {
    let bare = r#"[{"channel":"/meta/connect","successful":false,"error":"402::Unknown client"}]"#;
    let (_, core, _) = play(ClientOptions::default(), &[], &[JOIN, bare, REJOIN]);
    assert!(core.is_joined());
    assert_eq!(core.rehandshakes(), 1);
}

#[test]
fn a_server_that_forgets_each_session_at_once_is_not_pressed() {
    check(
        ClientOptions::default(),
        &[],
        &[JOIN, UNKNOWN, JOIN, UNKNOWN, JOIN, CONNECTED],
        &expect![[r#"
        0ms [{"id":"1","version":"1.0","minimumVersion":"1.0","channel":"/meta/handshake","supportedConnectionTypes":["long-polling"],"advice":{"timeout":60000,"interval":0}}]
        0ms [{"id":"2","channel":"/meta/connect","connectionType":"long-polling","advice":{"timeout":0},"clientId":"c1"}]
        100ms [{"id":"3","version":"1.0","minimumVersion":"1.0","channel":"/meta/handshake","supportedConnectionTypes":["long-polling"],"advice":{"timeout":60000,"interval":0}}]
        100ms [{"id":"4","channel":"/meta/connect","connectionType":"long-polling","advice":{"timeout":0},"clientId":"c1"}]
        300ms [{"id":"5","version":"1.0","minimumVersion":"1.0","channel":"/meta/handshake","supportedConnectionTypes":["long-polling"],"advice":{"timeout":60000,"interval":0}}]
        300ms [{"id":"6","channel":"/meta/connect","connectionType":"long-polling","advice":{"timeout":0},"clientId":"c1"}]
    "#]],
    );
}

#[test]
fn it_acknowledges_the_newest_number_and_begins_again_at_nothing() {
    let five = r#"[{"channel":"/meta/connect","successful":true,"ext":{"ack":5}}]"#;
    check(
        ClientOptions { ack: true },
        &[],
        &[JOIN_ACK, five, CONNECTED, UNKNOWN, JOIN_ACK, five],
        &expect![[r#"
        0ms [{"id":"1","version":"1.0","minimumVersion":"1.0","channel":"/meta/handshake","supportedConnectionTypes":["long-polling"],"advice":{"timeout":60000,"interval":0},"ext":{"ack":true}}]
        0ms [{"id":"2","channel":"/meta/connect","connectionType":"long-polling","advice":{"timeout":0},"ext":{"ack":0},"clientId":"c1"}]
        0ms [{"id":"3","channel":"/meta/connect","connectionType":"long-polling","ext":{"ack":5},"clientId":"c1"}]
        0ms [{"id":"4","channel":"/meta/connect","connectionType":"long-polling","ext":{"ack":5},"clientId":"c1"}]
        0ms [{"id":"5","version":"1.0","minimumVersion":"1.0","channel":"/meta/handshake","supportedConnectionTypes":["long-polling"],"advice":{"timeout":60000,"interval":0},"ext":{"ack":true}}]
        0ms [{"id":"6","channel":"/meta/connect","connectionType":"long-polling","advice":{"timeout":0},"ext":{"ack":0},"clientId":"c1"}]
    "#]],
    );
}

#[test]
fn it_sends_no_number_unless_that_was_agreed_on() {
    let (transcript, ..) = play(ClientOptions { ack: true }, &[], &[JOIN, CONNECTED, CONNECTED]);
    assert_eq!(transcript.matches("\"ext\"").count(), 1, "only the handshake asks: {transcript}");
}

#[test]
fn an_interval_is_waited_for() {
    let slow = r#"[{"channel":"/meta/connect","successful":true,"advice":{"reconnect":"retry","interval":2000,"timeout":1000}}]"#;
    let (_, mut core, now) = play(ClientOptions::default(), &[], &[JOIN, slow]);
    assert_eq!(core.poll_timeout(), Some(now + Duration::from_secs(2)));
    assert!(core.poll_request(now + Duration::from_millis(1999)).is_none());
    let held = core.poll_request(now + Duration::from_secs(2)).unwrap();
    assert_eq!(held.patience, Duration::from_secs(11), "the advised hold and the time that any request may take");
}

#[test]
fn a_lost_connect_is_repeated_after_a_growing_pause_and_asks_for_an_answer_at_once() {
    check(
        ClientOptions::default(),
        &[],
        &[JOIN, CONNECTED, "lost", "lost", "[]", CONNECTED, CONNECTED],
        &expect![[r#"
        0ms [{"id":"1","version":"1.0","minimumVersion":"1.0","channel":"/meta/handshake","supportedConnectionTypes":["long-polling"],"advice":{"timeout":60000,"interval":0}}]
        0ms [{"id":"2","channel":"/meta/connect","connectionType":"long-polling","advice":{"timeout":0},"clientId":"c1"}]
        0ms [{"id":"3","channel":"/meta/connect","connectionType":"long-polling","clientId":"c1"}]
        100ms [{"id":"4","channel":"/meta/connect","connectionType":"long-polling","advice":{"timeout":0},"clientId":"c1"}]
        300ms [{"id":"5","channel":"/meta/connect","connectionType":"long-polling","advice":{"timeout":0},"clientId":"c1"}]
          malformed
        700ms [{"id":"6","channel":"/meta/connect","connectionType":"long-polling","advice":{"timeout":0},"clientId":"c1"}]
        700ms [{"id":"7","channel":"/meta/connect","connectionType":"long-polling","clientId":"c1"}]
    "#]],
    );
}

#[test]
fn an_abandoned_request_counts_as_lost() {
    let (_, mut core, now) = play(ClientOptions::default(), &[], &[JOIN, CONNECTED, "cut"]);
    assert_eq!(core.poll_timeout(), None);
    assert!(core.poll_request(now).is_none(), "the pause comes first");
    assert_eq!(core.poll_timeout(), Some(now + Duration::from_millis(100)));
}

#[test]
fn advice_none_ends_it() {
    let none = r#"[{"channel":"/meta/connect","successful":true,"advice":{"reconnect":"none"}}]"#;
    check(
        ClientOptions::default(),
        &[],
        &[JOIN, none, CONNECTED],
        &expect![[r#"
        0ms [{"id":"1","version":"1.0","minimumVersion":"1.0","channel":"/meta/handshake","supportedConnectionTypes":["long-polling"],"advice":{"timeout":60000,"interval":0}}]
        0ms [{"id":"2","channel":"/meta/connect","connectionType":"long-polling","advice":{"timeout":0},"clientId":"c1"}]
        nothing to send
        ended: the server advised not to come back
    "#]],
    );
}

#[test]
fn a_refused_handshake_ends_it_and_so_does_a_refused_subscription() {
    let refused = r#"[{"channel":"/meta/handshake","successful":false,"error":"403::handshake_denied","advice":{"reconnect":"none"}}]"#;
    check(
        ClientOptions::default(),
        &[],
        &[refused],
        &expect![[r#"
        0ms [{"id":"1","version":"1.0","minimumVersion":"1.0","channel":"/meta/handshake","supportedConnectionTypes":["long-polling"],"advice":{"timeout":60000,"interval":0}}]
        ended: the handshake was refused: 403::handshake_denied
    "#]],
    );
    let refused = r#"[{"channel":"/meta/subscribe","successful":false,"error":"403:/a:subscribe_denied"}]"#;
    check(
        ClientOptions::default(),
        &["/a"],
        &[JOIN, refused],
        &expect![[r#"
        0ms [{"id":"1","version":"1.0","minimumVersion":"1.0","channel":"/meta/handshake","supportedConnectionTypes":["long-polling"],"advice":{"timeout":60000,"interval":0}}]
        0ms [{"id":"2","channel":"/meta/subscribe","subscription":"/a","clientId":"c1"}]
        ended: a subscription was refused: 403:/a:subscribe_denied
    "#]],
    );
}

#[test]
fn a_publication_goes_beside_a_held_connect() {
    let (_, mut core, now) = play(ClientOptions::default(), &[], &[JOIN, CONNECTED, "cut"]);
    let request = core.publish("/b", br#"{"x":1}"#).unwrap();
    expect![[r#"[{"id":"4","channel":"/b","data":{"x":1},"clientId":"c1"}]"#]]
        .assert_eq(std::str::from_utf8(&request.body).unwrap());
    let mut answer = |body: &'static str| core.handle_published(now, &Bytes::from_static(body.as_bytes()));
    assert_eq!(answer(r#"[{"channel":"/b","id":"4","successful":true}]"#), Ok(PublishOutcome::Accepted));
    assert_eq!(
        answer(r#"[{"channel":"/b","data":1},{"channel":"/b","successful":false,"error":"429::limit:publish_rate"}]"#),
        Ok(PublishOutcome::Refused("429::limit:publish_rate".into()))
    );
    assert!(answer("[]").is_err());
    assert_eq!(&*core.poll_event().unwrap().data, b"1", "what rode along is not lost");
    assert!(core.poll_timeout().is_none(), "the connect is still held");
}

#[test]
fn no_bytes_from_the_server_upset_it() {
    let seeds = [JOIN, JOIN_ACK, SUBSCRIBED, CONNECTED, UNKNOWN];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut draw = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let (mut joined, mut malformed) = (0, 0);
    for _ in 0..2000 {
        let mut now = start();
        let mut core = Client::new(now, ClientOptions { ack: true });
        core.subscribe(now, "/a");
        for _ in 0..6 {
            now = core.poll_timeout().unwrap_or(now).max(now);
            let Some(_request) = core.poll_request(now) else { break };
            let mut body = seeds[draw(seeds.len())].as_bytes().to_vec();
            if draw(2) == 0 {
                let at = draw(body.len());
                body[at] = u8::try_from(draw(256)).unwrap();
            }
            malformed += usize::from(core.handle_response(now, &Bytes::from(body)).is_err());
            joined += usize::from(core.is_subscribed());
        }
    }
    assert!(joined > 100 && malformed > 1000, "joined {joined}, malformed {malformed}");
}
