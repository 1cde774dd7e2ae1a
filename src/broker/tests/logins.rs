//! Logins that end before their time, and the sessions that were begun by them; and what agents' desktops are told of
//! their states.

use expect_test::expect;

use crate::agents::{Operation, Phone, Start, Voice};
use crate::broker::tests::kit::{Desk, End, agent, connect, connect_ack, peer};
use crate::broker::{Footing, Peer};
use crate::directory::device_of;
use crate::ids::{BrowserCookie, LoginId, Number, Position, RecordId, WallTime};
use crate::log::Expected;
use crate::records::{AgentCause, AgentChanged, LoginEnded};

fn login(name: &str) -> LoginId {
    LoginId::parse(name).unwrap()
}

fn logged_in(by: &str, browser: &str) -> Peer {
    Peer { login: Some(login(by)), cookie: BrowserCookie::presented(browser), ..peer("15000") }
}

fn ended(by: &str) -> LoginEnded {
    LoginEnded { login: login(by), agent: agent("15000"), until: WallTime::default() }
}

fn end(desk: &mut Desk, by: &str) -> Position {
    let at = desk.append(ended(by).record(RecordId::draw(), WallTime::default()));
    desk.pump();
    at
}

/// The agent does all this.
fn change(desk: &mut Desk, operations: Vec<Operation>) {
    let number = Number::parse("15000").unwrap();
    let mut voice = Voice::new(agent("15000"), Phone::new(device_of(&number).unwrap(), number));
    for operation in operations {
        voice.handle_operation(WallTime::default(), operation).unwrap();
    }
    let cause = AgentCause::Operation { name: "NotReady".into(), key: None };
    let changed = AgentChanged::new(cause, voice);
    desk.append(changed.record(RecordId::draw(), WallTime::default(), Expected::Any));
    desk.pump();
}

fn disconnect(client: &str) -> String {
    format!("[{{'channel':'/meta/disconnect','id':'d','clientId':'{client}'}}]")
}

const HANDSHAKE: &str = "[{'channel':'/meta/handshake','id':'1','version':'1.0'}]";

