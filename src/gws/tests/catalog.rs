//! What else there is in the contact centre.

use expect_test::expect;

use crate::gws::{
    Link, Query, business_attributes_answer, contact_center_answer, device_settings_answer, feature_answer,
    features_answer, groups_answer, internal_settings_answer, service_answer, services_answer, settings_answer,
    settings_section_answer, voice_environment_answer, voice_environments_answer, workbins_answer,
};

use super::{rendering, text};

#[test]
fn collections_are_addresses_or_resources_or_those_that_pass() {
    let rendering = rendering();
    let mut lines = Vec::new();
    for query in ["", "fields=*", "fields=id,state&type=Voice&_=1", "id=api-voice"] {
        let query = Query::parse(query);
        lines.push(text(&features_answer(&rendering, ["api-voice", "of our/own"], &query)));
        lines.push(text(&services_answer(&rendering, Link::Up, &query)));
        lines.push(text(&voice_environments_answer(&rendering, &query)));
        lines.push(text(&groups_answer(&query)));
        lines.push(text(&workbins_answer(&query)));
    }
    lines.push(text(&workbins_answer(&Query::parse("workbinIds=a,b&subresources=*"))));
    expect![[r#"
        {"statusCode":0,"uris":["http://127.0.0.1:8080/api/v2/features/api-voice","http://127.0.0.1:8080/api/v2/features/of%20our%2Fown"]}
        {"statusCode":0,"uris":["http://127.0.0.1:8080/api/v2/services/ON_PREMISE_ENVIRONMENT","http://127.0.0.1:8080/api/v2/services/7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13"]}
        {"statusCode":0,"uris":["http://127.0.0.1:8080/api/v2/voice-environments/7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13"]}
        {"statusCode":0,"uris":[]}
        {"statusCode":0,"uris":[]}
        {"statusCode":0,"features":[{"id":"api-voice","displayName":"Voice API","description":"API for Voice","autoAssignOnContactCenterCreate":true,"uri":"http://127.0.0.1:8080/api/v2/features/api-voice","path":"/features/api-voice"},{"id":"of our/own","displayName":"of our/own","description":"","autoAssignOnContactCenterCreate":true,"uri":"http://127.0.0.1:8080/api/v2/features/of%20our%2Fown","path":"/features/of%20our%2Fown"}]}
        {"statusCode":0,"services":[{"id":"ON_PREMISE_ENVIRONMENT","name":"Provisioning","type":"Provisioning","state":"Active","uri":"http://127.0.0.1:8080/api/v2/services/ON_PREMISE_ENVIRONMENT","path":"/services/ON_PREMISE_ENVIRONMENT"},{"id":"7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13","name":"Voice","type":"Voice","state":"Active","uri":"http://127.0.0.1:8080/api/v2/services/7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13","path":"/services/7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13"}]}
        {"statusCode":0,"voiceEnvironments":[{"id":"7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13","name":"Voice","uri":"http://127.0.0.1:8080/api/v2/voice-environments/7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13","path":"/voice-environments/7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13"}]}
        {"statusCode":0,"groups":[]}
        {"statusCode":0,"workbins":[]}
        {"statusCode":0,"features":[{"id":"api-voice"},{"id":"of our/own"}]}
        {"statusCode":0,"services":[{"id":"7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13","state":"Active"}]}
        {"statusCode":0,"voiceEnvironments":[{"id":"7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13"}]}
        {"statusCode":0,"groups":[]}
        {"statusCode":0,"workbins":[]}
        {"statusCode":0,"uris":["http://127.0.0.1:8080/api/v2/features/api-voice"]}
        {"statusCode":0,"uris":[]}
        {"statusCode":0,"uris":[]}
        {"statusCode":0,"uris":[]}
        {"statusCode":0,"uris":[]}
        {"statusCode":0,"workbins":{}}"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn single_ones_stand_under_their_names() {
    let rendering = rendering();
    let voice = "7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13";
    let query = Query::default();
    let lines = [
        feature_answer(&rendering, "api-voice", &Query::parse("fields=displayName,description")),
        service_answer(&rendering, Link::Down, voice, &query).unwrap(),
        voice_environment_answer(&rendering, voice, &query).unwrap(),
        device_settings_answer("tserver").unwrap(),
        settings_answer(),
        settings_section_answer("interaction-workspace").unwrap(),
    ];
    expect![[r#"
        {"statusCode":0,"feature":{"displayName":"Voice API","description":"API for Voice"}}
        {"statusCode":0,"service":{"id":"7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13","name":"Voice","type":"Voice","state":"Inactive","uri":"http://127.0.0.1:8080/api/v2/services/7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13","path":"/services/7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13"}}
        {"statusCode":0,"voiceEnvironment":{"id":"7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13","name":"Voice","uri":"http://127.0.0.1:8080/api/v2/voice-environments/7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13","path":"/voice-environments/7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13"}}
        {"statusCode":0,"settings":[{"name":"sip-cti-control","value":"talk,hold"}],"key":"name"}
        {"statusCode":0,"settings":{"interaction-workspace":{}}}
        {"statusCode":0,"settings":{}}"#]].assert_eq(&lines.map(|line| text(&line)).join("\n"));
    assert_eq!(service_answer(&rendering, Link::Up, "0", &query), None);
    assert_eq!(voice_environment_answer(&rendering, "0", &query), None);
    assert_eq!(device_settings_answer("sip"), None);
    assert_eq!(settings_section_answer("0"), None);
}

#[test]
fn what_a_desktop_of_the_products_own_asks_for_is_empty_but_there() {
    let lines = [
        internal_settings_answer(&[]),
        contact_center_answer(&Query::parse("subresources=businessAttributes")),
        contact_center_answer(&Query::parse("subresources=*")),
        contact_center_answer(&Query::default()),
        business_attributes_answer(),
    ];
    expect![[r#"
        {"statusCode":0,"resources":{"agentStates":[{"id":"9430250E-0A1B-421F-B372-F29E69366DED","operationName":"Ready","displayName":"Ready","state":"Ready"},{"id":"900D55CC-2BB0-431F-8BF9-D3525B383BE6","operationName":"NotReady","displayName":"Not Ready","state":"NotReady"},{"id":"D3663509-3D82-4DD3-A82E-2EA8EFA02AEF","operationName":"AfterCallWork","displayName":"AfterCallWork","state":"NotReady","workMode":"AfterCallWork"},{"id":"2B36138D-C564-4562-A8CB-3C32D564F296","operationName":"AuxWork","displayName":"AuxWork","state":"NotReady","workMode":"AuxWork"},{"id":"0F7F5003-EF26-4D13-A6Ef-D0C7EC819BEB","operationName":"Offline","displayName":"Offline","state":"Logout"}],"user":{"settings":[]}}}
        {"statusCode":0,"resources":{"businessAttributes":[]}}
        {"statusCode":0,"resources":{"agentGroups":[],"businessAttributes":[],"transactions":[]}}
        {"statusCode":0,"resources":{}}
        {"statusCode":0,"businessAttributes":[]}"#]]
    .assert_eq(&lines.map(|line| text(&line)).join("\n"));
}
