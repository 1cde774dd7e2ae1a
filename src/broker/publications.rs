//! Publications: how they look, and who hears them as they happen.

use std::sync::Arc;
use std::time::Instant;

use crate::bayeux::Event;
use crate::broker::rules::{ReplayId, Rules, Store, Who};
use crate::broker::session_rules::Stamp;
use crate::broker::sessions::Sessions;
use crate::broker::settings::Settings;
use crate::clock;
use crate::ids::WallTime;
use crate::log::Record;
use crate::records::{ChannelPublished, Direct, Keep};

/// A publication as it stands on the wire. One that is kept carries its position, from which a client can go on.
pub(super) fn told(settings: &Settings, published: &ChannelPublished, record: &Record) -> Event {
    let (channel, data, at) = (&published.channel, &published.data, record.position);
    let event = match settings.rules.store(channel) {
        Store::Durable { replay_id: ReplayId::InData, .. } => Event::durable_with_id(channel, data, at),
        Store::Durable { replay_id: ReplayId::InExt, .. } => Event::durable(channel, data, at),
        Store::Volatile => Event::publication(channel, data),
    };
    let event = match &published.binary {
        Some(binary) => event.with_binary(binary),
        None => event,
    };
    stamped(settings, event, record.time)
}

/// An event with the time of its record, if events bear theirs. A redelivery bears the same.
pub(super) fn stamped(settings: &Settings, event: Event, time: WallTime) -> Event {
    match settings.session_rules.stamp {
        Stamp::Everything => event.stamped(time),
        Stamp::Nothing => event,
    }
}

/// The server ends a session.
pub(super) fn goodbye(settings: &Settings) -> Event {
    stamped(settings, Event::disconnect(), clock::wall())
}

/// Whether a publication is in a history. What is written down for its key alone is not: no page will ever bring it.
pub(super) fn kept(rules: &Rules, record: &Record, published: &ChannelPublished) -> Keep {
    if record.volatile { Keep::Volatile } else { rules.store(&published.channel).keep() }
}

impl<T> Sessions<T> {
    /// A publication was written down: whoever hears its channel is owed it.
    pub(super) fn apply_publication(&mut self, now: Instant, record: &Record, published: &ChannelPublished) {
        let at = record.position;
        self.recent.published(&published.channel, at, self.log.floor());
        self.share_channels();
        let mut matched = std::mem::take(&mut self.matched);
        self.subscriptions.matching(&published.channel, &mut matched);
        if !matched.is_empty() {
            let settings = Arc::clone(&self.settings);
            let event = told(&settings, published, record);
            let audience = settings.rules.audience(&published.channel);
            let due = settings
                .rules
                .lazy(&published.channel)
                .and_then(|lazy| now.checked_add(lazy.min(settings.session_rules.max_lazy)));
            let keep = kept(&settings.rules, record, published);
            let deaf = self.deaf(published.publisher, &published.channel);
            for seat in matched.drain(..).filter(|seat| Some(*seat) != deaf) {
                let hears = |seat| self.live.get(seat).is_some_and(|live| live.hears_kept(&published.channel));
                if keep == Keep::Volatile || hears(seat) {
                    self.deliver(now, seat, at, &event, due, audience);
                }
            }
        }
        self.matched = matched;
    }

    /// A message for one session alone was written down.
    pub(super) fn apply_direct(&mut self, now: Instant, record: &Record, direct: &Direct) {
        if let Some(seat) = self.seats.get(&direct.session).copied() {
            self.recent.owed(direct.session, record.position, self.log.floor());
            let event = stamped(&self.settings, direct.event(), record.time);
            self.deliver(now, seat, record.position, &event, None, &Who::Anyone);
        }
    }
}
