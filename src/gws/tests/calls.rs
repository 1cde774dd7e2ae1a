//! Calls and notifications.

use expect_test::expect;

use crate::calls::{Datum, Endpoint, Entry, EventKind, Failure, Family, Joining, PartyState, Seen, UserData};
use crate::gws::{Notice, Rendering, call_resource, notification};
use crate::ids::WallTime;

use super::{BEGAN, compact, conference, event, number, party, rendering, text};

#[test]
fn the_first_sample_of_the_api_is_rendered_to_the_byte() {
    let family = conference("01RCC3N118B1V0SL807GK2LAES000007", "0071027198180007", &[]);
    assert_eq!(told(&family, 52), compact(include_str!("../../../tests/data/wire/seed-1.json")));
}

#[test]
fn the_second_sample_of_the_api_is_rendered_to_the_byte() {
    let data = [("AccountNumber", "\"12345\"")];
    let family = conference("01RCC3N118B1V0SL807GK2LAES000008", "0071027198180008", &data);
    assert_eq!(told(&family, 64), compact(include_str!("../../../tests/data/wire/seed-2.json")));
}

#[test]
fn a_party_that_is_being_added_sees_the_others_and_they_do_not_see_it() {
    let mut family = conference("A", "B", &[]);
    family.calls[0].owner = None;
    family.calls[0].user_data = UserData::default();
    let added = &mut family.calls[0].parties[2];
    added.state = PartyState::Ringing;
    let user_data = UserData(vec![("AccountNumber".into(), Datum("\"12345\"".into()))]);
    added.joining = Some(Joining { by: number("15000"), user_data, entry: Entry::Added });
    assert_eq!(seen(&family, 2, "participants"), r#"["15001","15000"]"#);
    assert_eq!(seen(&family, 2, "userData"), r#"{"AccountNumber":"12345"}"#);
    assert_eq!(seen(&family, 0, "participants"), r#"["15001"]"#);
    assert_eq!(seen(&family, 0, "userData"), "null");
}

#[test]
fn a_call_has_its_state_and_whole_seconds_and_nothing_to_do_once_it_is_over() {
    let mut family = conference("A", "B", &[]);
    let states = [
        PartyState::Dialing,
        PartyState::Ringing,
        PartyState::Established,
        PartyState::Held,
        PartyState::Preview,
        PartyState::PreviewCancelled(WallTime::from_millis(BEGAN.millis() + 3_000)),
        PartyState::Released(WallTime::from_millis(BEGAN.millis() + 7_999)),
    ];
    let mut seen_states = String::new();
    for state in states {
        family.calls[0].parties[0].state = state;
        let one = |name| seen(&family, 0, name);
        seen_states += &format!("{} {} {}\n", one("state"), one("duration"), one("capabilities").len());
    }
    expect![[r#"
        "Dialing" "60" 93
        "Ringing" "60" 94
        "Established" "60" 229
        "Held" "60" 177
        "Preview" "60" 20
        "PreviewCancelled" "3" 2
        "Released" "7" 2
    "#]]
    .assert_eq(&seen_states);
    assert_eq!(seen(&family, 0, "capabilities"), "[]");
}

#[test]
fn an_outside_number_is_shown_as_it_was_dialled() {
    let mut family = conference("A", "B", &[]);
    family.calls[0].parties[1].endpoint = Endpoint::new(number("+1 916 555"), None);
    family.calls[0].parties[2].endpoint = Endpoint::new(number("+19165550104"), None);
    let new = rendered(&family, 0, &rendering());
    let old = rendered(&family, 0, &Rendering { old_participants: true, ..rendering() });
    let participants = |json: &str| {
        let from = json.find("\"participants\"").unwrap();
        json[from..json.find(",\"dnis\"").unwrap()].to_owned()
    };
    expect![[r#"
        "participants":[{"e164Number":"+19165550104","formattedPhoneNumber":"+19165550104","phoneNumber":"+19165550104","digits":"19165550104"},{"e164Number":"","formattedPhoneNumber":"+1 916 555","phoneNumber":"+1 916 555","digits":"1916555"}]
        "participants":["+19165550104","+1 916 555"],"participantsInfo":[{"digits":"19165550104","e164Number":"+19165550104","formattedPhoneNumber":"+19165550104"},{"digits":"1916555","e164Number":"","formattedPhoneNumber":"+1 916 555"}]"#]].assert_eq(&format!("{}\n{}", participants(&new), participants(&old)));
}

#[test]
fn data_comes_out_as_it_came_in_and_keys_are_escaped() {
    let data = [("a \"key\"\n\u{1}", "{ \"deep\" : [1.0, null] }")];
    let json = rendered(&conference("A", "B", &data), 0, &rendering());
    assert!(json.contains(r#""userData":{"a \"key\"\n\u0001":{ "deep" : [1.0, null] },"First"#), "{json}");
}

#[test]
fn changed_data_is_told_before_the_participants_or_not_at_all() {
    let family = conference("A", "B", &[]);
    let kinds = [
        (EventKind::AttachedDataChanged, "15000"),
        (EventKind::AttachedDataChanged, "15001"),
        (EventKind::ParticipantsUpdated, "15000"),
        (EventKind::StatusChange, "15002"),
        (EventKind::AttachedDataChanged, "15002"),
    ];
    let events = kinds.map(|(kind, who)| event(&family, kind, who));
    let told = |attached_data_first| {
        let rendering = Rendering { attached_data_first, ..rendering() };
        [0, 1, 2, 3, 4, 5].map(|index| notification(&rendering, &family, &events, index, BEGAN).is_some())
    };
    assert_eq!(told(true), [true, true, true, true, true, false]);
    assert_eq!(told(false), [false, true, true, true, true, false]);
    let Notice { data, .. } = notification(&rendering(), &family, &events, 0, BEGAN).unwrap();
    let data = text(&data);
    assert!(data.starts_with(r#"{"notificationType":"AttachedDataChanged","call":{"#), "{data}");
    assert!(data.ends_with(r#"},"phoneNumber":"15000","messageType":"CallStateChangeMessage"}"#), "{data}");
}

#[test]
fn a_failure_is_told_on_the_devices() {
    let family = conference("A", "B", &[]);
    let failures =
        [Failure::Busy, Failure::Failed, Failure::InvalidNumber, Failure::NoAnswer, Failure::None, Failure::Timeout];
    let events = failures.map(|failure| event(&family, EventKind::Error(failure), "15000"));
    let mut lines = String::new();
    for index in 0..events.len() {
        let notice = notification(&rendering(), &family, &events, index, BEGAN).unwrap();
        lines += &format!("{} {}\n", notice.channel, text(&notice.data));
    }
    expect![[r#"
        /v2/me/devices {"messageType":"ErrorMessage","errorMessage":"The destination is busy.","devicePath":"/devices/631608b3-ceb1-472b-ba05-2ae39555b0d1","deviceUri":"http://127.0.0.1:8080/api/v2/devices/631608b3-ceb1-472b-ba05-2ae39555b0d1"}
        /v2/me/devices {"messageType":"ErrorMessage","errorMessage":"The switch could not carry out the operation.","devicePath":"/devices/631608b3-ceb1-472b-ba05-2ae39555b0d1","deviceUri":"http://127.0.0.1:8080/api/v2/devices/631608b3-ceb1-472b-ba05-2ae39555b0d1"}
        /v2/me/devices {"messageType":"ErrorMessage","errorMessage":"The destination is not a valid number.","devicePath":"/devices/631608b3-ceb1-472b-ba05-2ae39555b0d1","deviceUri":"http://127.0.0.1:8080/api/v2/devices/631608b3-ceb1-472b-ba05-2ae39555b0d1"}
        /v2/me/devices {"messageType":"ErrorMessage","errorMessage":"The destination does not answer.","devicePath":"/devices/631608b3-ceb1-472b-ba05-2ae39555b0d1","deviceUri":"http://127.0.0.1:8080/api/v2/devices/631608b3-ceb1-472b-ba05-2ae39555b0d1"}
        /v2/me/devices {"messageType":"ErrorMessage","errorMessage":"The destination has left the call.","devicePath":"/devices/631608b3-ceb1-472b-ba05-2ae39555b0d1","deviceUri":"http://127.0.0.1:8080/api/v2/devices/631608b3-ceb1-472b-ba05-2ae39555b0d1"}
        /v2/me/devices {"messageType":"ErrorMessage","errorMessage":"The switch did not answer in time.","devicePath":"/devices/631608b3-ceb1-472b-ba05-2ae39555b0d1","deviceUri":"http://127.0.0.1:8080/api/v2/devices/631608b3-ceb1-472b-ba05-2ae39555b0d1"}
    "#]].assert_eq(&lines);
}

#[test]
fn an_event_of_somebody_who_is_not_on_the_call_is_not_told() {
    let family = conference("A", "B", &[]);
    let stranger = event(&family, EventKind::StatusChange, "15003");
    assert_eq!(notification(&rendering(), &family, &[stranger], 0, BEGAN), None);
}

#[test]
fn who_left_and_came_back_is_told_of_the_newer_part() {
    let mut family = conference("A", "B", &[]);
    family.calls[0].parties[1].state = PartyState::Released(BEGAN);
    family.calls[0].parties.push(party("15001", 3, BEGAN, PartyState::Ringing));
    let back = event(&family, EventKind::StatusChange, "15001");
    let notice = notification(&rendering(), &family, &[back], 0, BEGAN).unwrap();
    assert!(text(&notice.data).contains(r#""state":"Ringing""#));
}

/// What 15000 is told, as it stands in the API's samples.
fn told(family: &Family, seconds: u64) -> String {
    let events = [event(family, EventKind::ParticipantsUpdated, "15000")];
    let at = WallTime::from_millis(BEGAN.millis() + seconds * 1000 + 999);
    let Notice { channel, data } = notification(&rendering(), family, &events, 0, at).unwrap();
    format!(r#"{{"data":{},"channel":"{channel}"}}"#, text(&data))
}

fn seen(family: &Family, party: usize, member: &str) -> String {
    let call: serde_json::Value = serde_json::from_str(&rendered(family, party, &rendering())).unwrap();
    if member != "participants" {
        return call[member].to_string();
    }
    let numbers: Vec<_> = call[member].as_array().unwrap().iter().map(|one| one["phoneNumber"].clone()).collect();
    serde_json::to_string(&numbers).unwrap()
}

fn rendered(family: &Family, party: usize, rendering: &Rendering) -> String {
    let mut out = Vec::new();
    let call = &family.calls[0];
    let seen = Seen { family, call, party: &call.parties[party] };
    call_resource(&mut out, rendering, seen, WallTime::from_millis(BEGAN.millis() + 60_000));
    text(&out)
}
