//! How long a socket's client stays logged in.

use crate::http::socket::Standing;
use crate::ids::WallTime;

const fn at(millis: u64) -> WallTime {
    WallTime::from_millis(millis)
}

#[test]
fn a_newer_token_of_the_same_agent_prolongs_and_never_shortens() {
    let login = Standing::of(None).replace(at(10));
    assert_eq!(login.prolong(at(20)).ends(), Some(at(20)));
    assert_eq!(login.prolong(at(5)).ends(), Some(at(10)));
    assert_eq!(Standing::of(None).prolong(at(5)).ends(), None, "a cookie's login that has no end");
}

#[test]
fn a_token_of_another_agent_does_not_prolong_what_was_there_before() {
    let first = Standing::of(None).replace(at(10));
    assert_eq!(first.replace(at(20)).ends(), Some(at(10)));
    assert_eq!(first.replace(at(5)).ends(), Some(at(5)));
    assert_eq!(first.replace(at(5)).prolong(at(30)).ends(), Some(at(10)));
    assert_eq!(first.replace(at(30)).replace(at(40)).ends(), Some(at(10)));
    assert!(first.replace(at(u64::MAX)).is_over(), "10 ms after the start of 1970");
}
