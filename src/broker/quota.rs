//! What one session, one address and all together may do.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::bayeux::{Channel, Error, Family};
use crate::broker::buckets::Pace;
use crate::broker::handle::{Peer, Remote};
use crate::broker::live::Live;
use crate::broker::sessions::{Seat, Sessions};
use crate::log::Log;
use crate::metrics::{Label, Limit};
use crate::records::{ChannelPublished, Keep};

/// How many sessions of all homes came from where. It is looked at by handshakes and by ends.
#[derive(Debug, Default)]
pub(super) struct Addresses(Mutex<BTreeMap<IpAddr, usize>>);

/// How long the publications that a session may send at once would take at its rate.
const BURST: Duration = Duration::from_secs(10);

impl Addresses {
    /// Counts one more from an address, unless that are too many. Whoever gets a place must [leave](Self::leave) it.
    #[must_use]
    pub(super) fn enter(&self, address: IpAddr, most: usize) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(network(address)).or_default();
        let room = *count < most;
        *count += usize::from(room);
        room
    }

    pub(super) fn leave(&self, address: IpAddr) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&network(address)) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&network(address));
            }
        }
    }
}

/// The address, or of IPv6 the network that one customer usually has.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

impl Live {
    /// Whether it may publish once more now, at so many a second.
    fn may_publish(&mut self, now: Instant, rate: u32) -> bool {
        let each = Duration::from_secs(1) / rate.max(1);
        // When the bucket will be full again; it is empty if that is as long as the burst lasts.
        let full = self.publishes.map_or(now, |full| full.max(now));
        let allowed = full + each <= now + BURST;
        if allowed {
            self.publishes = Some(full + each);
        }
        allowed
    }
}

/// Whether a publication would be the first that is kept of its channel.
pub(super) fn is_new(log: &dyn Log, channel: &Channel, keep: Keep) -> bool {
    match keep {
        Keep::Stored => !log.lives(&ChannelPublished::subject(channel)),
        Keep::Volatile => false,
    }
}

/// Whether something may be kept of so many more channels.
pub(super) fn has_room(log: &dyn Log, more: usize, most: usize) -> bool {
    log.histories().saturating_add(more) <= most
}

impl<T> Sessions<T> {
    /// Whether a publication may be kept, if it is the first of its channel.
    pub(super) fn within_durable_channels(&self, channel: &Channel, keep: Keep) -> Result<(), Error> {
        let most = self.settings.session_rules.durable_channels;
        // Most often there is room, and so nothing to look for.
        if keep == Keep::Volatile || has_room(&*self.log, 1, most) || !is_new(&*self.log, channel, keep) {
            return Ok(());
        }
        Err(self.over(Limit::DurableChannels))
    }

    /// Whether a session may publish there now, for all that the limits say.
    pub(super) fn within_limits(&mut self, now: Instant, seat: Seat, channel: &Channel) -> Result<(), Error> {
        self.within_rate(now, seat)?;
        let rules = self.settings.session_rules;
        let limit = if self.total.crowd.waits_for(channel, self.settings.rules.audience(channel)) {
            Limit::SlowConsumer
        } else if channel.family() == Family::Broadcast
            && !self.recent.has_room(channel, rules.channels, self.log.floor())
        {
            Limit::Channels
        } else {
            return Ok(());
        };
        Err(self.over(limit))
    }

    /// Whether a session may have one more record written now.
    pub(super) fn within_rate(&mut self, now: Instant, seat: Seat) -> Result<(), Error> {
        let rate = self.settings.session_rules.publish_rate;
        let Some(live) = self.live.get_mut(seat) else { return Err(Error::session_unknown()) };
        if rate.is_some_and(|rate| !live.may_publish(now, rate)) { Err(self.over(Limit::PublishRate)) } else { Ok(()) }
    }

    /// Whether a client may handshake once more now. An agent has one home, which alone counts for it; those who are nobody
    /// in particular have any, so all count together.
    pub(super) fn within_handshakes(&mut self, now: Instant, peer: &Peer) -> Result<(), Limit> {
        let rules = self.settings.session_rules;
        let pace = |rate: u32, sessions: usize| {
            let burst = usize::try_from(rate).unwrap_or(usize::MAX).saturating_mul(10);
            Pace { rate, burst: burst.max(sessions) }
        };
        match (&peer.agent, peer.remote.counted()) {
            (Some(agent), _) => {
                let Some(rate) = rules.handshake_rate else { return Ok(()) };
                let pace = pace(rate, self.settings.sessions_per_agent);
                if self.handshakes.take(now, agent, pace) { Ok(()) } else { Err(Limit::HandshakeRate) }
            }
            (None, Some(address)) => {
                let Some(rate) = rules.handshake_rate_per_address else { return Ok(()) };
                let pace = pace(rate, rules.sessions_per_address.unwrap_or(self.settings.sessions));
                let mut handshakes = self.total.handshakes.lock().unwrap_or_else(PoisonError::into_inner);
                let allowed = handshakes.take(now, &network(address), pace);
                if allowed { Ok(()) } else { Err(Limit::HandshakeRatePerAddress) }
            }
            (None, None) => Ok(()),
        }
    }

    fn over(&self, limit: Limit) -> Error {
        self.metrics.rejected_total.of(limit).inc();
        Error::limit(limit.as_str())
    }

    /// Counts a session to come from an address, if there is room for it.
    pub(super) fn enter_from(&self, address: Option<IpAddr>) -> bool {
        match (address, self.settings.session_rules.sessions_per_address) {
            (Some(address), Some(most)) => self.total.addresses.enter(address, most),
            (Some(_) | None, _) => true,
        }
    }

    /// Gives back the place of [`enter_from`](Self::enter_from).
    pub(super) fn leave(&self, remote: &Remote) {
        if let Some(address) = remote.counted() {
            self.total.addresses.leave(address);
        }
    }

    /// Tells those who publish without a home of how many channels the newest records are. Every home knows them all.
    pub(super) fn share_channels(&mut self) {
        let channels = self.recent.channels();
        if self.home == 0 && channels != self.shared_channels {
            self.shared_channels = channels;
            self.total.share_channels(channels);
        }
    }

    /// The first of these channels for which there is no room beside those before it.
    pub(super) fn beyond_channels(&mut self, channels: &[Channel]) -> Option<usize> {
        let (most, floor) = (self.settings.session_rules.channels, self.log.floor());
        let mut fresh = BTreeSet::new();
        channels.iter().position(|channel| {
            !self.recent.knows(channel, floor)
                && fresh.insert(channel)
                && !self.recent.has_room(channel, (most + 1).saturating_sub(fresh.len()), floor)
        })
    }

    /// Tells the other homes how many patterns are subscribed to here.
    pub(super) fn share_patterns(&mut self) {
        let patterns = self.subscriptions.patterns();
        self.total.share_patterns(std::mem::replace(&mut self.shared_patterns, patterns), patterns);
    }
}
