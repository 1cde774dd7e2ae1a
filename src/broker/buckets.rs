//! Token buckets, one a key, in a table with a bound.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How often something may happen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Pace {
    /// In a second, on average; not 0.
    pub rate: u32,
    /// At once.
    pub burst: usize,
}

/// The buckets of many keys.
///
/// Invariant: a bucket that is full takes no room, and there are never more than `most` others. When there would be, the one
/// that is soonest full again counts as full: whoever took least is forgotten first.
#[derive(Debug)]
pub(super) struct Buckets<K> {
    /// When each is full again.
    full: BTreeMap<K, Instant>,
    /// The same, soonest first.
    soonest: BTreeSet<(Instant, K)>,
    most: usize,
}

impl<K: Clone + Ord> Buckets<K> {
    /// Full ones, of which at most so many are remembered that are not.
    pub(super) fn new(most: usize) -> Self {
        Self { full: BTreeMap::new(), soonest: BTreeSet::new(), most }
    }

    /// Takes one token out of a key's bucket; `false` if it is empty.
    #[must_use]
    pub(super) fn take(&mut self, now: Instant, key: &K, pace: Pace) -> bool {
        while let Some((at, _)) = self.soonest.first()
            && *at <= now
        {
            self.forget_soonest();
        }
        let each = Duration::from_secs(1) / pace.rate.max(1);
        let burst = each.saturating_mul(u32::try_from(pace.burst.max(1)).unwrap_or(u32::MAX));
        let before = self.full.get(key).copied();
        let full = before.unwrap_or(now) + each;
        if full.saturating_duration_since(now) > burst {
            return false;
        }
        match before {
            Some(before) => {
                self.soonest.remove(&(before, key.clone()));
            }
            None if self.full.len() >= self.most => self.forget_soonest(),
            None => {}
        }
        self.full.insert(key.clone(), full);
        self.soonest.insert((full, key.clone()));
        true
    }

    fn forget_soonest(&mut self) {
        if let Some((_, key)) = self.soonest.pop_first() {
            self.full.remove(&key);
        }
    }

    /// How many are not full, or were not when this was asked for last.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.full.len()
    }
}
