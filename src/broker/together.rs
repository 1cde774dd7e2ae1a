//! A request of several messages: what these bring about is held together, so that one response carries it.

use std::time::Instant;

use crate::bayeux::ConnectKey;
use crate::broker::sessions::{Seat, Sessions};

impl<T> Sessions<T> {
    /// A message of a request came that is no connect. What a socket brings is in order anyway.
    pub(super) fn hold_together(&mut self, key: ConnectKey, seat: Seat) {
        let several = self.conversations.get(&key).is_some_and(|request| !request.alone && request.line.is_none());
        if let Some(live) = self.live.get_mut(seat)
            && several
        {
            live.batch = Some(key);
            self.with_session(seat, |session| session.handle_together(true));
        }
    }

    /// A request is no longer under way: if it was held together, what it leaves goes out.
    pub(super) fn let_apart(&mut self, now: Instant, key: ConnectKey, seat: Seat) {
        if let Some(live) = self.live.get_mut(seat)
            && live.batch == Some(key)
        {
            live.batch = None;
            self.with_session(seat, |session| session.handle_together(false));
            self.flush(now, seat);
        }
    }
}
