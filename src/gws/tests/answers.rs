//! Whole answers.

use expect_test::{Expect, expect};

use crate::calls::Seen;
use crate::gws::{
    Query, Refusal, Selection, StatusCode, call_answer, calls_answer, device_answer, devices_answer, ok_answer,
    refusal_answer, user_answer, version_answer,
};

use super::{BEGAN, agent, conference, number, rendering, text, voice};

#[test]
fn short_answers_have_a_code_and_what_goes_with_it() {
    let refusal = Refusal::new(StatusCode::NotAuthenticated, "Access \"denied\"");
    let answers = [ok_answer(), version_answer("8.5.202.96"), refusal_answer(&refusal)];
    expect![[r#"
        {"statusCode":0}
        {"statusCode":0,"version":"8.5.202.96"}
        {"statusCode":20,"statusMessage":"Access \"denied\""}"#]]
    .assert_eq(&answers.map(|answer| text(&answer)).join("\n"));
}

#[test]
fn a_user_stands_alone_unless_subresources_are_asked_for() {
    check_user(
        "",
        expect![[r#"
        {"statusCode":0,
        "user":{"id":"148f2a6d-1cdb-52be-81b3-dc3392c724b3",
        "userName":"15000",
        "firstName":"Demo",
        "lastName":"15000",
        "emailAddress":"",
        "roles":["ROLE_AGENT"],
        "enabled":true,
        "changePasswordOnFirstLogin":false,
        "contactCenterId":"a4d168b2-5c97-4e3f-92f0-7c3b1e64d80b",
        "uri":"http://127.0.0.1:8080/api/v2/users/148f2a6d-1cdb-52be-81b3-dc3392c724b3",
        "path":"/users/148f2a6d-1cdb-52be-81b3-dc3392c724b3"}}"#]],
    );
}

#[test]
fn a_user_with_everything_has_calls_and_an_object_of_settings() {
    check_user(
        "subresources=*",
        expect![[r#"
        {"statusCode":0,
        "user":{"id":"148f2a6d-1cdb-52be-81b3-dc3392c724b3",
        "userName":"15000",
        "firstName":"Demo",
        "lastName":"15000",
        "emailAddress":"",
        "roles":["ROLE_AGENT"],
        "enabled":true,
        "devices":[{"id":"2e36161a-e8d3-5139-ae7c-e7a70930b767",
        "deviceState":"Active",
        "userState":{"id":"0F7F5003-EF26-4D13-A6Ef-D0C7EC819BEB",
        "displayName":"Offline",
        "state":"LoggedOut"},
        "phoneNumber":"15000",
        "description":"",
        "e164Number":"",
        "telephonyNetwork":"Private",
        "doNotDisturb":"Off",
        "voiceEnvironmentUri":"http://127.0.0.1:8080/api/v2/voice-environments/7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13",
        "capabilities":["ForwardCallsOn",
        "DoNotDisturbOn"],
        "channels":["voice"],
        "dynamicPhoneNumber":"",
        "uri":"http://127.0.0.1:8080/api/v2/devices/2e36161a-e8d3-5139-ae7c-e7a70930b767",
        "path":"/devices/2e36161a-e8d3-5139-ae7c-e7a70930b767"}],
        "features":[{"id":"api-voice",
        "displayName":"Voice API",
        "description":"API for Voice",
        "autoAssignOnContactCenterCreate":true,
        "uri":"http://127.0.0.1:8080/api/v2/features/api-voice",
        "path":"/features/api-voice"}],
        "channels":[],
        "calls":[],
        "settings":{"interaction-workspace":{}},
        "changePasswordOnFirstLogin":false,
        "contactCenterId":"a4d168b2-5c97-4e3f-92f0-7c3b1e64d80b",
        "uri":"http://127.0.0.1:8080/api/v2/users/148f2a6d-1cdb-52be-81b3-dc3392c724b3",
        "path":"/users/148f2a6d-1cdb-52be-81b3-dc3392c724b3"}}"#]],
    );
}

#[test]
fn a_user_has_the_subresources_and_the_fields_that_are_named() {
    check_user(
        "fields=userName,uri&subresources=calls%2Cchats",
        expect![[r#"
        {"statusCode":0,
        "user":{"userName":"15000",
        "calls":[],
        "uri":"http://127.0.0.1:8080/api/v2/users/148f2a6d-1cdb-52be-81b3-dc3392c724b3"}}"#]],
    );
}

#[test]
fn a_collection_shows_addresses_or_with_fields_its_resources() {
    let family = conference("A", "B", &[]);
    let calls = [Seen { family: &family, call: &family.calls[0], party: &family.calls[0].parties[0] }];
    let mut lines = Vec::new();
    for query in ["", "fields=id,path", "fields=id&state=Held", "fields=id&state=Established&_=99", "state=Held"] {
        let query = Query::parse(query);
        lines.push(text(&calls_answer(&rendering(), &calls, BEGAN, &query)));
        lines.push(text(&devices_answer(&rendering(), &voice(), &query)));
    }
    lines.push(text(&calls_answer(&rendering(), &[], BEGAN, &Query::parse("fields=*"))));
    expect![[r#"
        {"statusCode":0,"uris":["http://127.0.0.1:8080/api/v2/me/calls/A"]}
        {"statusCode":0,"uris":["http://127.0.0.1:8080/api/v2/devices/2e36161a-e8d3-5139-ae7c-e7a70930b767"]}
        {"statusCode":0,"calls":[{"id":"A","path":"/calls/A"}]}
        {"statusCode":0,"devices":[{"id":"2e36161a-e8d3-5139-ae7c-e7a70930b767","path":"/devices/2e36161a-e8d3-5139-ae7c-e7a70930b767"}]}
        {"statusCode":0,"calls":[]}
        {"statusCode":0,"devices":[{"id":"2e36161a-e8d3-5139-ae7c-e7a70930b767"}]}
        {"statusCode":0,"calls":[{"id":"A"}]}
        {"statusCode":0,"devices":[{"id":"2e36161a-e8d3-5139-ae7c-e7a70930b767"}]}
        {"statusCode":0,"uris":[]}
        {"statusCode":0,"uris":["http://127.0.0.1:8080/api/v2/devices/2e36161a-e8d3-5139-ae7c-e7a70930b767"]}
        {"statusCode":0,"calls":[]}"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn a_filter_by_what_a_resource_lacks_lets_nothing_through_but_one_by_what_none_has_does() {
    let family = conference("A", "B", &[]);
    let calls = [Seen { family: &family, call: &family.calls[0], party: &family.calls[0].parties[0] }];
    let mut forwarding = voice();
    forwarding.forward_to = Some(number("5001"));
    let passed = |answer: Vec<u8>| text(&answer) != r#"{"statusCode":0,"uris":[]}"#;
    for (query, passes) in [
        ("ani=123", false),
        ("parentCallUri=x", false),
        ("recordingState=Stopped", false),
        ("dnis=15001", true),
        ("dnis=15002", false),
        ("_=123", true),
        ("colour=red", true),
    ] {
        assert_eq!(passed(calls_answer(&rendering(), &calls, BEGAN, &Query::parse(query))), passes, "{query}");
    }
    for (query, unset, set) in [("forwardTo=5001", false, true), ("forwardTo=5", false, false), ("x=5", true, true)] {
        let [plain, forwarded] =
            [&voice(), &forwarding].map(|voice| passed(devices_answer(&rendering(), voice, &Query::parse(query))));
        assert_eq!((plain, forwarded), (unset, set), "{query}");
    }
}

#[test]
fn one_resource_stands_under_its_singular_name() {
    let family = conference("A", "B", &[]);
    let call = &family.calls[0];
    let query = Query::parse("fields=id,phoneNumber");
    let lines = [
        call_answer(&rendering(), Seen { family: &family, call, party: &call.parties[0] }, BEGAN, &query),
        device_answer(&rendering(), &voice(), &query),
        device_answer(&rendering(), &voice(), &Query::default()),
    ];
    expect![[r#"
        {"statusCode":0,"call":{"id":"A"}}
        {"statusCode":0,"device":{"id":"2e36161a-e8d3-5139-ae7c-e7a70930b767","phoneNumber":"15000"}}
        {"statusCode":0,"device":{"id":"2e36161a-e8d3-5139-ae7c-e7a70930b767","deviceState":"Active","userState":{"id":"0F7F5003-EF26-4D13-A6Ef-D0C7EC819BEB","displayName":"Offline","state":"LoggedOut"},"phoneNumber":"15000","description":"","e164Number":"","telephonyNetwork":"Private","doNotDisturb":"Off","voiceEnvironmentUri":"http://127.0.0.1:8080/api/v2/voice-environments/7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13","capabilities":["ForwardCallsOn","DoNotDisturbOn"],"channels":["voice"],"dynamicPhoneNumber":"","uri":"http://127.0.0.1:8080/api/v2/devices/2e36161a-e8d3-5139-ae7c-e7a70930b767","path":"/devices/2e36161a-e8d3-5139-ae7c-e7a70930b767"}}"#]].assert_eq(&lines.map(|line| text(&line)).join("\n"));
}

#[test]
fn a_query_takes_anything() {
    let parsed = Query::parse("fields=a,%20b+,&subresources=x,*&subresources=&&k&%zz=%ff+1&=");
    assert_eq!(parsed.fields, Some(Selection::Names(vec!["a".to_owned(), "b".to_owned()])));
    assert_eq!(parsed.subresources, None);
    let filters = [("%zz", "\u{fffd} 1"), ("", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(parsed.filters, filters);
}

fn check_user(query: &str, expected: Expect) {
    let answer = user_answer(&rendering(), &agent(), &voice(), &[], BEGAN, &Query::parse(query));
    expected.assert_eq(&text(&answer).replace(",\"", ",\n\""));
}
