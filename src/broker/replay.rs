//! History for those who ask for it: page by page, each a record, the next one once the one before was taken. The last
//! one goes up to its own position; from there on the session is told what happens as it happens.

use std::time::Instant;

use crate::bayeux::{Error, Event, Pattern, ReplayFrom};
use crate::broker::begun::Begun;
use crate::broker::hearing::{is_owed_at_last, progress};
use crate::broker::live::{Changing, Paging, Stage};
use crate::broker::pages::{NextPage, Page, Read, Unserved, Wanted, What};
use crate::broker::publications::{kept, told};
use crate::broker::rules::{Rules, Who};
use crate::broker::sessions::{Awaited, Output, Seat, Sessions};
use crate::clock;
use crate::ids::{AgentId, Position, RecordId, SessionId};
use crate::log::{Expected, Past, Record};
use crate::metrics::EndReason;
use crate::records;
use crate::records::{ChannelPublished, Keep, OwedPage, Payload, Reached, Rest, SessionState, Start};

/// Publications in a page, unless a session may be owed less than four times as many.
const MESSAGES: usize = 100;

impl<T> Sessions<T> {
    /// After which position the history that is asked for begins; `None` if only what is new is wanted, or nothing is
    /// kept that the pattern could match.
    ///
    /// # Errors
    /// What the client is told if it cannot be served from there without a gap.
    pub(super) fn begins(
        &self,
        agent: Option<&AgentId>,
        pattern: &Pattern,
        from: ReplayFrom,
    ) -> Result<Option<Position>, Error> {
        if Rules::is_feed(pattern) {
            return self.catches_up(pattern, from);
        }
        let rules = &self.settings.rules;
        let kept = rules.may_keep(pattern);
        let after = match from {
            ReplayFrom::All if kept => return Ok(Some(Position::ZERO)),
            ReplayFrom::All | ReplayFrom::New => return Ok(None),
            ReplayFrom::After(position) => position,
        };
        let head = self.log.head();
        if !kept || after > head {
            return Err(Error::replay_id_invalid(pattern));
        }
        let wanted = |channel| pattern.matches(&channel) && rules.audience(&channel).includes(agent);
        let past = Past {
            among: &[ChannelPublished::among(pattern)],
            wanted: &|subject| ChannelPublished::channel_of(subject).is_some_and(wanted),
            told: &|_| Position::ZERO,
            after,
            through: head,
            records: 0,
            bytes: 0,
        };
        match self.log.history(&past) {
            Ok(stretch) if stretch.dropped <= after => Ok(Some(after)),
            Ok(_) => Err(Error::replay_id_invalid(pattern)),
            Err(error) => {
                tracing::error!(%error, "history cannot be read");
                Err(Error::log_unavailable())
            }
        }
    }

    /// Has the next page of a session's history read, if one is due.
    pub(super) fn turn_page(&mut self, seat: Seat) {
        let Some(live) = self.live.get_mut(seat) else { return };
        if live.state.replays.is_empty() || live.changing != Changing::Nothing {
            return;
        }
        let Stage::Streaming(session) = &live.stage else { return };
        match live.paging {
            Paging::Busy => return,
            Paging::Owed(at) if session.settled(self.applied) < at => return,
            Paging::Idle | Paging::Owed(_) => {}
        }
        let Some(after) = progress(&live.state) else { return };
        live.paging = Paging::Busy;
        let next = NextPage {
            state: live.state.clone(),
            position: live.position,
            after,
            through: self.applied,
            begun: live.begun.clone(),
            own: live.adjustment.as_ref().and_then(|adjustment| adjustment.broadcast_to_publisher),
            messages: (self.settings.queue_messages / 4).clamp(1, MESSAGES),
            bytes: self.settings.queue_bytes / 4,
        };
        self.outputs.push_back(Output::Read(Wanted::Page(Box::new(next))));
    }

    /// Something that was wanted has been read.
    pub(super) fn handle_read(&mut self, now: Instant, Read { session, what }: Read) {
        let Some(seat) = self.seats.get(&session).copied() else { return };
        match what {
            What::Page { position, page } => self.take_page(now, seat, position, page),
            What::Records(records) => self.take_recalled(now, seat, records),
        }
    }

