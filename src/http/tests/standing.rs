//! How long a socket's client stays logged in.

use std::time::Duration;

use crate::clock;
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

#[tokio::test(start_paused = true)]
async fn one_looks_when_it_ends_and_not_later_than_is_due() {
    let (start, second) = (clock::now(), Duration::from_secs(1));
    let looks = |ends: Duration| {
        let ends = clock::wall().millis() + u64::try_from(ends.as_millis()).unwrap();
        let looks = Standing::of(None).replace(at(ends)).look_by(start + 30 * second) - start;
        // The time of day is told in milliseconds.
        (looks + Duration::from_millis(5)).as_millis() / 10 * 10
    };
    assert_eq!((looks(second), looks(60 * second)), (1_000, 30_000));
    assert_eq!(Standing::of(None).look_by(start + second), start + second);
    tokio::time::advance(2 * second).await;
    assert_eq!(looks(Duration::ZERO), 2_000, "at once");
}
