//! The subscription index, by hand and against a list.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::bayeux::{Channel, Pattern, Subscriptions};

#[test]
fn each_subscriber_is_found_once_and_in_order() {
    let mut index = Subscriptions::default();
    for (text, subscriber) in [("/a/**", 3), ("/a/b", 2), ("/a/*", 1), ("/a/b", 3), ("/**", 2), ("/c", 9)] {
        assert!(index.insert(&pattern(text), subscriber));
    }
    let mut out = vec![7];
    index.matching(&channel("/a/b"), &mut out);
    assert_eq!(out, [7, 1, 2, 3]);
}

#[test]
fn what_is_removed_leaves_nothing_behind() {
    let mut index = Subscriptions::default();
    assert!(index.insert(&pattern("/a/*"), 1));
    assert!(!index.insert(&pattern("/a/*"), 1));
    assert!(index.insert(&pattern("/a/*"), 2));
    assert_eq!((index.patterns(), index.len(), index.is_empty()), (1, 2, false));
    assert!(!index.remove(&pattern("/a/**"), 1));
    assert!(!index.remove(&pattern("/a/*"), 3));
    assert!(index.remove(&pattern("/a/*"), 1));
    assert!(index.remove(&pattern("/a/*"), 2));
    assert!(!index.remove(&pattern("/a/*"), 2));
    assert_eq!((index.patterns(), index.len(), index.is_empty()), (0, 0, true));
}

#[test]
fn the_index_finds_what_a_list_of_all_subscriptions_finds() {
    let mut random = StdRng::seed_from_u64(11);
    let mut index = Subscriptions::default();
    let mut list: Vec<(Pattern, u32)> = Vec::new();
    let (mut found, mut several, mut removed) = (0, 0, 0);
    for _ in 0..20_000 {
        let subscriber = random.random_range(0..12);
        let subscription = (pattern(&name(&mut random, ["/*", "/**", "", ""])), subscriber);
        match random.random_range(0..4) {
            0 => {
                let new = !list.contains(&subscription);
                assert_eq!(index.insert(&subscription.0, subscriber), new);
                if new {
                    list.push(subscription);
                }
            }
            1 => {
                let before = list.len();
                list.retain(|other| *other != subscription);
                assert_eq!(index.remove(&subscription.0, subscriber), list.len() < before);
                removed += before - list.len();
            }
            _ => {
                let channel = channel(&name(&mut random, [""; 4]));
                let matching: Vec<_> = list.iter().filter(|(pattern, _)| pattern.matches(&channel)).collect();
                let mut expected: Vec<u32> = matching.iter().map(|(_, subscriber)| *subscriber).collect();
                expected.sort_unstable();
                expected.dedup();
                let mut out = Vec::new();
                index.matching(&channel, &mut out);
                assert_eq!(out, expected, "{channel}");
                found += out.len();
                several += matching.len() - out.len();
            }
        }
        assert_eq!(index.len(), list.len());
    }
    assert!(found > 5_000 && several > 1_000 && removed > 1_000, "{found} {several} {removed}");
}

fn name(random: &mut StdRng, ends: [&str; 4]) -> String {
    let depth = random.random_range(1..4);
    let stem: String = (0..depth).map(|_| ["/a", "/b", "/service"][random.random_range(0..3)]).collect();
    stem + ends[random.random_range(0..4)]
}

fn channel(text: &str) -> Channel {
    Channel::parse(text).unwrap()
}

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}
