//! How a session whose client came back is served from the ring.

use std::sync::Arc;
use std::time::Instant;

use crate::bayeux::{Advice, ConnectKey, Error, Event, MessageId, Reply, Session};
use crate::broker::ending::Word;
use crate::broker::hearing::{hears, place};
use crate::broker::live::{Changing, Paging, Recalled, Stage};
use crate::broker::pages::Wanted;
use crate::broker::publications::{kept, stamped, told};
use crate::broker::sessions::{Awaited, Output, Seat, Sessions};
use crate::ids::{Position, SessionId};
use crate::log::{Expected, Record};
use crate::metrics::{ConnectOutcome, EndReason, RedeliveryCause};
use crate::records;
use crate::records::{Keep, OwedPage, Payload, SessionState};

/// What came of a connect of a session that is behind.
#[derive(Debug)]
pub(super) enum Attended {
    /// It is owed more than it may be owed at once: it is given this much, and stays behind.
    Part {
        /// What it is given.
        events: Vec<Event>,
        /// Up to where that is all.
        through: Position,
    },
    /// It is being served as it goes.
    Served,
    /// It has ended: what it missed is not known any more, or too much. That is what a connect is told.
    Over(Error),
}

/// What concerns a session after a position.
#[derive(Debug, Default)]
struct Missed {
    events: Vec<(Position, Event)>,
    bytes: usize,
    /// Up to where that is all, if there is more than fits.
    through: Option<Position>,
    /// The newest page among it.
    page: Option<Position>,
}

/// Something that was owed and cannot be told again.
#[derive(Debug)]
pub(super) struct Torn;

impl<T> Sessions<T> {
    /// Brings a session whose client came back up to date from the ring, or part of the way.
    pub(super) fn attend(&mut self, now: Instant, seat: Seat, ack: Option<Position>) -> Attended {
        let Some(live) = self.live.get_mut(seat) else { return Attended::Over(Error::session_unknown()) };
        if let Stage::Streaming(_) = live.stage {
            return Attended::Served;
        }
        let recalled = std::mem::replace(&mut live.recalled, Recalled::Nothing);
        let (state, session, position) = (live.state.clone(), live.state.session, live.position);
        let from = match self.resumes_from(&state, ack) {
            Ok(from) => from,
            Err(reason) => return self.give_up(now, session, position, reason),
        };
        let Ok(missed) = self.missed(&state, from, &recalled) else {
            return self.give_up(now, session, position, EndReason::UnknownAck);
        };
        let count = u64::try_from(missed.events.len()).unwrap_or(u64::MAX);
        if let Some(through) = missed.through {
            if !state.ack {
                return self.give_up(now, session, position, EndReason::Overrun);
            }
            self.metrics.redeliveries_total.of(RedeliveryCause::Resumed).inc_by(count);
            if let Some(live) = self.live.get_mut(seat) {
                live.stage = Stage::Behind { ends: now + self.settings.resume };
            }
            self.rearm(seat);
            return Attended::Part { events: missed.events.into_iter().map(|(_, event)| event).collect(), through };
        }
        self.metrics.redeliveries_total.of(RedeliveryCause::Resumed).inc_by(count);
        self.stream(now, seat, &state, from, missed);
        if state.cursor.is_some() && self.live.get(seat).is_none_or(|live| live.changing == Changing::Nothing) {
            // What the record says of the cursor is used up: a crash from here on must not serve it again.
            let state = SessionState { cursor: None, ..state };
            if let Some(live) = self.live.get_mut(seat) {
                live.changing = Changing::Home;
            }
            self.append_state(&state, Expected::At(position), Awaited::Settled { session });
        }
        self.rearm(seat);
        Attended::Served
    }

    /// A connect that is given part of what its session missed: its number is how far that goes.
    pub(super) fn serve_part(
        &mut self,
        key: ConnectKey,
        id: Option<MessageId>,
        advice: Option<Advice>,
        events: Vec<Event>,
        through: Position,
    ) {
        let advice = advice.map(|_| self.come_back(self.settings.interval));
        self.metrics.connects_total.of(ConnectOutcome::Delivered).inc();
        let Some(conversation) = self.conversations.get_mut(&key) else { return };
        conversation.reply(Reply::Connect { id, error: None, advice, ack: Some(through.get()) });
        conversation.carry(events, None);
    }

