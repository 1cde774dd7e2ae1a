//! What holds for one session, other than for the rest.

use std::time::{Duration, Instant};

use crate::bayeux::{Channel, Delivery, Terms};
use crate::broker::sessions::{Seat, Sessions};
use crate::ids::SessionId;
use crate::records::SessionState;

/// What holds for one session, other than for the rest. It lasts as long as the process; what it does not say is as for
/// all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Adjustment {
    /// How long a connect is held.
    pub timeout: Option<Duration>,
    /// How long the client pauses between connects.
    pub interval: Option<Duration>,
    /// How long after that the session lives on without a connect.
    pub max_interval: Option<Duration>,
    /// Which responses carry its messages.
    pub delivery: Option<Delivery>,
    /// Whether it hears what it published itself.
    pub broadcast_to_publisher: Option<bool>,
}

impl<T> Sessions<T> {
    /// Has something else hold for a session of this home from now on. Its client is told by its next connect.
    pub(super) fn handle_adjust(&mut self, now: Instant, session: SessionId, adjustment: Adjustment) -> bool {
        let Some(seat) = self.seats.get(&session).copied() else { return false };
        let Some(live) = self.live.get_mut(seat) else { return false };
        live.adjustment = Some(Box::new(adjustment));
        let terms = self.terms_at(seat);
        self.with_session(seat, |session| terms.into_iter().for_each(|terms| session.handle_terms(now, terms)));
        self.flush(now, seat);
        true
    }

    /// What a session is promised.
    pub(super) fn terms_at(&self, seat: Seat) -> Option<Terms> {
        let live = self.live.get(seat)?;
        Some(self.terms(&live.state, live.adjustment.as_deref().copied().unwrap_or_default()))
    }

    pub(super) fn terms(&self, state: &SessionState, adjustment: Adjustment) -> Terms {
        let settings = &self.settings;
        Terms {
            ack: state.ack,
            timeout: adjustment.timeout.unwrap_or(settings.timeout),
            interval: adjustment.interval.unwrap_or(settings.interval),
            max_interval: adjustment.max_interval.unwrap_or(settings.max_interval),
            longest_hold: settings.session_rules.max_processing.unwrap_or(Duration::MAX),
            queue_messages: settings.queue_messages,
            queue_bytes: settings.queue_bytes,
            slow: settings.session_rules.slow_consumer,
            delivery: adjustment.delivery.unwrap_or(settings.session_rules.delivery),
            handshake_reconnect: settings.session_rules.handshake_reconnect,
        }
    }

    /// The seat of a publisher that does not hear its own publication, if it sits here.
    pub(super) fn deaf(&self, publisher: Option<SessionId>, channel: &Channel) -> Option<Seat> {
        let seat = self.seats.get(&publisher?).copied()?;
        let own = self.live.get(seat)?.adjustment.as_ref().and_then(|adjustment| adjustment.broadcast_to_publisher);
        let rules = &self.settings.rules;
        let usual =
            || rules.broadcast_to_publisher(channel).unwrap_or(self.settings.session_rules.broadcast_to_publisher);
        (!own.unwrap_or_else(usual)).then_some(seat)
    }
}
