//! Colleagues and contacts.

use expect_test::expect;

use crate::directory::{Agent, demo_agents};
use crate::gws::{
    Query, StatusCode, colleague_answer, colleague_device_answer, contact_answer, contacts_answer, parse_user_event,
};

use super::{agent, rendering, text, voice};

#[test]
fn a_colleague_is_who_it_is_and_nothing_of_what_it_does() {
    let queries = ["", "fields=userName,devices", "subresources=calls,settings", "fields=id&subresources=devices"];
    let lines = queries.map(|query| text(&colleague_answer(&rendering(), &agent(), &voice(), &Query::parse(query))));
    expect![[r#"
        {"statusCode":0,"user":{"id":"148f2a6d-1cdb-52be-81b3-dc3392c724b3","userName":"15000","firstName":"Demo","lastName":"15000","emailAddress":"","roles":["ROLE_AGENT"],"enabled":true,"uri":"http://127.0.0.1:8080/api/v2/users/148f2a6d-1cdb-52be-81b3-dc3392c724b3","path":"/users/148f2a6d-1cdb-52be-81b3-dc3392c724b3"}}
        {"statusCode":0,"user":{"userName":"15000"}}
        {"statusCode":0,"user":{"id":"148f2a6d-1cdb-52be-81b3-dc3392c724b3","userName":"15000","firstName":"Demo","lastName":"15000","emailAddress":"","roles":["ROLE_AGENT"],"enabled":true,"uri":"http://127.0.0.1:8080/api/v2/users/148f2a6d-1cdb-52be-81b3-dc3392c724b3","path":"/users/148f2a6d-1cdb-52be-81b3-dc3392c724b3"}}
        {"statusCode":0,"user":{"id":"148f2a6d-1cdb-52be-81b3-dc3392c724b3","devices":[{"id":"2e36161a-e8d3-5139-ae7c-e7a70930b767","deviceState":"Active","userState":{"id":"0F7F5003-EF26-4D13-A6Ef-D0C7EC819BEB","displayName":"Offline","state":"LoggedOut"},"phoneNumber":"15000","description":"","e164Number":"","telephonyNetwork":"Private","voiceEnvironmentUri":"http://127.0.0.1:8080/api/v2/voice-environments/7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13","channels":["voice"],"uri":"http://127.0.0.1:8080/api/v2/devices/2e36161a-e8d3-5139-ae7c-e7a70930b767","path":"/devices/2e36161a-e8d3-5139-ae7c-e7a70930b767"}]}}"#]]
    .assert_eq(&lines.join("\n"));
}

#[test]
fn of_a_colleagues_device_one_sees_whether_it_is_ready_but_not_what_it_can_do() {
    let queries = ["", "fields=phoneNumber,doNotDisturb,capabilities,uri"];
    let lines = queries.map(|query| text(&colleague_device_answer(&rendering(), &voice(), &Query::parse(query))));
    expect![[r#"
        {"statusCode":0,"device":{"id":"2e36161a-e8d3-5139-ae7c-e7a70930b767","deviceState":"Active","userState":{"id":"0F7F5003-EF26-4D13-A6Ef-D0C7EC819BEB","displayName":"Offline","state":"LoggedOut"},"phoneNumber":"15000","description":"","e164Number":"","telephonyNetwork":"Private","voiceEnvironmentUri":"http://127.0.0.1:8080/api/v2/voice-environments/7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13","channels":["voice"],"uri":"http://127.0.0.1:8080/api/v2/devices/2e36161a-e8d3-5139-ae7c-e7a70930b767","path":"/devices/2e36161a-e8d3-5139-ae7c-e7a70930b767"}}
        {"statusCode":0,"device":{"phoneNumber":"15000","uri":"http://127.0.0.1:8080/api/v2/devices/2e36161a-e8d3-5139-ae7c-e7a70930b767"}}"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn a_contact_is_whom_one_can_call() {
    let lines = ["type=User", "fields=id,phoneNumbers"]
        .map(|query| text(&contact_answer(&rendering(), &agent(), &Query::parse(query))));
    expect![[r#"
        {"statusCode":0,"contact":{"id":"148f2a6d-1cdb-52be-81b3-dc3392c724b3","name":"15000","type":"User","phoneNumbers":[{"phoneNumber":"15000","description":"","switchName":"SIP_Switch"}],"userName":"15000","firstName":"Demo","lastName":"15000","employeeId":"15000","emailAddress":"","businessUnits":[],"roles":["ROLE_AGENT"],"uri":"http://127.0.0.1:8080/api/v2/contacts/148f2a6d-1cdb-52be-81b3-dc3392c724b3","path":"/contacts/148f2a6d-1cdb-52be-81b3-dc3392c724b3"}}
        {"statusCode":0,"contact":{"id":"148f2a6d-1cdb-52be-81b3-dc3392c724b3","phoneNumbers":[{"phoneNumber":"15000","description":"","switchName":"SIP_Switch"}]}}"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn contacts_are_found_by_any_member_that_is_like_that() {
    for (query, who) in [
        ("userName=15001", "1 [\"15001\"]"),
        ("firstName=Anna&lastName=Bohr", "1 [\"15001\"]"),
        ("firstName=Anna&lastName=Crick", "0 []"),
        ("path=/contacts/148f2a6d-1cdb-52be-81b3-dc3392c724b3", "1 [\"15000\"]"),
        ("employeeId=15000&roles=ROLE_AGENT&type=User&name=15000", "1 [\"15000\"]"),
    ] {
        assert_eq!(found(query), who, "{query}");
    }
    assert_eq!(found("userName=&_=1690000000"), found(""), "an empty one, and what is no member");
}

#[test]
fn contacts_are_found_by_names_and_numbers_whatever_their_case() {
    let found = [
        "",
        "type=User&roles=ROLE_AGENT&limit=100&filterName=NamesOrPhoneNumberMatches&filterParameters=*&sortBy=name&order=Ascending",
        "filterName=NamesOrPhoneNumberMatches&filterParameters=ann*",
        "filterName=NamesOrPhoneNumberMatches&filterParameters=ANNA,*o*",
        "filterName=NamesOrPhoneNumberMatches&filterParameters=ann",
        "filterName=NamesOrPhoneNumberMatches&filterParameters=*5*0*1",
        "filterName=NamesOrPhoneNumberMatches&filterParameters=**1",
        "filterName=NamesOrPhoneNumberMatches",
        "filterParameters=nobody",
        "name=15002,15000",
        "phoneNumber=15001",
        "phoneNumber=*",
        "channel=voice,chat",
        "channel=chat",
        "type=Queue",
        "type=Skill,%20User",
        "type=Skill,Queue",
        "roles=ROLE_SUPERVISOR,ROLE_ADMIN",
        "sortBy=firstName",
        "sortBy=lastName&order=Descending",
        "order=descending&limit=2",
        "offset=1&limit=1",
        "offset=7",
        "limit=0",
    ]
    .map(|query| format!("{query}: {}", found(query)));
    expect![[r#"
        : 3 ["15000", "15001", "15002"]
        type=User&roles=ROLE_AGENT&limit=100&filterName=NamesOrPhoneNumberMatches&filterParameters=*&sortBy=name&order=Ascending: 3 ["15000", "15001", "15002"]
        filterName=NamesOrPhoneNumberMatches&filterParameters=ann*: 1 ["15001"]
        filterName=NamesOrPhoneNumberMatches&filterParameters=ANNA,*o*: 1 ["15001"]
        filterName=NamesOrPhoneNumberMatches&filterParameters=ann: 0 []
        filterName=NamesOrPhoneNumberMatches&filterParameters=*5*0*1: 1 ["15001"]
        filterName=NamesOrPhoneNumberMatches&filterParameters=**1: 1 ["15001"]
        filterName=NamesOrPhoneNumberMatches: 3 ["15000", "15001", "15002"]
        filterParameters=nobody: 3 ["15000", "15001", "15002"]
        name=15002,15000: 2 ["15000", "15002"]
        phoneNumber=15001: 1 ["15001"]
        phoneNumber=*: 3 ["15000", "15001", "15002"]
        channel=voice,chat: 3 ["15000", "15001", "15002"]
        channel=chat: 0 []
        type=Queue: 0 []
        type=Skill,%20User: 3 ["15000", "15001", "15002"]
        type=Skill,Queue: 0 []
        roles=ROLE_SUPERVISOR,ROLE_ADMIN: 1 ["15002"]
        sortBy=firstName: 3 ["15001", "15002", "15000"]
        sortBy=lastName&order=Descending: 3 ["15002", "15001", "15000"]
        order=descending&limit=2: 3 ["15002", "15001"]
        offset=1&limit=1: 3 ["15001"]
        offset=7: 3 []
        limit=0: 3 []"#]].assert_eq(&found.join("\n"));
}

#[test]
fn what_cannot_be_met_of_a_search_is_refused() {
    for query in ["limit=-1", "limit=many", "offset=1.5", "filterName=Everything"] {
        let refusal = contacts_answer(&rendering(), people().iter(), &Query::parse(query)).unwrap_err();
        assert_eq!(refusal.code, StatusCode::OutOfRange, "{query}");
    }
}

#[test]
fn a_user_event_names_a_device() {
    let codes = [
        r#"{"operationName":"SendUserEvent","deviceId":"d","userData":{"GSW_REFERENCE_ID":1}}"#,
        r#"{"operationName":"SendUserEvent"}"#,
        r#"{"operationName":"SendMoney","deviceId":"d"}"#,
        r#"{"deviceId":"d"}"#,
        "[]",
        r#"{"operationName":"SendUserEvent","deviceId":"d","userData":[]}"#,
    ]
    .map(|body| parse_user_event(body.as_bytes()).map_err(|refusal| refusal.code.number()));
    assert_eq!(codes, [Ok("d".to_owned()), Err(1), Err(2), Err(1), Err(1), Err(1)]);
}

/// Three, in the order of their user names.
fn people() -> Vec<Agent> {
    let mut people = demo_agents();
    for (person, (first, last)) in people.iter_mut().zip([("Cleo", "Adams"), ("Anna", "Bohr"), ("Ben", "Crick")]) {
        person.first_name = first.to_owned();
        person.last_name = last.to_owned();
    }
    people[2].roles.push("ROLE_SUPERVISOR".to_owned());
    people
}

/// How many there are, and who is shown.
fn found(query: &str) -> String {
    let query = format!("{query}&fields=userName");
    let answer = contacts_answer(&rendering(), people().iter(), &Query::parse(&query)).unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    let shown = answer["contacts"].as_array().unwrap().iter().map(|contact| contact["userName"].as_str().unwrap());
    format!("{} {:?}", answer["totalCount"], shown.collect::<Vec<_>>())
}
