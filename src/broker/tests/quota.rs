//! What one session, one address and all together may do.

use std::time::Duration;

use crate::broker::tests::kit::{Desk, connect, peer, publish, settings};
use crate::broker::{Peer, SessionRules, Settings};
use crate::ids::BrowserCookie;
use crate::log::Outcome;

fn desk(session_rules: SessionRules) -> Desk {
    Desk::with(Settings { session_rules, ..settings() })
}

fn is_refused(answer: &str, limit: &str) -> bool {
    answer.contains(&format!(r#""successful":false,"error":"429::limit:{limit}""#))
}

#[test]
fn a_session_publishes_at_its_rate_and_a_burst_at_once() {
    let mut desk = desk(SessionRules { publish_rate: Some(5), ..SessionRules::default() });
    let me = peer("15000");
    desk.shake(&me, "one", "");
    let publishes = |desk: &mut Desk| {
        (0..200).take_while(|_| !is_refused(&desk.ask(&me, &publish("one", "/demo/a", "1")), "publish_rate")).count()
    };
    assert_eq!(publishes(&mut desk), 50);
    desk.pass(Duration::from_secs(1));
    assert_eq!(publishes(&mut desk), 5);
    desk.pass(Duration::from_millis(199));
    assert_eq!(publishes(&mut desk), 0);
    desk.pass(Duration::from_millis(1));
    assert_eq!(publishes(&mut desk), 1);
    assert!(
        is_refused(&desk.ask(&me, &publish("one", "/service/echo", "1")), "publish_rate"),
        "a question counts, too"
    );
    assert!(is_refused(&desk.subscribe(&me, "one", "/demo/b"), "publish_rate"), "a change of its record, too");
    desk.shake(&me, "two", "");
    assert!(desk.ask(&me, &publish("two", "/demo/a", "1")).contains(r#""successful":true"#), "each has its own");
    assert!(desk.metrics.render().contains("partyline_rejected_total{limit=\"publish_rate\"} 6\n"));
}

#[test]
fn so_many_sessions_may_come_from_one_address_and_a_place_comes_free_when_one_ends() {
    let mut desk = desk(SessionRules { sessions_per_address: Some(2), ..SessionRules::default() });
    let at = |agent: &str, address: &str| Peer {
        address: Some(address.parse().unwrap()),
        cookie: BrowserCookie::presented(agent),
        ..peer(agent)
    };
    let refused = |answer: String| is_refused(&answer, "sessions_per_address");
    assert!(!refused(desk.shake(&at("15000", "192.0.2.1"), "one", "")));
    desk.faults = vec![Outcome::Full];
    assert!(desk.shake(&at("15001", "192.0.2.1"), "lost", "").contains("503"));
    assert!(!refused(desk.shake(&at("15001", "192.0.2.1"), "two", "")), "what failed does not count");
    assert!(refused(desk.shake(&at("15002", "::ffff:192.0.2.1"), "three", "")), "that is the same address");
    assert!(!refused(desk.shake(&at("15002", "192.0.2.2"), "three", "")));
    assert!(!refused(desk.shake(&peer("15003"), "four", "")), "from nowhere in particular");
    for n in 0..2 {
        assert!(!refused(desk.shake(&at("15004", &format!("2001:db8::{n}")), &format!("six{n}"), "")));
    }
    assert!(refused(desk.shake(&at("15005", "2001:db8::ffff"), "six", "")), "a customer has a whole network");
    assert!(!refused(desk.shake(&at("15005", "2001:db8:0:1::"), "six", "")));
    desk.ask(&at("15001", "192.0.2.1"), "[{'channel':'/meta/disconnect','id':'d','clientId':'two'}]");
    assert!(!refused(desk.shake(&at("15006", "192.0.2.1"), "seven", "")), "one has gone");
    desk.sessions.forget();
    assert!(desk.sessions.total.addresses.enter("192.0.2.1".parse().unwrap(), 1), "none is left");
}

#[test]
fn so_many_channels_there_may_be_and_those_that_are_there_may_be_used() {
    let mut desk = desk(SessionRules { channels: 3, ..SessionRules::default() });
    let me = peer("15000");
    desk.shake(&me, "one", "");
    for pattern in ["/demo/a", "/demo/b", "/demo/*"] {
        assert!(desk.subscribe(&me, "one", pattern).contains(r#""successful":true"#));
    }
    assert!(is_refused(&desk.subscribe(&me, "one", "/demo/c"), "channels"));
    desk.shake(&peer("15001"), "two", "");
    assert!(desk.subscribe(&peer("15001"), "two", "/demo/a").contains(r#""successful":true"#), "it is there");
    for channel in ["/demo/x", "/demo/y", "/demo/z", "/demo/x"] {
        let answer = desk.ask(&peer("15001"), &publish("two", channel, "1"));
        assert!(answer.contains(r#""successful":true"#), "{answer}");
    }
    assert!(is_refused(&desk.ask(&peer("15001"), &publish("two", "/demo/more", "1")), "channels"));
    assert!(desk.metrics.render().contains("partyline_rejected_total{limit=\"channels\"} 2\n"));
    desk.ask(&me, "[{'channel':'/meta/unsubscribe','id':'u','clientId':'one','subscription':'/demo/b'}]");
    assert!(desk.subscribe(&me, "one", "/demo/c").contains(r#""successful":true"#), "one has gone");
    desk.ask(&me, &connect("one"));
}
