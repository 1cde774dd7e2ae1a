//! One session at its home: what its newest record says, and how it is being served.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use smallvec::SmallVec;

use crate::bayeux::{Channel, ConnectKey, Event, Session};
use crate::broker::adjustment::Adjustment;
use crate::broker::attach::Attached;
use crate::broker::begun::Begun;
use crate::broker::browsers::Tab;
use crate::broker::handle::Remote;
use crate::broker::hearing::hears_kept;
use crate::broker::line::LineId;
use crate::broker::receipt::{Fate, Known};
use crate::ids::Position;
use crate::log::Record;
use crate::records::SessionState;

/// A session at its home.
#[derive(Debug)]
pub(super) struct Live {
    /// What its newest record says.
    pub state: SessionState,
    /// Where that record is.
    pub position: Position,
    /// How it is being served.
    pub stage: Stage,
    /// Who changes its record just now; further changes wait.
    pub changing: Changing,
    /// Requests that wait for that change, or behind others, in the order in which they came.
    pub waiting: VecDeque<ConnectKey>,
    /// Its request of several messages that is being worked on, if there is one.
    pub batch: Option<ConnectKey>,
    /// How its history is being told, if it asked for some.
    pub paging: Paging,
    /// What of it has begun to be told.
    pub begun: Begun,
    /// What was read of pages that are owed again.
    pub recalled: Recalled,
    /// Responses that carried events and whose fate is not known.
    pub in_flight: SmallVec<[Flight; 1]>,
    /// The socket of its client, if it has one.
    pub attached: Option<Attached>,
    /// How many messages were queued since its last response with messages.
    pub fresh: usize,
    /// When the home's timer will next look at it. May be earlier than needed, never later.
    pub deadline: Option<Instant>,
    /// What it has of the connections of its browser.
    pub tab: Tab,
    /// Where its handshake came from; nothing after a restart.
    pub remote: Remote,
    /// When it may have published as much at once as ever again, if it published.
    pub publishes: Option<Instant>,
    /// Whether publishers wait for it.
    pub slow: bool,
    /// When something happened last, other than connects.
    pub active: Instant,
    /// What holds for it alone.
    pub adjustment: Option<Box<Adjustment>>,
    /// Whether it stands in the list of sessions to be looked at after this batch of records.
    pub dirty: bool,
}

/// Who changes a session's record just now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Changing {
    /// Its home does, of itself.
    Home,
    /// Nobody.
    Nothing,
    /// This request does.
    Request(ConnectKey),
}

/// How a session's history is being told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Paging {
    /// The next page, if there is one, is being read or written down.
    Busy,
    /// No page is under way.
    Idle,
    /// The page at this position is owed; the next one is due once it was taken.
    Owed(Position),
}

/// What was read of pages that are owed again.
#[derive(Clone, Debug)]
pub(super) enum Recalled {
    /// It is being read.
    Asked,
    /// Nothing.
    Nothing,
    /// These records, in order.
    Records(Vec<Arc<Record>>),
}

/// A response that carried events and whose fate is not known.
#[derive(Debug)]
pub(super) struct Flight {
    /// Its name.
    pub key: ConnectKey,
    /// By which it tells.
    pub fate: Arc<Fate>,
    /// How many it carries.
    pub events: usize,
}

/// How a session is being served.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all sessions stream, and each delivery would follow the box")]
pub(super) enum Stage {
    /// Nobody is there and nothing is queued: when its client comes back it is served from the ring.
    Behind {
        /// When it ends if its client does not come back.
        ends: Instant,
    },
    /// What concerns it is queued as it happens.
    Streaming(Session),
}

impl Live {
    /// A session that nobody has asked for yet.
    pub(super) fn new(now: Instant, state: SessionState, position: Position, stage: Stage) -> Self {
        let begun = Begun::of(&state);
        Self {
            state,
            position,
            stage,
            changing: Changing::Nothing,
            waiting: VecDeque::new(),
            batch: None,
            paging: Paging::Idle,
            begun,
            recalled: Recalled::Nothing,
            in_flight: SmallVec::new(),
            attached: None,
            fresh: 0,
            deadline: None,
            tab: Tab::Free,
            remote: Remote::default(),
            active: now,
            publishes: None,
            slow: false,
            adjustment: None,
            dirty: false,
        }
    }

