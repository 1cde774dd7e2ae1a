//! Messages to service channels, and what a back end answers.

use bytes::Bytes;
use expect_test::{Expect, expect};

use crate::bayeux::Pattern;
use crate::broker::service::Ask;
use crate::broker::tests::kit::{Desk, connect, nobody, peer, publish, settings, subscribe};
use crate::broker::{Anonymous, Rule, Rules, Settings, Store, Who};
use crate::log::Log;
use crate::upstream::{Answer, Endpoint, Failure};

fn desk() -> Desk {
    let rule = Rule {
        pattern: Pattern::parse("/service/crm/**").unwrap(),
        subscribe: Who::Nobody,
        publish: Who::Agents,
        create: Who::Nobody,
        store: Store::Volatile,
        upstream: Some(Endpoint::parse("http://crm/ask").unwrap()),
        lazy: None,
        broadcast_to_publisher: None,
    };
    let mut desk = Desk::with(Settings { anonymous: Anonymous::Allow, rules: Rules::new(vec![rule]), ..settings() });
    desk.shake(&peer("15000"), "c", "");
    desk.ask(&peer("15000"), &connect("c"));
    desk
}

/// Asks, has a back end answer this, and gives the reply and what comes after it.
fn told(answer: Answer, expected: Expect) {
    let mut desk = desk();
    let me = peer("15000");
    let reply = desk.ask(&me, &publish("c", "/service/crm/find", "{'n':1}"));
    let Ask { endpoint, question, asked } = desk.asks.pop().expect("a question");
    assert_eq!((endpoint.to_string().as_str(), &question.data[..]), ("http://crm/ask", &b"{\"n\":1}"[..]));
    assert_eq!(question.agent.map(|agent| agent.to_string()), Some("15000".to_owned()));
    desk.sessions.handle_answered(asked, answer);
    desk.pump();
    let key = desk.send(&me, &connect("c").replace("'id'", "'advice':{'timeout':0},'id'"));
    desk.pump();
    let body = desk.answer(key).expect("an answer");
    expected.assert_eq(&format!("{reply}\n{body}\n"));
}

#[test]
fn what_a_back_end_answers_ends_the_remote_call() {
    told(
        Answer::Data(Bytes::from_static(b"[2]")),
        expect![[r#"
            [{"channel":"/service/crm/find","id":"p","successful":true}]
            [{"data":[2],"channel":"/service/crm/find","id":"p","successful":true},{"channel":"/meta/connect","id":"c","successful":true,"advice":{"reconnect":"retry","interval":0,"timeout":30000}}]
        "#]],
    );
}

#[test]
fn what_a_back_end_refuses_fails_the_remote_call() {
    told(
        Answer::Refused(Bytes::from_static(b"{\"why\":\"no\"}")),
        expect![[r#"
            [{"channel":"/service/crm/find","id":"p","successful":true}]
            [{"data":{"why":"no"},"channel":"/service/crm/find","id":"p","successful":false,"error":"400:/service/crm/find:upstream_refused"},{"channel":"/meta/connect","id":"c","successful":true,"advice":{"reconnect":"retry","interval":0,"timeout":30000}}]
        "#]],
    );
}

#[test]
fn a_back_end_that_does_not_answer_fails_it_too_and_each_reason_has_its_error() {
    let mut desk = desk();
    let me = peer("15000");
    let mut errors = String::new();
    for failure in [Failure::Broken, Failure::Busy, Failure::Invalid, Failure::Late, Failure::Unreachable] {
        desk.ask(&me, &publish("c", "/service/crm/find", "1"));
        let asked = desk.asks.pop().expect("a question").asked;
        desk.sessions.handle_answered(asked, Answer::Failed(failure));
        desk.pump();
        let key = desk.send(&me, &connect("c"));
        desk.pump();
        let body = desk.answer(key).expect("an answer");
        desk.written(key);
        errors.push_str(body.split("},{").next().unwrap());
        errors.push('\n');
    }
    expect![[r#"
        [{"data":null,"channel":"/service/crm/find","id":"p","successful":false,"error":"502:/service/crm/find:upstream_broken"
        [{"data":null,"channel":"/service/crm/find","id":"p","successful":false,"error":"503:/service/crm/find:upstream_busy"
        [{"data":null,"channel":"/service/crm/find","id":"p","successful":false,"error":"502:/service/crm/find:upstream_invalid"
        [{"data":null,"channel":"/service/crm/find","id":"p","successful":false,"error":"504:/service/crm/find:upstream_timeout"
        [{"data":null,"channel":"/service/crm/find","id":"p","successful":false,"error":"502:/service/crm/find:upstream_unreachable"
    "#]].assert_eq(&errors);
}

#[test]
fn a_back_end_may_have_nothing_to_say() {
    let mut desk = desk();
    desk.ask(&peer("15000"), &publish("c", "/service/crm/find", "1"));
    let asked = desk.asks.pop().expect("a question").asked;
    let head = desk.log.head();
    desk.sessions.handle_answered(asked, Answer::Nothing);
    desk.pump();
    assert_eq!(desk.log.head(), head);
}

#[test]
fn an_answer_to_a_session_that_is_gone_is_dropped() {
    let mut desk = desk();
    desk.ask(&peer("15000"), &publish("c", "/service/crm/find", "1"));
    desk.ask(&peer("15000"), "[{'channel':'/meta/disconnect','clientId':'c'}]");
    let asked = desk.asks.pop().expect("a question").asked;
    let head = desk.log.head();
    desk.sessions.handle_answered(asked, Answer::Data(Bytes::from_static(b"1")));
    desk.pump();
    assert_eq!(desk.log.head(), head);
}

#[test]
fn only_who_may_publish_there_may_ask() {
    let mut desk = desk();
    desk.shake(&nobody(), "n", "");
    let denied = desk.ask(&nobody(), &publish("n", "/service/crm/find", "1"));
    let unknown = desk.ask(&peer("15000"), &publish("c", "/service/other", "1"));
    assert!(desk.asks.is_empty());
    expect![[r#"
        [{"channel":"/service/crm/find","id":"p","successful":false,"error":"403:denied_by_rule:publish_denied"}]
        [{"channel":"/service/other","id":"p","successful":false,"error":"404:/service/other:service_unknown"}]
    "#]]
    .assert_eq(&format!("{denied}\n{unknown}\n"));
}

#[test]
fn a_subscription_to_a_service_succeeds_and_changes_nothing() {
    let mut desk = desk();
    let head = desk.log.head();
    let subscribed = desk.ask(&peer("15000"), &subscribe("c", "/service/crm/find"));
    assert_eq!(desk.log.head(), head);
    expect![[r#"[{"channel":"/meta/subscribe","id":"s","subscription":"/service/crm/find","successful":true}]"#]]
        .assert_eq(&subscribed);
}