    /// Whether a connect must wait until pages that are owed again have been read.
    pub(super) fn must_recall(&mut self, seat: Seat, ack: Option<Position>) -> bool {
        let Some(live) = self.live.get(seat) else { return false };
        let Stage::Behind { .. } = live.stage else { return false };
        match live.recalled {
            Recalled::Asked => return true,
            Recalled::Records(_) => return false,
            Recalled::Nothing => {}
        }
        let Ok(from) = self.resumes_from(&live.state, ack) else { return false };
        let mut places = Vec::new();
        self.recent.of_session(live.state.session, from, &mut places);
        let pages = places.into_iter().filter_map(|at| self.log.recall(at)).filter_map(|record| {
            let Ok(Payload::Page(page)) = records::decode(&record) else { return None };
            Some(page.positions)
        });
        let mut positions: Vec<Position> = pages.flatten().filter(|at| self.log.recall(*at).is_none()).collect();
        positions.sort_unstable();
        positions.dedup();
        if positions.is_empty() {
            return false;
        }
        let wanted = Wanted::Records { session: live.state.session, positions };
        if let Some(live) = self.live.get_mut(seat) {
            live.recalled = Recalled::Asked;
        }
        self.outputs.push_back(Output::Read(wanted));
        true
    }

    /// Pages that are owed again have been read.
    pub(super) fn take_recalled(&mut self, now: Instant, seat: Seat, records: Vec<Arc<Record>>) {
        if let Some(live) = self.live.get_mut(seat) {
            live.recalled = Recalled::Records(records);
        }
        self.release_waiting(now, seat);
    }

    /// After which position a session is to be served, if the ring still has all that came then; else why it ends.
    fn resumes_from(&self, state: &SessionState, ack: Option<Position>) -> Result<Position, EndReason> {
        let from = if state.ack { Some(ack.unwrap_or_default().max(place(state.since))) } else { state.cursor };
        let from = from.filter(|from| *from >= self.log.floor() && *from <= self.applied);
        let from = from.ok_or(EndReason::UnknownAck)?;
        if self.may_lack(state, from) { Err(EndReason::Lost) } else { Ok(from) }
    }

    /// Whether a process that ended may have taken something with it that a session is owed after a position: what is
    /// published on channels that are not durable, and what is for a session alone that does not acknowledge.
    fn may_lack(&self, state: &SessionState, from: Position) -> bool {
        let forgotten = self.log.forgotten();
        let may_forget = |pattern| self.settings.rules.may_forget(state.agent.as_ref(), pattern);
        from < forgotten
            && (!state.ack
                || state.patterns.iter().any(|(pattern, start)| place(*start) < forgotten && may_forget(pattern)))
    }

    fn give_up(&mut self, now: Instant, session: SessionId, position: Position, reason: EndReason) -> Attended {
        let live = self.seats.get(&session).and_then(|seat| self.live.get(*seat));
        let word = live.and_then(|live| self.word(live, reason));
        self.end(now, session, position, reason);
        match word {
            Some(Word::Handshake(error)) => Attended::Over(error),
            Some(Word::Away) | None => Attended::Over(Error::session_unknown()),
        }
    }

    /// From now on what concerns a session is queued as it happens.
    fn stream(&mut self, now: Instant, seat: Seat, state: &SessionState, from: Position, missed: Missed) {
        let count = missed.events.len();
        let Some(terms) = self.terms_at(seat) else { return };
        let mut stream = Session::adopted(now, terms, place(state.since), from);
        for (at, event) in missed.events {
            // There is room: `missed` counted.
            let _room = stream.deliver(at, event);
        }
        for (pattern, _) in &state.patterns {
            self.subscriptions.insert(pattern, seat);
        }
        if let Some(live) = self.live.get_mut(seat) {
            live.stage = Stage::Streaming(stream);
            live.fresh = count;
            live.paging = missed.page.map_or(Paging::Idle, Paging::Owed);
        }
    }