    /// Whether it subscribed to a pattern that matches `channel`.
    pub(super) fn hears(&self, channel: &Channel) -> bool {
        self.state.patterns.iter().any(|(pattern, _)| pattern.matches(channel))
    }

    /// Whether what is kept of a channel is told to it as it happens: not while it is told older things.
    pub(super) fn hears_kept(&self, channel: &Channel) -> bool {
        hears_kept(&self.state, channel)
    }

    /// Whether a connect is parked.
    pub(super) fn is_parked(&self) -> bool {
        self.parked().is_some()
    }

    /// Which connect is parked.
    pub(super) fn parked(&self) -> Option<ConnectKey> {
        match &self.stage {
            Stage::Behind { .. } => None,
            Stage::Streaming(session) => session.parked(),
        }
    }

    /// It leaves its socket. Which that was, and how many events it did not take over.
    pub(super) fn leave(&mut self) -> Option<(LineId, usize)> {
        let attached = self.attached.take()?;
        let taken = attached.cut();
        let owed = match &mut self.stage {
            Stage::Behind { .. } => 0,
            Stage::Streaming(session) => session.handle_detached(taken),
        };
        Some((attached.line(), owed))
    }

    /// When it needs to be looked at.
    pub(super) fn due(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Behind { ends } => Some(*ends),
            Stage::Streaming(session) => session.poll_timeout(),
        }
    }

    /// Owes it an event, if it is being served; a lazy one waits for company until `due`. `false` if it was owed
    /// too much.
    #[must_use]
    pub(super) fn deliver(&mut self, at: Position, event: &Event, due: Option<Instant>) -> bool {
        match &mut self.stage {
            Stage::Behind { .. } => true,
            Stage::Streaming(session) => {
                let taken = match due {
                    None => session.deliver(at, event.clone()),
                    Some(due) => session.deliver_lazy(at, event.clone(), due),
                };
                let taken = taken.is_ok();
                self.fresh += usize::from(taken);
                taken
            }
        }
    }

    /// Tells the session how the responses fared that carried its events. Says how many events are owed again.
    pub(super) fn settle(&mut self, now: Instant) -> usize {
        let mut lost = 0;
        let Stage::Streaming(session) = &mut self.stage else {
            self.in_flight.clear();
            return lost;
        };
        self.in_flight.retain(|flight| match flight.fate.known() {
            Known::Lost => {
                session.handle_lost(now, flight.key);
                lost += flight.events;
                false
            }
            Known::Nothing => true,
            Known::Written => {
                session.handle_written(now, flight.key);
                false
            }
        });
        lost
    }

    /// Asks for word of the responses that are under way, if something waits for that, or publishers do. Whether it has come already: then the
    /// session is to be looked at again.
    pub(super) fn await_word(&self) -> bool {
        match &self.stage {
            Stage::Streaming(session) if self.slow || session.waits_for_word() => {
                self.in_flight.iter().any(|flight| flight.fate.await_word() != Known::Nothing)
            }
            Stage::Behind { .. } | Stage::Streaming(_) => false,
        }
    }

    /// Takes back what responses carry that were not written to their end.
    pub(super) fn take_back(&mut self, now: Instant) {
        self.settle(now);
        self.leave();
        for flight in std::mem::take(&mut self.in_flight) {
            if let Stage::Streaming(session) = &mut self.stage {
                session.handle_lost(now, flight.key);
            }
        }
    }

    /// Up to where its client was served, for the record that a stop writes.
    pub(super) fn served(&self, applied: Position) -> Position {
        match &self.stage {
            Stage::Behind { .. } => self.state.cursor.unwrap_or(self.position),
            Stage::Streaming(session) => session.settled(applied),
        }
    }
}
