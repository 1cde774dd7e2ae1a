//! Who subscribed to what: at most depth + 2 look-ups a publication, each subscriber once.

use std::collections::BTreeMap;
#[expect(clippy::disallowed_types, reason = "looked up for every publication; whoever lists it sorts")]
use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::channel::{Channel, Pattern, Reach};

/// An index from patterns to subscribers.
///
/// Invariants: the subscribers of one pattern are in order, without doublets, and at least one.
#[derive(Debug)]
pub struct Subscriptions<K> {
    below: Index<K>,
    child: Index<K>,
    exact: Index<K>,
    len: usize,
}

/// From a pattern's stem to its subscribers. The seed of the hash is the process's own, so that nobody can
/// choose channel names that collide.
#[expect(clippy::disallowed_types, reason = "looked up for every publication; whoever lists it sorts")]
type Index<K> = HashMap<Box<str>, Vec<K>, RandomState>;

impl<K: Copy + Ord> Subscriptions<K> {
    /// Adds one. Says whether it was new.
    pub fn insert(&mut self, pattern: &Pattern, subscriber: K) -> bool {
        let (index, stem) = self.index_mut(pattern.reach());
        // Looked up first, because `entry` would need the key as a box of its own each time.
        let subscribers = match index.get_mut(stem) {
            Some(subscribers) => subscribers,
            None => index.entry(stem.into()).or_default(),
        };
        let Err(place) = subscribers.binary_search(&subscriber) else { return false };
        subscribers.insert(place, subscriber);
        self.len += 1;
        true
    }

    /// Removes one. Says whether it was there.
    pub fn remove(&mut self, pattern: &Pattern, subscriber: K) -> bool {
        let (index, stem) = self.index_mut(pattern.reach());
        let Some(subscribers) = index.get_mut(stem) else { return false };
        let Ok(place) = subscribers.binary_search(&subscriber) else { return false };
        subscribers.remove(place);
        if subscribers.is_empty() {
            index.remove(stem);
        }
        self.len -= 1;
        true
    }

    /// Appends each subscriber of a channel once, in order.
    pub fn matching(&self, channel: &Channel, out: &mut Vec<K>) {
        let start = out.len();
        let mut matched = 0;
        for reach in channel.reaches() {
            let (index, stem) = self.index(reach);
            if let Some(subscribers) = index.get(stem) {
                out.extend_from_slice(subscribers);
                matched += 1;
            }
        }
        if matched > 1 {
            let mut merged = out.split_off(start);
            // The stable sort finds the runs that are in order already, and only merges them.
            merged.sort();
            merged.dedup();
            out.append(&mut merged);
        }
    }

    /// Whether a pattern has subscribers.
    pub fn contains(&self, pattern: &Pattern) -> bool {
        let (index, stem) = self.index(pattern.reach());
        index.contains_key(stem)
    }

    /// How many distinct patterns have subscribers.
    pub fn patterns(&self) -> usize {
        self.below.len() + self.child.len() + self.exact.len()
    }

    /// Adds up how many subscribed to each pattern that begins with `prefix`. Looks at all of them.
    pub fn tally(&self, prefix: &str, into: &mut BTreeMap<Box<str>, usize>) {
        for (index, ending) in [(&self.below, "/**"), (&self.child, "/*"), (&self.exact, "")] {
            for (stem, subscribers) in index {
                let pattern = format!("{stem}{ending}");
                if pattern.starts_with(prefix) {
                    *into.entry(pattern.into()).or_default() += subscribers.len();
                }
            }
        }
    }

    /// How many subscriptions there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn index<'a>(&self, reach: Reach<'a>) -> (&Index<K>, &'a str) {
        match reach {
            Reach::Below(stem) => (&self.below, stem),
            Reach::Child(stem) => (&self.child, stem),
            Reach::Exact(stem) => (&self.exact, stem),
        }
    }

    fn index_mut<'a>(&mut self, reach: Reach<'a>) -> (&mut Index<K>, &'a str) {
        match reach {
            Reach::Below(stem) => (&mut self.below, stem),
            Reach::Child(stem) => (&mut self.child, stem),
            Reach::Exact(stem) => (&mut self.exact, stem),
        }
    }
}

impl<K> Default for Subscriptions<K> {
    fn default() -> Self {
        Self { below: Index::default(), child: Index::default(), exact: Index::default(), len: 0 }
    }
}
