//! The activity extension: sessions in which nothing happens are ended, although their clients connect.

use std::time::Instant;

use crate::bayeux::{ConnectKey, MessageId};
use crate::broker::session_rules::Activity;
use crate::broker::sessions::{Seat, Sessions};
use crate::metrics::EndReason;

impl<T> Sessions<T> {
    /// The client of a session did something.
    pub(super) fn is_active(&mut self, now: Instant, seat: Seat) {
        if let Some(live) = self.live.get_mut(seat) {
            live.active = now;
        }
    }

    /// A session was sent something, which may count.
    pub(super) fn is_told(&mut self, now: Instant, seat: Seat) {
        match self.settings.session_rules.activity {
            Activity::Client => {}
            Activity::ClientServer => self.is_active(now, seat),
        }
    }

    /// Ends a session whose client connects and does nothing else for too long. `false` if it did something.
    pub(super) fn end_idle(&mut self, now: Instant, key: ConnectKey, seat: Seat, id: Option<&MessageId>) -> bool {
        let Some(most) = self.settings.session_rules.max_inactivity else { return false };
        let Some(live) = self.live.get(seat) else { return false };
        if now.saturating_duration_since(live.active) <= most {
            return false;
        }
        let (session, position) = (live.state.session, live.position);
        self.end(now, session, position, EndReason::Idle);
        self.send_away(key, id.cloned());
        true
    }
}
