//! Signing and verifying logins.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::http::config::CookieKey;
use crate::http::logins::{Age, Logins};
use crate::ids::{AgentId, LoginId, WallTime};

const MINUTE: u64 = 60_000;
const START: u64 = 1_000_000 * MINUTE;

fn logins(key: u8) -> Logins {
    Logins::new(&CookieKey::new([key; 32]), Duration::from_secs(30 * 60))
}

fn token(logins: &Logins) -> String {
    let agent = AgentId::parse("15000").unwrap();
    logins.issue(&agent, &LoginId::parse("0123456789abcdef").unwrap(), None, WallTime::from_millis(START)).unwrap()
}

fn after(minutes: u64) -> WallTime {
    WallTime::from_millis(START + minutes * MINUTE)
}

#[test]
fn a_token_names_the_agent_and_the_login_it_was_issued_for() {
    let login = logins(1).verify(&token(&logins(1)), after(0)).unwrap();
    assert_eq!((login.agent.as_str(), login.id.as_str(), login.age), ("15000", "0123456789abcdef", Age::Fresh));
}

#[test]
fn an_agent_may_have_any_name() {
    let agent = AgentId::parse(&"\u{20ac}".repeat(128)).unwrap();
    let token = logins(1).issue(&agent, &LoginId::draw(), None, after(0)).unwrap();
    assert_eq!(logins(1).verify(&token, after(0)).unwrap().agent, agent);
}

#[test]
fn a_token_is_to_be_issued_again_after_a_quarter_of_the_idle_time_and_ends_after_five() {
    let (logins, token) = (logins(1), token(&logins(1)));
    let age = |minutes| logins.verify(&token, after(minutes)).map(|login| login.age);
    assert_eq!(age(7), Some(Age::Fresh));
    assert_eq!(age(8), Some(Age::Stale));
    assert_eq!(age(37), Some(Age::Stale));
    assert_eq!(age(38), None);
}

#[test]
fn a_token_from_far_in_the_future_is_refused() {
    let verify = |at| logins(1).verify(&token(&logins(1)), WallTime::from_millis(at));
    assert!(verify(START - MINUTE).is_some());
    assert!(verify(START - MINUTE - 1).is_none());
}

#[test]
fn a_token_of_another_key_is_refused() {
    assert!(logins(2).verify(&token(&logins(1)), after(0)).is_none());
}

#[test]
fn a_token_with_any_bit_changed_is_refused() {
    let bytes = URL_SAFE_NO_PAD.decode(token(&logins(1))).unwrap();
    let mut tried = 0;
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(logins(1).verify(&URL_SAFE_NO_PAD.encode(changed), after(0)).is_none(), "bit {bit}");
        tried += 1;
    }
    assert!(tried > 400);
}

#[test]
fn a_token_cut_short_or_made_up_is_refused() {
    let token = token(&logins(1));
    for length in 0..token.len() {
        assert!(logins(1).verify(&token[..length], after(0)).is_none());
    }
    for text in ["-", "=", "node01.abc", "\u{20ac}", &"A".repeat(100_000)] {
        assert!(logins(1).verify(text, after(0)).is_none());
    }
}

#[test]
fn a_login_with_an_end_ends_then_however_it_is_used() {
    let logins = logins(1);
    let (agent, id) = (AgentId::parse("15000").unwrap(), LoginId::draw());
    let token = logins.issue(&agent, &id, Some(after(10)), after(0)).unwrap();
    let login = logins.verify(&token, WallTime::from_millis(after(10).millis() - 1)).unwrap();
    assert_eq!((login.agent.as_str(), login.until, login.age), ("15000", Some(after(10)), Age::Stale));
    assert_eq!(logins.verify(&token, after(10)), None);
    let renewed = logins.issue(&agent, &id, login.until, after(9)).unwrap();
    assert_eq!(logins.verify(&renewed, after(9)).map(|login| login.until), Some(Some(after(10))));
    assert_eq!(logins.verify(&renewed, after(10)), None);
}

#[test]
fn what_goes_beside_a_cookie_is_of_its_login_and_its_key_and_is_no_login() {
    let (agent, login) = (AgentId::parse("15000").unwrap(), LoginId::parse("0123456789abcdef").unwrap());
    let beside = logins(1).csrf(&agent, &login).unwrap();
    assert_eq!((beside.len(), beside.matches('-').count()), (36, 4), "as a UUID: {beside}");
    assert_eq!(logins(1).csrf(&agent, &login).unwrap(), beside, "it is remembered nowhere");
    let other = AgentId::parse("15001").unwrap();
    for different in
        [logins(2).csrf(&agent, &login), logins(1).csrf(&other, &login), logins(1).csrf(&agent, &LoginId::draw())]
    {
        assert_ne!(different.unwrap(), beside);
    }
}
