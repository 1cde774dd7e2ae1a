//! Which path leads where, as far as nobody needs to stand behind it.

use std::time::Duration;

use actix_web::App;
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use expect_test::{Expect, expect};

use crate::http::place::{Place, observe};
use crate::http::{ops, rest};
use crate::metrics::{Metrics, Route, Status};

/// Nobody can be logged in here: there is nothing to verify with.
async fn check(requests: &str, expected: Expect) {
    let app = init_service(App::new().configure(ops::routes).configure(rest::routes)).await;
    let mut transcript = String::new();
    for line in requests.lines().map(str::trim) {
        let (method, path) = line.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let response = call_service(&app, TestRequest::with_uri(path).method(method).to_request()).await;
        assert!(response.headers().contains_key("x-request-id"), "{line}");
        let status = response.status().as_u16();
        let body = read_body(response).await;
        transcript.push_str(&format!("{line} = {status} {}\n", str::from_utf8(&body).unwrap().trim_end()));
    }
    expected.assert_eq(&transcript);
}

#[actix_web::test]
async fn every_resource_of_the_api_asks_for_a_login_first() {
    check(
        "GET /api/v2/me
         GET /api/v2/me/
         GET /api/v2/me/calls?fields=*
         GET /api/v2/me/calls/X/
         POST /api/v2/me/calls/X
         GET /api/v2/me/devices/
         GET /api/v2/me/devices/%ff%zz
         POST /api/v2/me/devices/X/calls/
         DELETE /api/v2/me
         PATCH /api/v2/me/calls/X
         GET /api/v2/me/devices/X/calls
         GET /api/v2/users/X
         GET /api/v2/devices/X/settings/tserver/
         GET /api/v2/contacts?type=User
         GET /internal-api/me/settings?fields=*
         POST /internal-api/operations
         GET /api/v2
         GET /api/v2/
         GET /api/v2/no/such/thing",
        expect![[r#"
            GET /api/v2/me = 403 {"statusCode":20,"statusMessage":"Access denied"}
            GET /api/v2/me/ = 403 {"statusCode":20,"statusMessage":"Access denied"}
            GET /api/v2/me/calls?fields=* = 403 {"statusCode":20,"statusMessage":"Access denied"}
            GET /api/v2/me/calls/X/ = 403 {"statusCode":20,"statusMessage":"Access denied"}
            POST /api/v2/me/calls/X = 403 {"statusCode":20,"statusMessage":"Access denied"}
            GET /api/v2/me/devices/ = 403 {"statusCode":20,"statusMessage":"Access denied"}
            GET /api/v2/me/devices/%ff%zz = 403 {"statusCode":20,"statusMessage":"Access denied"}
            POST /api/v2/me/devices/X/calls/ = 403 {"statusCode":20,"statusMessage":"Access denied"}
            DELETE /api/v2/me = 403 {"statusCode":20,"statusMessage":"Access denied"}
            PATCH /api/v2/me/calls/X = 403 {"statusCode":20,"statusMessage":"Access denied"}
            GET /api/v2/me/devices/X/calls = 403 {"statusCode":20,"statusMessage":"Access denied"}
            GET /api/v2/users/X = 403 {"statusCode":20,"statusMessage":"Access denied"}
            GET /api/v2/devices/X/settings/tserver/ = 403 {"statusCode":20,"statusMessage":"Access denied"}
            GET /api/v2/contacts?type=User = 403 {"statusCode":20,"statusMessage":"Access denied"}
            GET /internal-api/me/settings?fields=* = 403 {"statusCode":20,"statusMessage":"Access denied"}
            POST /internal-api/operations = 403 {"statusCode":20,"statusMessage":"Access denied"}
            GET /api/v2 = 403 {"statusCode":20,"statusMessage":"Access denied"}
            GET /api/v2/ = 403 {"statusCode":20,"statusMessage":"Access denied"}
            GET /api/v2/no/such/thing = 403 {"statusCode":20,"statusMessage":"Access denied"}
        "#]],
    )
    .await;
}

#[actix_web::test]
async fn what_needs_no_login_says_what_it_takes() {
    check(
        "GET /livez
         HEAD /livez/
         POST /livez
         PUT /readyz
         POST /metrics
         POST /api/v2/diagnostics/version
         GET /
         GET /api/v2x
         GET //%/..",
        expect![[r#"
            GET /livez = 200 ok
            HEAD /livez/ = 200 ok
            POST /livez = 405 {"statusCode":3,"statusMessage":"only GET, HEAD is allowed here"}
            PUT /readyz = 405 {"statusCode":3,"statusMessage":"only GET, HEAD is allowed here"}
            POST /metrics = 405 {"statusCode":3,"statusMessage":"only GET, HEAD is allowed here"}
            POST /api/v2/diagnostics/version = 405 {"statusCode":3,"statusMessage":"only GET, HEAD is allowed here"}
            GET / = 404 {"statusCode":6,"statusMessage":"not found"}
            GET /api/v2x = 404 {"statusCode":6,"statusMessage":"not found"}
            GET //%/.. = 404 {"statusCode":6,"statusMessage":"not found"}
        "#]],
    )
    .await;
}

#[test]
fn a_place_has_one_pattern_and_a_slash_may_follow() {
    assert_eq!(Place::Calls.patterns(), ["/api/v2/me/calls", "/api/v2/me/calls/"]);
    assert_eq!(Place::UnknownResource.patterns(), ["/api/v2", "/api/v2/{tail:.*}"]);
}

#[test]
fn an_answer_is_counted_under_its_place() {
    let metrics = Metrics::new();
    observe(&metrics, Place::DeviceCalls, StatusCode::FORBIDDEN, Duration::from_millis(1));
    assert_eq!(metrics.http_requests_total.of(Route::Device, Status::Forbidden).get(), 1);
    assert_eq!(metrics.http_request_seconds.of(Route::Device).get_sample_count(), 1);
}

#[test]
fn readiness_tells_every_check() {
    let checks = vec![("log", Ok(())), ("draining", Err("the server is draining".to_owned()))];
    expect![[r#"{"checks":{"draining":"the server is draining","log":"ok"},"ready":false}"#]]
        .assert_eq(&ops::readiness(false, checks));
}