#[test]
fn a_login_takes_the_sessions_along_that_were_begun_by_it_and_no_other() {
    let mut desk = Desk::new();
    let (mine, other) = (logged_in("a", "one"), logged_in("b", "two"));
    for (peer, client) in [(&mine, "one"), (&mine, "idle"), (&other, "two")] {
        desk.shake(peer, client, "ack");
        desk.ask(peer, &connect_ack(client, 0));
    }
    let (parked, others) = (desk.send(&mine, &connect_ack("one", 0)), desk.send(&other, &connect_ack("two", 0)));
    end(&mut desk, "a");
    expect![[r#"[{"channel":"/meta/disconnect","successful":true},{"channel":"/meta/connect","id":"c","successful":true,"advice":{"reconnect":"none"},"ext":{"ack":+3}}]"#]]
        .assert_eq(&desk.answer(parked).unwrap());
    assert_eq!(desk.answer(others), None, "it is parked still");
    expect![[r#"[{"channel":"/meta/disconnect","successful":true},{"channel":"/meta/connect","id":"c","successful":true,"advice":{"reconnect":"none"}}]"#]]
        .assert_eq(&desk.ask(&mine, &connect_ack("idle", 0)));
    assert_eq!(desk.known(), 1);
    assert!(desk.metrics.render().contains("partyline_sessions_ended_total{reason=\"logged_out\"} 2\n"));
}

#[test]
fn a_client_may_take_leave_of_a_session_whose_login_is_over() {
    let mut desk = Desk::new();
    let me = logged_in("a", "one");
    desk.shake(&me, "one", "");
    desk.ask(&me, &connect("one"));
    let parked = desk.send(&me, &connect("one"));
    end(&mut desk, "a");
    assert!(desk.answer(parked).unwrap().contains("/meta/disconnect"));
    expect![[r#"[{"channel":"/meta/disconnect","id":"d","successful":true}]"#]]
        .assert_eq(&desk.ask(&me, &disconnect("one")));
    let thief = Peer { cookie: BrowserCookie::presented("another"), ..me };
    assert!(desk.ask(&thief, &disconnect("one")).contains("402::"));
}

#[test]
fn by_a_login_that_is_over_a_connect_hears_of_its_end_and_of_nothing_else() {
    let mut desk = Desk::new();
    let (me, other) = (logged_in("a", "one"), logged_in("b", "one"));
    desk.shake(&me, "one", "");
    desk.ask(&me, &connect("one"));
    desk.shake(&other, "two", "");
    desk.ask(&other, &connect("two"));
    let leaving = Peer { footing: Footing::Leaving, ..me };
    assert_eq!(desk.ask(&leaving, &connect("two")), "denied");
    end(&mut desk, "a");
    expect![[r#"[{"channel":"/meta/disconnect","successful":true},{"channel":"/meta/connect","id":"c","successful":true,"advice":{"reconnect":"none"}}]"#]]
        .assert_eq(&desk.ask(&leaving, &connect("one")));
    assert_eq!(desk.ask(&leaving, &connect("two")), "denied");
    assert_eq!(desk.ask(&leaving, &disconnect("two")), "denied");
    assert!(desk.ask(&leaving, &disconnect("one")).contains(r#""successful":true"#));
    assert_eq!(desk.ask(&leaving, &connect("one")), "denied", "it took leave");
    assert_eq!(desk.known(), 1);
}

#[test]
fn no_session_begins_by_a_login_that_is_over() {
    let mut desk = Desk::new();
    end(&mut desk, "a");
    let refused = desk.ask(&logged_in("a", "one"), HANDSHAKE);
    assert!(refused.contains(r#""error":"403::"#) && refused.contains(r#""reconnect":"none""#), "{refused}");
    assert!(desk.ask(&logged_in("b", "one"), HANDSHAKE).contains(r#""successful":true"#));
    desk.restart(End::Killed);
    assert!(desk.ask(&logged_in("a", "one"), HANDSHAKE).contains(r#""error":"403::"#));
    desk.append(ended("a").forgotten(RecordId::draw(), WallTime::default()));
    desk.pump();
    assert!(
        desk.ask(&logged_in("a", "one"), HANDSHAKE).contains(r#""successful":true"#),
        "its cookie is too old anyhow"
    );
}

#[test]
fn a_session_knows_after_a_restart_by_which_login_it_was_begun() {
    let mut desk = Desk::new();
    let me = logged_in("a", "one");
    desk.shake(&me, "one", "ack");
    desk.ask(&me, &connect_ack("one", 0));
    desk.restart(End::Killed);
    assert_eq!(desk.known(), 1);
    end(&mut desk, "a");
    assert_eq!(desk.known(), 0);
}

#[test]
fn what_an_agent_is_told_of_its_state_comes_again_after_a_restart_with_the_same_bytes() {
    let mut desk = Desk::new();
    let me = peer("15000");
    desk.shake(&me, "one", "ack");
    desk.subscribe(&me, "one", "/v2/me/*");
    desk.shake(&peer("15001"), "two", "ack");
    desk.subscribe(&peer("15001"), "two", "/**");
    desk.ask(&me, &connect_ack("one", 0));
    let parked = desk.send(&me, &connect_ack("one", 0));
    change(&mut desk, vec![Operation::StartContactCenterSession(Start::default())]);
    let told = desk.raw_answer(parked).unwrap();
    let events = told.split(r#"{"channel":"/meta/connect""#).next().unwrap().to_owned();
    assert_eq!(events.matches(r#""channel":"/v2/me/"#).count(), 2, "{events}");
    desk.restart(End::Killed);
    let key = desk.send(&me, &connect_ack("one", 0));
    desk.pump();
    let again = desk.raw_answer(key).unwrap();
    assert!(again.starts_with(&events), "{again}\n{events}");
    let other = desk.send(&peer("15001"), &connect_ack("two", 0));
    desk.pump();
    assert_eq!(desk.answer(other), None, "another agent has nothing to hear");
}
