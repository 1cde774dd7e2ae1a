//! What is sent and what is understood.

use bytes::Bytes;
use expect_test::expect;

use crate::bayeux::Channel;
use crate::ids::{AgentId, SessionId};
use crate::upstream::wire::{answer, body};
use crate::upstream::{Answer, BadEndpoint, Endpoint, Failure, Question};

pub(super) fn question() -> Question {
    Question {
        channel: Channel::parse("/service/a").unwrap(),
        data: Bytes::from_static(b"{\"n\": 1.0}"),
        id: Some(Bytes::from_static(b"\"7\"")),
        agent: Some(AgentId::parse("15000").unwrap()),
        session: SessionId::new([1; 16]),
    }
}

#[test]
fn a_question_says_who_asks_and_bears_its_data_as_it_came() {
    let told = |question: &Question| String::from_utf8(body(question).unwrap().to_vec()).unwrap();
    let anonymous = Question { id: None, agent: None, ..question() };
    expect![[r#"
        {"channel":"/service/a","data":{"n": 1.0},"id":"7","agent":"15000","session":"01010101010101010101010101010101"}
        {"channel":"/service/a","data":{"n": 1.0},"agent":null,"session":"01010101010101010101010101010101"}
    "#]]
    .assert_eq(&format!("{}\n{}\n", told(&question()), told(&anonymous)));
}

#[test]
fn an_answer_is_data_or_an_error_or_nothing() {
    let data = |text: &'static str| Answer::Data(Bytes::from_static(text.as_bytes()));
    assert_eq!(answer(br#"{"data": {"a": 1}}"#, 8), data(r#"{"a": 1}"#));
    assert_eq!(answer(br#"{"data": null, "more": 1}"#, 8), Answer::Nothing);
    assert_eq!(answer(br#"{}"#, 8), Answer::Nothing);
    assert_eq!(answer(br#"{"error": "no", "data": 1}"#, 8), Answer::Refused(Bytes::from_static(b"\"no\"")));
    for bad in [&b""[..], b"1", b"[1]", b"{\"data\":", b"{\"data\":[[[[1]]]]}", b"{\"data\":\"\\ud800\"}", b"\xff"] {
        assert_eq!(answer(bad, 3), Answer::Failed(Failure::Invalid), "{bad:?}");
    }
}

#[test]
fn a_back_end_is_an_absolute_url_of_plain_http() {
    for good in ["http://127.0.0.1:9000/path?x=1", "http://crm", "http://[::1]:9000"] {
        assert!(Endpoint::parse(good).is_ok(), "{good}");
    }
    for bad in ["", "/path", "https://crm/", "http://", "http://u:p@crm/", "http://crm/#x", "crm:80"] {
        assert_eq!(Endpoint::parse(bad), Err(BadEndpoint), "{bad}");
    }
}