    /// What concerns a session after a position, in log order, as much as it may be owed at once; never part of a
    /// position, and at least one.
    fn missed(&self, state: &SessionState, from: Position, recalled: &Recalled) -> Result<Missed, Torn> {
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
        let mut missed = Missed::default();
        for record in places.into_iter().filter_map(|at| self.log.recall(at)) {
            match records::decode(&record) {
                Ok(payload) => {
                    let told = self.concerns(state, &record, &payload, recalled)?;
                    if !missed.take(record.position, told, self.settings.queue_messages, self.settings.queue_bytes) {
                        break;
                    }
                    if let Payload::Page(_) = payload {
                        missed.page = Some(record.position);
                    }
                }
                Err(error) => tracing::error!(%error, "a record cannot be read"),
            }
        }
        Ok(missed)
    }

    fn concerns(
        &self,
        state: &SessionState,
        record: &Record,
        payload: &Payload,
        recalled: &Recalled,
    ) -> Result<Vec<Event>, Torn> {
        let mut out = Vec::new();
        match payload {
            Payload::AgentChanged(_) | Payload::CallChanged(_) => {
                let told = self.of_feeds(state.agent.as_ref(), record, payload).into_iter();
                let heard = told.filter(|(channel, _)| hears(state, channel, record.position, Keep::Volatile));
                out.extend(heard.map(|(_, event)| event));
            }
            Payload::ChannelPublished(published) => {
                let keep = kept(&self.settings.rules, record, published);
                let audience = self.settings.rules.audience(&published.channel);
                let own = published.publisher.filter(|by| *by == state.session);
                let deaf = self.deaf(own, &published.channel);
                if deaf.is_none()
                    && hears(state, &published.channel, record.position, keep)
                    && audience.includes(state.agent.as_ref())
                {
                    out.push(told(&self.settings, published, record));
                }
            }
            Payload::Direct(direct) if direct.session == state.session => {
                out.push(stamped(&self.settings, direct.event(), record.time));
            }
            Payload::Page(page) if page.state.session == state.session => {
                out = self.told_again(page, record.position, recalled)?;
            }
            Payload::SessionState(changed) if changed.session == state.session && !changed.catch_up.is_empty() => {
                out = self.caught_up(changed, record.position, &changed.catch_up)?;
            }
            Payload::Direct(_)
            | Payload::LogOpened
            | Payload::LoginEnded(_)
            | Payload::Page(_)
            | Payload::SessionEnded(_)
            | Payload::SessionState(_) => {}
        }
        Ok(out)
    }

    /// A page once more, from its own record: the same publications, also if the history has lost some since.
    fn told_again(&self, page: &OwedPage, at: Position, recalled: &Recalled) -> Result<Vec<Event>, Torn> {
        let rules = &self.settings.rules;
        let mut out = Vec::new();
        for place in &page.positions {
            let record = self.log.recall(*place).or_else(|| recalled.find(*place)).ok_or(Torn)?;
            let Ok(Payload::ChannelPublished(published)) = records::decode(&record) else { return Err(Torn) };
            if rules.audience(&published.channel).includes(page.state.agent.as_ref()) {
                out.push(told(&self.settings, &published, &record));
            }
        }
        out.extend(self.rest_of(page, at).ok_or(Torn)?);
        Ok(out)
    }
}

impl Missed {
    /// Takes what there is at a position. `false` once it is full.
    fn take(&mut self, at: Position, events: Vec<Event>, messages: usize, bytes: usize) -> bool {
        let more: usize = events.iter().map(|event| event.0.len()).sum();
        let fits = self.events.len() + events.len() <= messages && self.bytes + more <= bytes;
        if !fits && let Some((last, _)) = self.events.last() {
            self.through = Some(*last);
            return false;
        }
        self.bytes += more;
        self.events.extend(events.into_iter().map(|event| (at, event)));
        if !fits {
            self.through = Some(at);
        }
        fits
    }
}

impl Recalled {
    fn find(&self, at: Position) -> Option<Arc<Record>> {
        match self {
            Self::Asked | Self::Nothing => None,
            Self::Records(records) => {
                let place = records.binary_search_by_key(&at, |record| record.position).ok()?;
                records.get(place).cloned()
            }
        }
    }
}
