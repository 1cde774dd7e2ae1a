//! Publications: how they look, and who hears them as they happen.

use std::sync::Arc;
use std::time::Instant;

use crate::bayeux::Event;
use crate::broker::rules::{ReplayId, Rules, Store};
use crate::broker::sessions::Sessions;
use crate::ids::Position;
use crate::log::Record;
use crate::records::ChannelPublished;

/// A publication as it stands on the wire. One that is kept carries its position, from which a client can go on.
pub(super) fn told(rules: &Rules, published: &ChannelPublished, at: Position) -> Event {
    let (channel, data) = (&published.channel, &published.data);
    match rules.store(channel) {
        Store::Durable { replay_id: ReplayId::InData, .. } => Event::durable_with_id(channel, data, at),
        Store::Durable { replay_id: ReplayId::InExt, .. } => Event::durable(channel, data, at),
        Store::Volatile => Event::publication(channel, data),
    }
}

impl<T> Sessions<T> {
    /// A publication was written down: whoever hears its channel is owed it.
    pub(super) fn apply_publication(&mut self, now: Instant, record: &Record, published: &ChannelPublished) {
        let at = record.position;
        self.recent.published(&published.channel, at, self.log.floor());
        let mut matched = std::mem::take(&mut self.matched);
        self.subscriptions.matching(&published.channel, &mut matched);
        if !matched.is_empty() {
            let settings = Arc::clone(&self.settings);
            let event = told(&settings.rules, published, at);
            let audience = settings.rules.audience(&published.channel);
            let due = settings
                .rules
                .lazy(&published.channel)
                .and_then(|lazy| now.checked_add(lazy.min(settings.session_rules.max_lazy)));
            let deaf = self.deaf(published.publisher, &published.channel);
            for seat in matched.drain(..).filter(|seat| Some(*seat) != deaf) {
                let hears = |seat| self.live.get(seat).is_some_and(|live| live.hears_kept(&published.channel));
                if record.volatile || hears(seat) {
                    self.deliver(now, seat, at, &event, due, audience);
                }
            }
        }
        self.matched = matched;
    }
}