    /// Writes a page down, unless the session has changed since it was asked for.
    fn take_page(&mut self, now: Instant, seat: Seat, position: Position, page: Result<Page, Unserved>) {
        let Some(live) = self.live.get_mut(seat) else { return };
        live.paging = Paging::Idle;
        let Stage::Streaming(_) = live.stage else { return };
        if live.changing != Changing::Nothing || live.position != position {
            return self.turn_page(seat);
        }
        let session = live.state.session;
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                tracing::warn!(%error, %session, "a session's history cannot be told: its client starts afresh");
                return self.end(now, session, position, EndReason::HistoryLost);
            }
        };
        live.changing = Changing::Home;
        live.paging = Paging::Busy;
        let Page { after, through, rest, positions, events, told } = page;
        let begun = if rest == Rest::More { live.begun.written_with(&told) } else { None };
        let state = SessionState { begun, ..advanced(&live.state, through, rest) };
        let owed = OwedPage { state, after, through, rest, positions };
        let record = owed.record(RecordId::draw(), clock::wall(), Expected::At(position));
        self.append(record, Awaited::Page { session, events, told });
    }

    /// The record of a page was applied: the session is owed it.
    pub(super) fn apply_page(&mut self, now: Instant, record: &Record, page: OwedPage) {
        let at = record.position;
        let session = page.state.session;
        let read = match self.awaited.get_mut(&record.id) {
            Some(Awaited::Page { events, told, .. }) => Some((std::mem::take(events), std::mem::take(told))),
            Some(
                Awaited::Change { .. }
                | Awaited::Handshake { .. }
                | Awaited::Nobody
                | Awaited::Publication { .. }
                | Awaited::Settled { .. },
            )
            | None => None,
        };
        if self.seats.contains_key(&session) {
            self.recent.owed(session, at, self.log.floor());
        }
        self.apply_session(now, record, page.state.clone());
        let Some(seat) = self.seats.get(&session).copied() else { return };
        let Some(live) = self.live.get_mut(seat).filter(|live| live.position == at) else { return };
        live.paging = Paging::Idle;
        let (read, told) = read.unzip();
        live.begun = match told {
            _ if page.rest == Rest::Nothing => Begun::Nothing,
            None => Begun::of(&live.state),
            Some(told) => std::mem::replace(&mut live.begun, Begun::Unknown).and(told),
        };
        let Stage::Streaming(_) = live.stage else { return };
        let (Some(events), Some(rest)) = (read, self.rest_of(&page, at)) else {
            // It is told what it missed when its client comes back, or that this cannot be done.
            return self.overrun(now, seat);
        };
        for event in events.iter().chain(&rest) {
            self.deliver(now, seat, at, event, None, &Who::Anyone);
        }
        if let Some(live) = self.live.get_mut(seat)
            && let Stage::Streaming(_) = live.stage
        {
            live.paging = Paging::Owed(at);
        }
    }

    /// What the last page has besides what was read for it: what was published before it got its position. `None` if
    /// that has left the ring.
    pub(super) fn rest_of(&self, page: &OwedPage, at: Position) -> Option<Vec<Event>> {
        match page.rest {
            Rest::More => return Some(Vec::new()),
            Rest::Nothing if page.through < self.log.floor() => return None,
            Rest::Nothing => {}
        }
        let mut places = Vec::new();
        for replay in page.state.replays.iter().filter(|replay| replay.reached == Reached::Live(Start::At(at))) {
            self.recent.of_pattern(&replay.pattern, page.through, &mut places);
        }
        places.retain(|place| *place < at);
        places.sort_unstable();
        places.dedup();
        let records = places.into_iter().filter_map(|place| self.log.recall(place));
        let agent = page.state.agent.as_ref();
        let rules = &self.settings.rules;
        let told = records.filter_map(|record| {
            let Ok(Payload::ChannelPublished(published)) = records::decode(&record) else { return None };
            let own = published.publisher.filter(|by| *by == page.state.session);
            let mine = kept(rules, &record, &published) == Keep::Stored
                && self.deaf(own, &published.channel).is_none()
                && is_owed_at_last(&page.state, &published.channel, record.position, at)
                && rules.audience(&published.channel).includes(agent);
            mine.then(|| told(&self.settings, &published, &record))
        });
        Some(told.collect())
    }

    /// A page could not be written down. It is tried again when the session is looked at next.
    pub(super) fn page_failed(&mut self, now: Instant, session: SessionId) {
        let Some(seat) = self.seats.get(&session).copied() else { return };
        let Some(live) = self.live.get_mut(seat) else { return };
        live.paging = Paging::Idle;
        live.changing = Changing::Nothing;
        self.release_waiting(now, seat);
    }
}

/// A session's state once it has been given a page.
fn advanced(state: &SessionState, through: Position, rest: Rest) -> SessionState {
    let mut state = state.clone();
    for replay in &mut state.replays {
        replay.reached = match (replay.reached, rest) {
            (Reached::Live(start), _) => Reached::Live(start),
            (Reached::UpTo(_), Rest::Nothing) => Reached::Live(Start::Here),
            (Reached::UpTo(reached), Rest::More) => Reached::UpTo(reached.max(through)),
        };
    }
    state
}
