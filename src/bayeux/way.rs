//! A session's direct way to its client: frames that are taken over one by one, in their order.

use std::time::Instant;

use super::reply::Frame;
use super::session::{Delivery, Session, State, after};
use super::slow::SlowConsumer;

/// How events reach the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    /// In the answers to its connects, and to other requests.
    Answers,
    /// By themselves.
    Direct,
    /// By themselves, but there is no room just now.
    Full,
}

impl Session {
    /// There is a direct way to the client from now on. Poll frames.
    pub fn handle_attached(&mut self) {
        self.way = Way::Direct;
    }

    /// There is a stream to the client from now on: a direct way beside which a connect is a sign of life only, and may be
    /// as long in coming as it would be held. Poll frames.
    pub fn handle_streamed(&mut self, now: Instant) {
        self.way = Way::Direct;
        let earliest = after(now, self.terms.timeout.saturating_add(self.terms.max_interval));
        match &mut self.state {
            State::Away { expires, .. } | State::Handshaken { expires } => *expires = earliest.max(*expires),
            State::Gone | State::Parked(_) => {}
        }
    }

    /// The direct way has no room, or is [crowded](Self::is_crowded): what is owed waits until the next frame is polled.
    pub fn handle_full(&mut self) {
        self.way = Way::Full;
    }

    /// The session is over. What frames carry will still be taken over; all that waits goes with the answer to the parked
    /// connect.
    pub fn handle_farewell(&mut self) {
        self.way = Way::Answers;
        self.terms.slow = SlowConsumer::Expire;
    }

    /// The direct way took over all frames up to number `taken`.
    pub fn handle_taken(&mut self, taken: u64) {
        self.owed.forget_framed(taken);
    }

    /// The direct way is cut, and took over no frame after number `taken`: what later ones carried is owed again.
    /// A connect that came that way is lost apart from this. Says how many events are owed again.
    pub fn handle_detached(&mut self, taken: u64) -> usize {
        self.way = Way::Answers;
        self.owed.forget_framed(taken);
        self.owed.take_back_framed()
    }

    /// All that is owed and need not wait, for the frame number `frame` of the direct way, if there is such a way; where it
    /// is [crowded](Self::is_crowded) then, a part of it. Numbers grow. Nothing of a session that acknowledges or is served
    /// by connects only, nor while a response is under way that carries events, as long as the parked connect is patient.
    pub fn poll_frame(&mut self, now: Instant, frame: u64) -> Frame {
        let patient = match &self.state {
            State::Away { .. } | State::Gone | State::Handshaken { .. } => true,
            State::Parked(parked) => now < parked.patience,
        };
        if !self.is_direct() || patient && self.owed.is_in_flight() {
            return Frame::new();
        }
        self.way = Way::Direct;
        if !self.owed.is_due(now) {
            return Frame::new();
        }
        self.owed.send_framed(frame, self.sendable())
    }

    /// Whether something waits until the client has taken over some of what is on its way: where the oldest are dropped of what
    /// waits, frames and responses carry no more than half of what may be owed, so that the newest find room beside them.
    pub fn is_crowded(&self) -> bool {
        match self.terms.slow {
            SlowConsumer::DropOldest => self.owed.is_waiting() && self.sendable() == 0,
            SlowConsumer::Expire | SlowConsumer::RefuseNew => false,
        }
    }

    /// Whether something waits that may go out as soon as what responses carry is known to have been written: no
    /// timer tells of that.
    pub fn waits_for_word(&self) -> bool {
        self.owed.is_in_flight() && self.owed.is_waiting() && (self.is_parked() || self.is_direct())
    }

    /// How many of those that wait may go out at once.
    pub(super) fn sendable(&self) -> usize {
        match self.terms.slow {
            SlowConsumer::DropOldest => self.owed.sendable(self.terms.queue_messages / 2, self.terms.queue_bytes / 2),
            SlowConsumer::Expire | SlowConsumer::RefuseNew => usize::MAX,
        }
    }

    /// Whether events go their own way, and not in answers.
    pub fn is_direct(&self) -> bool {
        match self.way {
            Way::Direct | Way::Full => self.may_be_direct(),
            Way::Answers => false,
        }
    }

    /// Whether the next frame may go its own way.
    pub(super) fn is_ready(&self) -> bool {
        self.way == Way::Direct && self.may_be_direct() && !self.owed.is_in_flight()
    }

    /// Whether events may go their own way: not those of a session that acknowledges or is served by connects only.
    pub fn may_be_direct(&self) -> bool {
        match self.terms.delivery {
            Delivery::AnyReply => !self.terms.ack,
            Delivery::ConnectOnly => false,
        }
    }
}
