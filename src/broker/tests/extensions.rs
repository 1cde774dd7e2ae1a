//! Times, binary data and idleness.

use std::time::Duration;

use expect_test::expect;

use crate::bayeux::SlowConsumer;
use crate::broker::tests::kit::{Desk, End, connect, connect_ack, peer, publish, settings};
use crate::broker::{Activity, SessionRules, Settings, Stamp};
use crate::ids::ClientId;
use crate::metrics::EndReason;

fn desk(session_rules: SessionRules) -> Desk {
    let mut desk = Desk::with(Settings { session_rules, ..settings() });
    desk.shake(&peer("15000"), "one", "");
    desk.subscribe(&peer("15000"), "one", "/demo/*");
    desk.ask(&peer("15000"), &connect("one"));
    desk
}

#[test]
fn each_message_of_a_request_gets_its_own_word_of_clocks() {
    let mut desk = desk(SessionRules::default());
    let clock = |tc: u64| format!("'ext':{{'timesync':{{'tc':{tc},'l':0,'o':0}}}}");
    let body = format!(
        "[{{'channel':'/meta/subscribe','id':'1','clientId':'one','subscription':'/demo/a',{}}},\
          {{'channel':'/demo/b','id':'2','clientId':'one','data':1}},\
          {{'channel':'/meta/connect','id':'3','clientId':'one',{}}}]",
        clock(11),
        clock(13)
    );
    let answer = desk.ask(&peer("15000"), &body);
    let replies: Vec<&str> = answer.split(r#","channel":"#).flat_map(|part| part.split(r#"{"channel":"#)).collect();
    let has = |id: &str, word: &str| replies.iter().any(|reply| reply.contains(id) && reply.contains(word));
    assert!(
        has(r#""id":"1""#, r#""timesync":{"tc":11,"ts":"#) && has(r#""id":"3""#, r#""timesync":{"tc":13,"#),
        "{answer}"
    );
    assert!(!has(r#""id":"2""#, "timesync"), "{answer}");
}

#[test]
fn what_is_said_of_binary_data_goes_with_it_also_after_a_restart_and_nothing_else_of_ext() {
    let mut desk = Desk::new();
    desk.shake(&peer("15000"), "one", "ack");
    desk.subscribe(&peer("15000"), "one", "/demo/*");
    desk.ask(&peer("15000"), &connect_ack("one", 0));
    let parked = desk.send(&peer("15000"), &connect_ack("one", 0));
    let body = "[{'channel':'/demo/a','id':'p','clientId':'one','data':{'data':'HelloWorld'},\
        'ext':{'binary':{ },'token':'secret'}}]";
    desk.ask(&peer("15000"), body);
    let first = desk.answer(parked).unwrap();
    expect![[r#"[{"data":{"data":"HelloWorld"},"channel":"/demo/a","ext":{"binary":{ }}},{"channel":"/meta/connect","id":"c","successful":true,"ext":{"ack":+3}}]"#]].assert_eq(&first);
    desk.restart(End::Killed);
    let again = desk.ask(&peer("15000"), &connect_ack("one", 0));
    assert_eq!(again.split(",{").next(), first.split(",{").next());
}

#[test]
fn every_message_bears_its_time_if_that_is_wanted_and_a_redelivery_the_same() {
    let session_rules = SessionRules { stamp: Stamp::Everything, ..SessionRules::default() };
    let mut desk = desk(session_rules);
    let parked = desk.send(&peer("15000"), &connect("one"));
    desk.publish("/demo/a", "1");
    let first = desk.answer(parked).unwrap();
    let stamp = r#"{"data":1,"channel":"/demo/a","timestamp":"1970-01-01T00:00:00.000Z"}"#;
    assert!(first.starts_with(&format!("[{stamp}")), "{first}");
    assert_eq!(first.matches(r#""timestamp":""#).count(), 2, "the reply, too: {first}");
    desk.lost(parked);
    assert!(desk.ask(&peer("15000"), &connect("one")).contains(stamp));
    let echo = desk.ask(&peer("15000"), &publish("one", "/service/echo", "2"));
    assert_eq!(echo.matches(r#""timestamp":""#).count(), 2, "{echo}");
    desk.sessions.handle_end(desk.now, ClientId::presented("one").session(), EndReason::Ended);
    desk.pump();
    let last = desk.ask(&peer("15000"), &connect("one"));
    assert!(last.starts_with(r#"[{"channel":"/meta/disconnect","successful":true,"timestamp":""#), "{last}");
    assert_eq!(last.matches(r#""timestamp":""#).count(), 2, "{last}");
}

#[test]
fn word_of_a_gap_bears_its_time_too() {
    let slow_consumer = SlowConsumer::DropOldest;
    let mut desk = desk(SessionRules { stamp: Stamp::Everything, slow_consumer, ..SessionRules::default() });
    for n in 0..9 {
        desk.publish("/demo/a", &n.to_string());
    }
    let answer = desk.ask(&peer("15000"), &connect("one"));
    let gap = r#"[{"data":{"dropped":5},"channel":"/service/partyline/gap","timestamp":"20"#;
    assert!(answer.starts_with(gap), "{answer}");
}

#[test]
fn a_client_that_only_connects_is_sent_away_when_it_has_been_idle_too_long() {
    for activity in [Activity::Client, Activity::ClientServer] {
        let rules = SessionRules { max_inactivity: Some(Duration::from_secs(20)), activity, ..SessionRules::default() };
        let mut desk = desk(rules);
        let connects = |desk: &mut Desk| {
            desk.pass(Duration::from_secs(8));
            let body = "[{'channel':'/meta/connect','id':'c','clientId':'one','advice':{'timeout':0}}]";
            let key = desk.send(&peer("15000"), body);
            // It waits a second for word of the response before it.
            desk.pass(Duration::from_secs(1));
            desk.answer(key).unwrap()
        };
        assert!(connects(&mut desk).contains("retry"));
        desk.ask(&peer("15000"), &publish("one", "/demo/a/b", "1"));
        assert!(connects(&mut desk).contains("retry"));
        desk.publish("/demo/a", "2");
        assert!(connects(&mut desk).contains("retry"));
        let third = connects(&mut desk);
        match activity {
            Activity::Client => {
                expect![[r#"[{"channel":"/meta/disconnect","successful":true},{"channel":"/meta/connect","id":"c","successful":true,"advice":{"reconnect":"none"}}]"#]].assert_eq(&third);
                assert!(desk.metrics.render().contains("partyline_sessions_ended_total{reason=\"idle\"} 1\n"));
                assert_eq!(desk.known(), 0);
                desk.assert_idle();
            }
            Activity::ClientServer => assert!(third.contains("retry"), "it was told something meanwhile: {third}"),
        }
    }
}
