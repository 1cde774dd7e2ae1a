//! What a numbering plan adds to numbers outside.

use expect_test::expect;

use super::*;
use crate::calls::Seen;
use crate::gws::{Numbering, Region, call_resource};

#[test]
fn a_number_outside_is_written_as_its_region_does() {
    let read = [
        ("US", "9165550104"),
        ("US", "+19165550104"),
        ("US", "1 (916) 555-0104"),
        ("US", "+1 416 555 0104"),
        ("US", "011 44 20 7946 0018"),
        ("US", "+493012345678"),
        ("US", "+80012345678"),
        ("DE", "030 12345678"),
        ("DE", "+4915112345678"),
        ("DE", "0019165550104"),
        ("IT", "+390236618300"),
        ("IT", "02 3661 8300"),
        ("GB", "+38344012345"),
    ];
    let mut lines = String::new();
    for (region, text) in read {
        lines += &format!("{region} {text}: {}\n", participant(region, text, false));
    }
    expect![[r#"
        US 9165550104: {"e164Number":"+19165550104","formattedPhoneNumber":"(916) 555-0104","phoneNumber":"9165550104","digits":"9165550104","country":{"name":"United States of America","code":"US","callingCode":"1"}}
        US +19165550104: {"e164Number":"+19165550104","formattedPhoneNumber":"(916) 555-0104","phoneNumber":"+19165550104","digits":"19165550104","country":{"name":"United States of America","code":"US","callingCode":"1"}}
        US 1 (916) 555-0104: {"e164Number":"+19165550104","formattedPhoneNumber":"(916) 555-0104","phoneNumber":"1 (916) 555-0104","digits":"19165550104","country":{"name":"United States of America","code":"US","callingCode":"1"}}
        US +1 416 555 0104: {"e164Number":"+14165550104","formattedPhoneNumber":"+1 416-555-0104","phoneNumber":"+1 416 555 0104","digits":"14165550104","country":{"name":"Canada","code":"CA","callingCode":"1"}}
        US 011 44 20 7946 0018: {"e164Number":"+442079460018","formattedPhoneNumber":"+44 20 7946 0018","phoneNumber":"011 44 20 7946 0018","digits":"011442079460018","country":{"name":"United Kingdom of Great Britain and Northern Ireland","code":"GB","callingCode":"44"}}
        US +493012345678: {"e164Number":"+493012345678","formattedPhoneNumber":"+49 30 12345678","phoneNumber":"+493012345678","digits":"493012345678","country":{"name":"Germany","code":"DE","callingCode":"49"}}
        US +80012345678: {"e164Number":"+80012345678","formattedPhoneNumber":"+80012345678","phoneNumber":"+80012345678","digits":"80012345678"}
        DE 030 12345678: {"e164Number":"+493012345678","formattedPhoneNumber":"030 12345678","phoneNumber":"030 12345678","digits":"03012345678","country":{"name":"Germany","code":"DE","callingCode":"49"}}
        DE +4915112345678: {"e164Number":"+4915112345678","formattedPhoneNumber":"01511 2345678","phoneNumber":"+4915112345678","digits":"4915112345678","country":{"name":"Germany","code":"DE","callingCode":"49"}}
        DE 0019165550104: {"e164Number":"+19165550104","formattedPhoneNumber":"+1 916-555-0104","phoneNumber":"0019165550104","digits":"0019165550104","country":{"name":"United States of America","code":"US","callingCode":"1"}}
        IT +390236618300: {"e164Number":"+390236618300","formattedPhoneNumber":"02 3661 8300","phoneNumber":"+390236618300","digits":"390236618300","country":{"name":"Italy","code":"IT","callingCode":"39"}}
        IT 02 3661 8300: {"e164Number":"+390236618300","formattedPhoneNumber":"02 3661 8300","phoneNumber":"02 3661 8300","digits":"0236618300","country":{"name":"Italy","code":"IT","callingCode":"39"}}
        GB +38344012345: {"e164Number":"+38344012345","formattedPhoneNumber":"+383 44 012 345","phoneNumber":"+38344012345","digits":"38344012345","country":{"code":"XK","callingCode":"383"}}
    "#]].assert_eq(&lines);
}

#[test]
fn what_is_no_number_of_anybody_stays_as_it_was_dialled() {
    let long = "1".repeat(64);
    let texts = [
        "7001",
        "15000",
        "6000",
        "15999",
        "#31#",
        "*21*9165550104#",
        "sip:x",
        "sip:+19165550104@example.org",
        "tel:+1-916-555-0104",
        "+1 916 555",
        "+999123456789",
        "+",
        "++19165550104",
        "()",
        "(((((((((",
        "0",
        "00",
        "011",
        "+0",
        "anonymous",
        "9165550104;phone-context=+1",
        "9165550104x12",
        "٩١٦٥٥٥٠١٠٤",
        &long,
    ];
    for text in texts {
        for region in ["US", "DE", "IT"] {
            let (read, plain) = (participant(region, text, false), participant("", text, false));
            assert_eq!(read, plain, "{region}");
        }
    }
}

#[test]
fn own_numbers_mean_nothing_outside() {
    let number = number("9165550104");
    let region = Region::parse("US").unwrap();
    let own = Numbering::new(region, [number.clone()]);
    let plain = participant("", "9165550104", false);
    assert_eq!(shown(Some(own), Endpoint::new(number.clone(), None), false), plain);
    let devices = Numbering::new(region, []);
    assert_eq!(shown(Some(devices), Endpoint::new(number, Some(home("15001"))), false), plain);
}

#[test]
fn the_old_shape_has_the_forms_and_no_country() {
    expect![[r#"{"digits":"9165550104","e164Number":"+19165550104","formattedPhoneNumber":"(916) 555-0104"}"#]]
        .assert_eq(&participant("US", "9165550104", true));
}

#[test]
fn whatever_is_dialled_is_shown() {
    let alphabet: Vec<char> = "0123456789+ ()-.".chars().collect();
    let mut state = 7_u64;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for turn in 0..600 {
        let text: String = (0..=draw(24)).map(|_| alphabet[draw(alphabet.len())]).collect();
        let region = ["US", "DE", "BR", "AR", "MX", "IT"][turn % 6];
        let json = participant(region, &format!("{}{text}", ["", "+", "0", "00"][draw(4)]), false);
        assert!(json.contains("\"e164Number\":\""), "{json}");
    }
}

#[test]
fn regions_are_two_capital_letters() {
    for letters in ["US", "DE", "GB"] {
        assert!(Region::parse(letters).is_some(), "{letters}");
    }
    for letters in ["", "us", "USA", "ZZ", "001", "1"] {
        assert!(Region::parse(letters).is_none(), "{letters}");
    }
}

/// How a number is shown to whom it talks with: by the plan of a region, if there is one.
fn participant(region: &str, text: &str, old: bool) -> String {
    let numbering = Region::parse(region).map(|region| Numbering::new(region, [number("6000")]));
    shown(numbering, Endpoint::new(number(text), None), old)
}

fn shown(numbering: Option<Numbering>, endpoint: Endpoint, old_participants: bool) -> String {
    let mut family = conference("A", "B", &[]);
    family.calls[0].parties.truncate(2);
    family.calls[0].parties[1].endpoint = endpoint;
    let rendering = Rendering { numbering, old_participants, ..rendering() };
    let mut out = Vec::new();
    let call = &family.calls[0];
    call_resource(&mut out, &rendering, Seen { family: &family, call, party: &call.parties[0] }, BEGAN);
    let json = text(&out);
    let member = if old_participants { "\"participantsInfo\":[" } else { "\"participants\":[" };
    let from = json.find(member).unwrap() + member.len();
    json[from..json.find("],\"dnis\"").unwrap()].to_owned()
}
