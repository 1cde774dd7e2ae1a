//! The answers that say no.

use actix_web::body::MessageBody;
use actix_web::http::header::RETRY_AFTER;
use expect_test::expect;

use crate::admin::errors::Failure;
use crate::broker::AdminError;
use crate::ids::RequestId;

#[test]
fn every_no_has_a_status_a_code_and_the_requests_id() {
    let all = [
        Failure::Admin(AdminError::Busy),
        Failure::Admin(AdminError::Channels),
        Failure::Admin(AdminError::DurableChannels),
        Failure::Admin(AdminError::KeyReused),
        Failure::Admin(AdminError::LogUnavailable),
        Failure::Admin(AdminError::NobodyHears),
        Failure::Admin(AdminError::NotDeliverable),
        Failure::Admin(AdminError::SessionUnknown),
        Failure::Admin(AdminError::SlowConsumer),
        Failure::Broken,
        Failure::Item(3, Box::new(Failure::TooLarge("data"))),
        Failure::Late,
        Failure::Malformed("limit must be 1 to 1000".to_owned()),
        Failure::Method("GET".to_owned()),
        Failure::NotFound,
        Failure::Partly { done: 2, all: 3 },
        Failure::Streams,
        Failure::TooLarge("body"),
        Failure::Unauthorized,
    ];
    let mut transcript = String::new();
    for failure in all {
        let answer = failure.answer(&RequestId::of(Some(b"r1")));
        let status = answer.status().as_u16();
        let body = answer.into_body().try_into_bytes().unwrap();
        transcript.push_str(&format!("{status} {}\n", str::from_utf8(&body).unwrap()));
    }
    expect![[r#"
        503 {"error":{"code":"busy","message":"the server is busy","requestId":"r1"}}
        429 {"error":{"code":"channels","message":"there are as many channels as there may be","requestId":"r1"}}
        429 {"error":{"code":"durable_channels","message":"there are as many durable channels as there may be","requestId":"r1"}}
        409 {"error":{"code":"key_reused","message":"the idempotency key was used for another publication","requestId":"r1"}}
        503 {"error":{"code":"log_unavailable","message":"the log takes no writes","requestId":"r1"}}
        422 {"error":{"code":"nobody_hears","message":"nobody can hear this channel","requestId":"r1"}}
        422 {"error":{"code":"not_deliverable","message":"nothing can be delivered on a meta channel","requestId":"r1"}}
        404 {"error":{"code":"session_unknown","message":"there is no such session","requestId":"r1"}}
        429 {"error":{"code":"slow_consumer","message":"slow consumers must catch up first","requestId":"r1"}}
        400 {"error":{"code":"body_broken","message":"the body broke off","requestId":"r1"}}
        413 {"error":{"code":"too_large","message":"messages[3]: the data is too large","requestId":"r1"}}
        408 {"error":{"code":"body_late","message":"the body did not arrive in time","requestId":"r1"}}
        400 {"error":{"code":"malformed","message":"limit must be 1 to 1000","requestId":"r1"}}
        405 {"error":{"code":"method_not_allowed","message":"only GET is allowed here","requestId":"r1"}}
        404 {"error":{"code":"not_found","message":"not found","requestId":"r1"}}
        503 {"error":{"code":"partly_published","message":"2 of 3 messages were published: the log takes no writes","requestId":"r1"}}
        503 {"error":{"code":"too_many_streams","message":"too many streams of events are open","requestId":"r1"}}
        413 {"error":{"code":"too_large","message":"the body is too large","requestId":"r1"}}
        401 {"error":{"code":"unauthorized","message":"a bearer token is needed","requestId":"r1"}}
    "#]].assert_eq(&transcript);
}

#[test]
fn who_should_come_back_is_told_when_also_for_one_message_of_a_batch() {
    let slow = Failure::Admin(AdminError::SlowConsumer);
    for failure in [Failure::Item(3, Box::new(slow.clone())), slow] {
        let answer = failure.answer(&RequestId::of(Some(b"r1")));
        assert_eq!(answer.headers().get(RETRY_AFTER).unwrap(), "1", "{failure}");
    }
}
