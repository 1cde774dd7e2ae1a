//! The table of statuses and codes.

use actix_web::ResponseError;
use actix_web::body::{MessageBody, to_bytes};
use actix_web::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use expect_test::expect;

use crate::agents;
use crate::agents::{Kind, Permission, Phase};
use crate::bayeux::BadBatch;
use crate::calls::Refused;
use crate::directory::BadToken;
use crate::exchange::CommandError;
use crate::gws::{Refusal, StatusCode};
use crate::http::body::BadBody;
use crate::http::callback::BadCallback;
use crate::http::errors::Failure;
use crate::http::place::observe_failure;
use crate::ids::Number;
use crate::metrics::{Label, Limit, Metrics, Status};

fn failures() -> Vec<Failure> {
    let number = Number::parse("15002").unwrap();
    let refusal = |code| Failure::Refusal(Refusal { code, message: "no".into() });
    vec![
        BadBatch::Empty.into(),
        BadBatch::Malformed.into(),
        BadBatch::TooDeep.into(),
        BadBatch::TooMany.into(),
        BadBody::Broken.into(),
        BadBody::Charset.into(),
        BadBody::Encoding.into(),
        BadBody::Late.into(),
        BadBody::TooLarge.into(),
        Failure::Busy,
        BadCallback.into(),
        CommandError::Busy.into(),
        CommandError::KeyReused.into(),
        CommandError::LogFull.into(),
        CommandError::Refused(Refused::AlreadyPresent(number.clone())).into(),
        CommandError::Refused(Refused::NotFound).into(),
        CommandError::Refused(Refused::NotPaired).into(),
        CommandError::Refused(Refused::NotPermitted { operation: "StartCallRecording" }).into(),
        CommandError::Refused(Refused::NotPresent(number)).into(),
        CommandError::Refused(Refused::TooMany("parties")).into(),
        CommandError::Refused(Refused::WrongState { operation: "Hold", state: "Held" }).into(),
        CommandError::RefusedAgent(agents::Refused::AlreadySet(Kind::DoNotDisturbOn)).into(),
        CommandError::RefusedAgent(agents::Refused::InUse("15001".into())).into(),
        CommandError::RefusedAgent(agents::Refused::NotFound).into(),
        CommandError::RefusedAgent(agents::Refused::NotPermitted(Permission::Supervision)).into(),
        CommandError::RefusedAgent(agents::Refused::NotPermitted(Permission::Voice)).into(),
        CommandError::RefusedAgent(agents::Refused::NotRegistered).into(),
        CommandError::RefusedAgent(agents::Refused::NotWatching).into(),
        CommandError::RefusedAgent(agents::Refused::OwnDevice).into(),
        CommandError::RefusedAgent(agents::Refused::WrongState { operation: Kind::Offline, phase: Phase::LoggedOut })
            .into(),
        CommandError::SwitchRefused("Device '15000' is not registered.".into()).into(),
        Failure::Connections,
        Failure::Csrf,
        Failure::Denied,
        Failure::Headers,
        Failure::Key,
        Failure::Method("POST"),
        Failure::Multimedia,
        Failure::NotFound,
        Failure::Origin,
        refusal(StatusCode::AlreadyExists),
        refusal(StatusCode::Forbidden),
        refusal(StatusCode::Internal),
        refusal(StatusCode::InvalidState),
        refusal(StatusCode::MissingParameter),
        refusal(StatusCode::NoPermission),
        refusal(StatusCode::NotAuthenticated),
        refusal(StatusCode::NotFound),
        refusal(StatusCode::OutOfRange),
        Failure::Token(BadToken::Expired),
        Failure::Token(BadToken::Signature),
        Failure::Token(BadToken::Stranger),
        Failure::Transport,
        Failure::Unverified,
    ]
}

