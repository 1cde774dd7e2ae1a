//! How often something may happen, and how little is remembered of it.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::broker::buckets::{Buckets, Pace};
use crate::clock;

const PACE: Pace = Pace { rate: 10, burst: 5 };

#[test]
fn what_is_full_again_is_forgotten() {
    let mut buckets = Buckets::new(100);
    let start = clock::now();
    for key in 0..50 {
        assert!(buckets.take(start, &key, PACE));
    }
    assert_eq!(buckets.len(), 50);
    assert!(buckets.take(start + Duration::from_millis(100), &0, PACE));
    assert_eq!(buckets.len(), 1);
}

#[test]
fn who_takes_most_is_remembered_when_there_are_too_many() {
    let mut buckets = Buckets::new(3);
    let now = clock::now();
    while buckets.take(now, &"greedy", PACE) {}
    for key in ["a", "b", "c", "d", "e", "f"] {
        assert!(buckets.take(now, &key, PACE));
        assert!(buckets.len() <= 3);
        assert!(!buckets.take(now, &"greedy", PACE), "after {key}");
    }
}

#[test]
fn a_burst_that_nobody_could_take_is_no_limit_and_no_panic() {
    let mut buckets = Buckets::new(3);
    let now = clock::now();
    let pace = Pace { rate: 1, burst: usize::MAX };
    assert!((0..10_000).all(|_| buckets.take(now, &1, pace)));
}

#[test]
fn nobody_gets_more_than_the_rate_and_the_burst_in_any_time() {
    let mut random = StdRng::seed_from_u64(7);
    let mut buckets = Buckets::new(1000);
    let start = clock::now();
    let (mut now, mut refused) = (start, 0);
    let mut taken: BTreeMap<u64, u32> = BTreeMap::new();
    for _ in 0..20_000 {
        now += Duration::from_millis(random.random_range(0..20));
        let key = random.random_range(0..8);
        let most = 5 + u32::try_from((now - start).as_millis() / 100).unwrap();
        if buckets.take(now, &key, PACE) {
            *taken.entry(key).or_default() += 1;
            assert!(taken[&key] <= most);
        } else {
            refused += 1;
        }
    }
    assert!(refused > 1000, "{refused}");
    let all = (now - start).as_millis() / 100;
    assert!(taken.values().all(|taken| u128::from(*taken) * 10 > all * 9), "who asks often enough gets nearly all");
}
