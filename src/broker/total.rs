//! What all homes count together.

use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::broker::buckets::Buckets;
use crate::broker::quota::Addresses;
use crate::broker::sessions::{Awaited, Sessions};
use crate::broker::slow::Crowd;

/// What all homes count together.
#[derive(Debug)]
pub(super) struct Total {
    sessions: AtomicUsize,
    patterns: AtomicUsize,
    /// Of how many channels the newest records are.
    channels: AtomicUsize,
    /// Where they come from.
    pub(super) addresses: Addresses,
    /// How often those handshake from there who are nobody in particular.
    pub(super) handshakes: Mutex<Buckets<IpAddr>>,
    /// Those that publishers wait for.
    pub(super) crowd: Crowd,
}

impl Default for Total {
    fn default() -> Self {
        Self {
            sessions: AtomicUsize::new(0),
            patterns: AtomicUsize::new(0),
            channels: AtomicUsize::new(0),
            addresses: Addresses::default(),
            handshakes: Mutex::new(Buckets::new(CALLERS)),
            crowd: Crowd::default(),
        }
    }
}

impl Total {
    /// How many.
    pub(super) fn get(&self) -> usize {
        self.sessions.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self) {
        self.sessions.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn remove(&self) {
        self.sessions.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many patterns are subscribed to, give or take what the homes did in this moment. One pattern counts at each.
    pub(super) fn patterns(&self) -> usize {
        self.patterns.load(Ordering::Relaxed)
    }

    /// Of how many channels the newest records are, give or take what was published in this moment.
    pub(super) fn channels(&self) -> usize {
        self.channels.load(Ordering::Relaxed)
    }

    pub(super) fn share_channels(&self, channels: usize) {
        self.channels.store(channels, Ordering::Relaxed);
    }

    pub(super) fn share_patterns(&self, before: usize, after: usize) {
        self.patterns.fetch_add(after, Ordering::Relaxed);
        self.patterns.fetch_sub(before, Ordering::Relaxed);
    }
}

impl<T> Sessions<T> {
    /// The core is given up: its sessions are counted no more.
    pub(super) fn forget(&self) {
        for (_, live) in &self.live {
            self.leave(&live.remote);
            if live.slow {
                self.total.crowd.leave(&live.state);
            }
        }
        for awaited in self.awaited.values() {
            if let Awaited::Handshake { remote, .. } = awaited {
                self.leave(remote);
            }
        }
        self.total.share_patterns(self.shared_patterns, 0);
        for _ in 0..self.live.len() + self.shaking.values().sum::<usize>() {
            self.total.remove();
        }
    }
}

/// Of how many agents at each home, and of how many addresses, it is remembered how often they handshook.
pub(super) const CALLERS: usize = 16_384;
