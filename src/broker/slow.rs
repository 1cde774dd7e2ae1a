//! Clients that do not take what they are owed, when publishers are to wait for them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::bayeux::{Channel, QueueLimit, SlowConsumer, Subscriptions};
use crate::broker::live::{Live, Stage};
use crate::broker::rules::Who;
use crate::broker::sessions::{Seat, Sessions};
use crate::ids::{AgentId, SessionId};
use crate::metrics::{EndReason, Limit};
use crate::records::SessionState;

/// The sessions of all homes that are owed so much that publishers are to wait. It is looked at by publications, if there are any such
/// sessions, and never by deliveries.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    count: AtomicUsize,
    slow: Mutex<Slow>,
}

#[derive(Debug, Default)]
struct Slow {
    sessions: BTreeMap<SessionId, Option<AgentId>>,
    hear: Subscriptions<SessionId>,
}

impl Crowd {
    /// Whether a publication would be owed to one of them.
    pub(super) fn waits_for(&self, channel: &Channel, audience: &Who) -> bool {
        if self.count.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let slow = self.slow.lock().unwrap_or_else(PoisonError::into_inner);
        let mut hear = Vec::new();
        slow.hear.matching(channel, &mut hear);
        hear.iter().filter_map(|session| slow.sessions.get(session)).any(|agent| audience.includes(agent.as_ref()))
    }

    fn enter(&self, state: &SessionState) {
        let mut slow = self.slow.lock().unwrap_or_else(PoisonError::into_inner);
        slow.sessions.insert(state.session, state.agent.clone());
        for (pattern, _) in &state.patterns {
            slow.hear.insert(pattern, state.session);
        }
        self.count.store(slow.sessions.len(), Ordering::Relaxed);
    }

    pub(super) fn leave(&self, state: &SessionState) {
        let mut slow = self.slow.lock().unwrap_or_else(PoisonError::into_inner);
        slow.sessions.remove(&state.session);
        for (pattern, _) in &state.patterns {
            slow.hear.remove(pattern, state.session);
        }
        self.count.store(slow.sessions.len(), Ordering::Relaxed);
    }
}

/// What a session is owed too much of.
pub(super) fn limit_of(live: &Live) -> Limit {
    match &live.stage {
        Stage::Behind { .. } => Limit::QueueMessages,
        Stage::Streaming(session) => named(session.limit()),
    }
}

fn named(limit: QueueLimit) -> Limit {
    match limit {
        QueueLimit::Bytes => Limit::QueueBytes,
        QueueLimit::Messages => Limit::QueueMessages,
    }
}

impl<T> Sessions<T> {
    /// Counts what was dropped of what a session was owed.
    pub(super) fn count_dropped(&mut self, seat: Seat) {
        let Some(Live { stage: Stage::Streaming(session), .. }) = self.live.get_mut(seat) else { return };
        while let Some((limit, count)) = session.poll_dropped() {
            self.metrics.rejected_total.of(named(limit)).inc_by(count);
        }
    }

    /// Tells publishers to wait for a session, or to wait no longer, by what it is owed. Whether they wait only now: then it
    /// is to be looked at again, for word is wanted of what is on its way.
    pub(super) fn weigh(&mut self, seat: Seat) -> bool {
        if self.settings.session_rules.slow_consumer != SlowConsumer::RefuseNew {
            return false;
        }
        let Some(live) = self.live.get_mut(seat) else { return false };
        let Stage::Streaming(session) = &live.stage else { return false };
        let ((messages, bytes), terms) = (session.owed(), session.terms());
        let over = |quarters: usize| {
            let most = |whole: usize| whole.saturating_mul(quarters) / 4;
            messages > most(terms.queue_messages) || bytes > most(terms.queue_bytes)
        };
        let slow = !live.state.ack && over(if live.slow { 1 } else { 2 });
        if slow != live.slow {
            live.slow = slow;
            if slow {
                self.total.crowd.enter(&live.state)
            } else {
                self.total.crowd.leave(&live.state)
            }
            return slow;
        }
        false
    }

    /// Nobody waits any longer for a session that is gone, or that is to be entered anew.
    pub(super) fn lighten(&self, live: &mut Live) {
        if std::mem::take(&mut live.slow) {
            self.total.crowd.leave(&live.state);
        }
    }

    /// A session is owed more than it may be owed. One that acknowledges is served from the ring when it comes
    /// back; any other ends, so that its client starts afresh.
    pub(super) fn overrun(&mut self, now: Instant, seat: Seat) {
        let Some(live) = self.live.get(seat) else { return };
        self.metrics.rejected_total.of(limit_of(live)).inc();
        if live.state.ack {
            self.fall_behind(now, seat);
        } else {
            let (session, position) = (live.state.session, live.position);
            self.end(now, session, position, EndReason::Overrun);
        }
    }
}