#[actix_web::test]
async fn every_failure_has_its_status_and_its_code() {
    let mut table = String::new();
    for failure in failures() {
        let response = failure.error_response();
        assert_eq!(response.headers().get(CONTENT_TYPE).unwrap(), "application/json");
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body().boxed()).await.unwrap();
        table.push_str(&format!("{status} {}\n", str::from_utf8(&body).unwrap()));
    }
    expect![[r#"
        400 {"statusCode":1,"statusMessage":"the batch is empty"}
        400 {"statusCode":1,"statusMessage":"the body is not an array of Bayeux messages"}
        400 {"statusCode":1,"statusMessage":"the body is nested too deeply"}
        400 {"statusCode":1,"statusMessage":"the batch has too many messages"}
        400 {"statusCode":1,"statusMessage":"the body broke off"}
        415 {"statusCode":1,"statusMessage":"the character set of the body is not supported"}
        415 {"statusCode":1,"statusMessage":"the content encoding of the body is not supported"}
        408 {"statusCode":1,"statusMessage":"the body did not arrive in time"}
        413 {"statusCode":10,"statusMessage":"the body is too large"}
        503 {"statusCode":4,"statusMessage":"the server is busy"}
        400 {"statusCode":1,"statusMessage":"the callback must be one name of 1 to 64 letters, digits, dots, hyphens and underscores"}
        503 {"statusCode":4,"statusMessage":"the server is busy"}
        409 {"statusCode":18,"statusMessage":"the idempotency key was used for another command"}
        500 {"statusCode":4,"statusMessage":"the log takes no writes"}
        400 {"statusCode":2,"statusMessage":"15002 is already on the call"}
        404 {"statusCode":6,"statusMessage":"the call is not known"}
        400 {"statusCode":2,"statusMessage":"the other call does not belong to this call"}
        403 {"statusCode":5,"statusMessage":"StartCallRecording is not allowed for this user"}
        400 {"statusCode":2,"statusMessage":"15002 is not on the call"}
        400 {"statusCode":2,"statusMessage":"the call can have no more parties"}
        400 {"statusCode":2,"statusMessage":"Hold is not allowed while the call is Held"}
        400 {"statusCode":2,"statusMessage":"DoNotDisturbOn is not allowed: the device is set so already"}
        409 {"statusCode":19,"statusMessage":"the device or place 15001 belongs to another agent"}
        404 {"statusCode":6,"statusMessage":"the device is not known"}
        403 {"statusCode":5,"statusMessage":"the feature for watching others is missing"}
        403 {"statusCode":5,"statusMessage":"the feature for voice is missing"}
        500 {"statusCode":4,"statusMessage":"the device is not registered"}
        400 {"statusCode":2,"statusMessage":"nobody is watched, so that there is nothing to cancel"}
        400 {"statusCode":2,"statusMessage":"nobody watches itself"}
        400 {"statusCode":2,"statusMessage":"Offline is not allowed while the agent is logged out"}
        500 {"statusCode":4,"statusMessage":"Device '15000' is not registered."}
        503 {"statusCode":4,"statusMessage":"the server has as many connections as it may have"}
        403 {"statusCode":3,"statusMessage":"Missing or invalid Csrf token"}
        403 {"statusCode":20,"statusMessage":"Access denied"}
        431 {"statusCode":10,"statusMessage":"the headers are too large"}
        400 {"statusCode":1,"statusMessage":"the idempotency key must be 1 to 128 characters, with no control character, quote, backslash or slash"}
        405 {"statusCode":3,"statusMessage":"only POST is allowed here"}
        503 {"statusCode":4,"statusMessage":"There is no channel but voice."}
        404 {"statusCode":6,"statusMessage":"not found"}
        403 {"statusCode":3,"statusMessage":"pages of this origin may not call"}
        409 {"statusCode":18,"statusMessage":"no"}
        403 {"statusCode":3,"statusMessage":"no"}
        500 {"statusCode":4,"statusMessage":"no"}
        400 {"statusCode":2,"statusMessage":"no"}
        400 {"statusCode":1,"statusMessage":"no"}
        403 {"statusCode":5,"statusMessage":"no"}
        403 {"statusCode":20,"statusMessage":"no"}
        404 {"statusCode":6,"statusMessage":"no"}
        400 {"statusCode":10,"statusMessage":"no"}
        401 {"statusCode":20,"statusMessage":"the token expired"}
        401 {"statusCode":20,"statusMessage":"the token is not valid"}
        401 {"statusCode":20,"statusMessage":"the token is not valid"}
        400 {"statusCode":1,"statusMessage":"no Bayeux transport that is spoken here: long-polling is, by POST"}
        503 {"statusCode":4,"statusMessage":"the server is busy"}
    "#]].assert_eq(&table);
}

#[test]
fn nobody_is_asked_for_credentials_by_a_browsers_dialog() {
    for response in [Failure::Denied.error_response(), Failure::Denied.bayeux_response()] {
        assert_eq!(response.status(), 403);
        assert!(response.headers().get(WWW_AUTHENTICATE).is_none());
        assert_eq!(response.headers().get(CONTENT_TYPE).unwrap(), "application/json");
    }
}

#[test]
fn a_client_of_bayeux_is_told_the_reason_in_words() {
    let response = Failure::from(BadBatch::Malformed).bayeux_response();
    assert_eq!(response.status(), 400);
    assert_eq!(response.headers().get(CONTENT_TYPE).unwrap(), "text/plain; charset=utf-8");
}

#[test]
fn who_finds_the_server_busy_is_told_when_to_come_back() {
    for failure in [Failure::Busy, Failure::Connections, Failure::Unverified, CommandError::Busy.into()] {
        assert_eq!(failure.error_response().headers().get(RETRY_AFTER).unwrap(), "1");
        assert_eq!(failure.bayeux_response().headers().get(RETRY_AFTER).unwrap(), "1");
    }
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    assert_eq!(Failure::Method("GET, HEAD").error_response().headers().get(ALLOW).unwrap(), "GET, HEAD");
}

#[test]
fn only_a_no_at_a_limit_is_counted_as_one() {
    let metrics = Metrics::new();
    for failure in failures() {
        observe_failure(&metrics, &failure);
    }
    let counted = Limit::ALL.iter().filter(|limit| metrics.rejected_total.of(**limit).get() == 1);
    let counted: Vec<&str> = counted.map(|limit| limit.as_str()).collect();
    assert_eq!(counted, ["batch_messages", "body", "body_timeout", "connections", "json_depth", "verifications"]);
}

#[test]
fn every_status_is_counted_under_its_own_name() {
    for failure in failures() {
        let status = failure.status_code().as_u16();
        assert_eq!(Status::from_code(status).as_str(), status.to_string(), "{failure}");
    }
    for status in [101, 200, 202, 204, 405, 422, 429] {
        assert_eq!(Status::from_code(status).as_str(), status.to_string());
    }
    assert_eq!(Status::from_code(418), Status::Other);
}
