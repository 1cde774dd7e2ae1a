//! How a session whose client came back is served from the ring.

use std::time::Instant;

use crate::bayeux::{Channel, Event, Session};
use crate::broker::live::Stage;
use crate::broker::sessions::{Awaited, Seat, Sessions};
use crate::ids::Position;
use crate::log::{Expected, Record};
use crate::metrics::{EndReason, RedeliveryCause};
use crate::records;
use crate::records::{Payload, SessionState, Start};

impl<T> Sessions<T> {
    /// Brings a session whose client came back up to date from the ring. `false` if that cannot be done: the
    /// session has ended.
    pub(super) fn attend(&mut self, now: Instant, seat: Seat, ack: Option<Position>) -> bool {
        let Some(live) = self.live.get(seat) else { return false };
        if let Stage::Streaming(_) = live.stage {
            return true;
        }
        let state = live.state.clone();
        let since = place(state.since);
        let from = if state.ack { Some(ack.unwrap_or_default().max(since)) } else { state.cursor };
        let (session, position) = (state.session, live.position);
        let Some(from) = from.filter(|from| *from >= self.log.floor() && *from <= self.applied) else {
            self.end(now, session, position, EndReason::UnknownAck);
            return false;
        };
        let Some(terms) = self.terms_at(seat) else { return false };
        let mut stream = Session::adopted(now, terms, since, from);
        let missed = self.missed(&state, from);
        if missed.iter().any(|(at, event)| stream.deliver(*at, event.clone()).is_err()) {
            self.end(now, session, position, EndReason::Overrun);
            return false;
        }
        let count = missed.len();
        self.metrics.redeliveries_total.of(RedeliveryCause::Resumed).inc_by(u64::try_from(count).unwrap_or(u64::MAX));
        for (pattern, _) in &state.patterns {
            self.subscriptions.insert(pattern, seat);
        }
        if let Some(live) = self.live.get_mut(seat) {
            live.stage = Stage::Streaming(stream);
            live.fresh = count;
        }
        if state.cursor.is_some() && !self.live.get(seat).is_some_and(|live| live.changing) {
            // What the record says of the cursor is used up: a crash from here on must not serve it again.
            let state = SessionState { cursor: None, ..state };
            if let Some(live) = self.live.get_mut(seat) {
                live.changing = true;
            }
            self.append_state(&state, Expected::At(position), Awaited::Settled { session });
        }
        self.rearm(seat);
        true
    }

    /// What concerns a session after a position, in log order, read from the ring.
    fn missed(&self, state: &SessionState, from: Position) -> Vec<(Position, Event)> {
        let mut places = Vec::new();
        if let Some(agent) = &state.agent {
            self.recent.of_agent(agent, from, &mut places);
        }
        for (pattern, start) in &state.patterns {
            self.recent.of_pattern(pattern, from.max(place(*start)), &mut places);
        }
        self.recent.of_session(state.session, from, &mut places);
        places.sort_unstable();
        places.dedup();
        let mut missed = Vec::new();
        for record in places.into_iter().filter_map(|at| self.log.recall(at)) {
            match records::decode(&record) {
                Ok(payload) => self.concerns(state, &record, &payload, &mut missed),
                Err(error) => tracing::error!(%error, "a record cannot be read"),
            }
        }
        missed
    }

    fn concerns(&self, state: &SessionState, record: &Record, payload: &Payload, out: &mut Vec<(Position, Event)>) {
        let at = record.position;
        let hears = |channel: &Channel| {
            state.patterns.iter().any(|(pattern, start)| place(*start) < at && pattern.matches(channel))
        };
        match payload {
            Payload::CallChanged(changed) => {
                for (index, event) in changed.events.iter().enumerate() {
                    if Some(&event.to.agent) == state.agent.as_ref()
                        && let Some((channel, told)) = self.render(&changed.family, &changed.events, index, record.time)
                        && hears(&channel)
                    {
                        out.push((at, told));
                    }
                }
            }
            Payload::ChannelPublished(published) => {
                let audience = self.settings.rules.audience(&published.channel);
                let deaf = self.deaf(published.publisher.filter(|by| *by == state.session), &published.channel);
                if deaf.is_none() && hears(&published.channel) && audience.includes(state.agent.as_ref()) {
                    out.push((at, Event::publication(&published.channel, &published.data)));
                }
            }
            Payload::Direct(direct) if direct.session == state.session => out.push((at, direct.event())),
            Payload::Direct(_) | Payload::LogOpened | Payload::SessionEnded(_) | Payload::SessionState(_) => {}
        }
    }
}

/// Where something starts, in a record that was read back.
fn place(start: Start) -> Position {
    match start {
        Start::At(position) => position,
        Start::Here => Position::ZERO,
    }
}
