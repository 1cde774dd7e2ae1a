//! What the simulated switch does, with no clock and no task.
//!
//! | number | what comes of ringing it |
//! | --- | --- |
//! | an agent's device | rings until an agent answers, or nobody does in time; does not exist if it is not registered |
//! | one that is not to be disturbed | is busy |
//! | one that forwards its calls | what comes of ringing the other; fails if that goes on for ever |
//! | a queue, or what routes to one | the call waits until an agent of the queue is ready; then the one is rung who was rung longest ago; in the end nobody answers |
//! | `7…` | rings, and answers by itself |
//! | `8…` | is busy |
//! | `9…` | rings, and nobody answers |
//! | any other | does not exist |
//!
//! A device has one call that it talks on: taking another puts that one on hold.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::calls::{
    Ask, AskId, AskKind, Endpoint, Failure, Heard, LegId, PartyState, Purpose, Report, ReportKind, Term,
};
use crate::ids::{CallId, Number, WallTime};

use super::arrivals::Arrivals;
use super::face::{Leg, Line, News};
use super::previews::Previews;
use super::queues::Queues;
use super::simulated::SimulatedConfig;

/// The simulated switch.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) config: SimulatedConfig,
    pub(super) dice: StdRng,
    term: Term,
    sequence: u64,
    pub(super) legs: BTreeMap<LegId, State>,
    /// What agents' devices are set to.
    pub(super) lines: BTreeMap<Number, Line>,
    pub(super) queues: Queues,
    pub(super) arrivals: Arrivals,
    pub(super) previews: Previews,
    /// Asks that were carried out, the newest [`SEEN`] of them; the same again has no effect.
    seen: BTreeSet<AskId>,
    pub(super) news: VecDeque<News>,
}

/// A leg that there is.
#[derive(Debug)]
pub(super) struct State {
    pub(super) call: CallId,
    pub(super) number: Number,
    pub(super) stage: Stage,
    /// When whoever is there hangs up by itself.
    pub(super) leaves: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stage {
    Held,
    /// It rings until `until`, and then this comes of it.
    Ringing {
        until: Instant,
        then: Then,
    },
    Up,
}

/// What comes of ringing long enough.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Then {
    Answers,
    Nobody,
}

impl Core {
    pub(super) fn new(now: Instant, config: SimulatedConfig, term: Term) -> Self {
        let mut dice = StdRng::seed_from_u64(config.seed);
        Self {
            arrivals: Arrivals::new(now, config.arrivals.as_ref(), &mut dice),
            previews: Previews::new(now, &config),
            config,
            dice,
            term,
            sequence: 0,
            legs: BTreeMap::new(),
            lines: BTreeMap::new(),
            queues: Queues::default(),
            seen: BTreeSet::new(),
            news: VecDeque::new(),
        }
    }

    /// Carries out an ask.
    pub(super) fn handle_ask(&mut self, now: Instant, time: WallTime, ask: Ask) {
        if !self.remember(ask.id) {
            return;
        }
        let until = self.bound(now, time, &ask);
        let (call, id) = (ask.call, ask.id);
        match ask.kind {
            AskKind::Adopt(handle) => self.adopt(now, call, id, handle),
            AskKind::Answer(leg) => self.answer(now, call, id, leg),
            AskKind::Clear => self.clear(call, id),
            AskKind::Connect(number) => self.connect(call, id, number),
            AskKind::Dial { number, from, location: _ } => self.dial(now, (call, id), number, from, until),
            AskKind::Dtmf { leg, .. } => self.done(call, id, leg, ReportKind::Done),
            AskKind::Hold(leg) => {
                // One may be on hold already: a consult call's main call is said to be so as soon as that is asked for.
                self.change(call, id, leg, |stage| !is_ringing(stage), Stage::Held, ReportKind::Held);
            }
            AskKind::Merge { consult, main, side, purpose } => {
                self.merge(now, call, id, &consult, [main, side], purpose)
            }
            AskKind::Monitor { leg, mode } => self.told(call, id, leg, ReportKind::Monitoring(mode)),
            AskKind::Mute(leg) => self.told(call, id, leg, ReportKind::Muted),
            AskKind::Record { leg, to } => self.told(call, id, leg, ReportKind::Recording(to)),
            AskKind::Release(leg) => {
                // One that is not there has ended, and one that was not made yet will not be.
                self.remember(leg);
                let known = self.remove(leg).map(|state| state.call).or_else(|| self.queues.leave(leg));
                self.report(known.unwrap_or(call), leg, ReportKind::Ended(Failure::None));
            }
            AskKind::Retrieve(leg) => {
                self.change(call, id, leg, |stage| stage == Stage::Held, Stage::Up, ReportKind::Retrieved);
            }
            AskKind::Route { queue, tried } => self.enqueue(now, (call, id), queue, tried, until),
            AskKind::Swap { hold, retrieve } => self.swap(call, id, hold, retrieve),
            AskKind::Unmute(leg) => self.told(call, id, leg, ReportKind::Unmuted),
        }
        self.assign(now);
    }

    /// Adopts the legs that the call records say there are. Targets that were asked for and never reported are left to
    /// their asks. A leg that begins a call is written down with its ask: that is answered for the leg as it is.
    pub(super) fn handle_restore(&mut self, now: Instant, time: WallTime, legs: Vec<Leg>) {
        let callers = self.callers(now, time, &legs);
        for Leg { id, call, number, state, queue: _, since: _, came_in: _ } in legs {
            let stage = match state {
                PartyState::Dialing | PartyState::Established => Stage::Up,
                PartyState::Held => Stage::Held,
                PartyState::Ringing => self.ring(now, &number),
                // An agent that looks at a call has no leg yet.
                PartyState::Invited
                | PartyState::Preview
                | PartyState::PreviewCancelled(_)
                | PartyState::Released(_) => continue,
            };
            if is_ringing(stage) {
                self.remember(id);
            }
            let leaves = callers.get(&id).copied();
            self.legs.insert(id, State { call, number: number.clone(), stage, leaves });
            // That the others are on hold may not have been written down.
            if stage == Stage::Up {
                self.hold_others(&number, id);
            }
        }
    }

    /// An agent's device is set to this.
    pub(super) fn handle_line(&mut self, now: Instant, number: Number, line: Line) {
        self.lines.insert(number, line);
        self.assign(now);
    }

    /// Time passed.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        let due: Vec<(LegId, Then)> = self
            .legs
            .iter()
            .filter_map(|(leg, state)| match state.stage {
                Stage::Ringing { until, then } if until <= now => Some((*leg, then)),
                Stage::Held | Stage::Ringing { .. } | Stage::Up => None,
            })
            .collect();
        for (leg, then) in due {
            match then {
                Then::Answers => self.goes_up(now, leg),
                Then::Nobody => self.ends(leg, Failure::NoAnswer),
            }
        }
        let gone: Vec<LegId> = self
            .legs
            .iter()
            .filter(|(_, state)| state.leaves.is_some_and(|at| at <= now))
            .map(|(leg, _)| *leg)
            .collect();
        for leg in gone {
            self.ends(leg, Failure::None);
        }
        self.arrive(now);
        self.assign(now);
        self.offer_preview(now);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let untils = self.legs.values().filter_map(|state| match state.stage {
            Stage::Ringing { until, .. } => Some(until),
            Stage::Held | Stage::Up => None,
        });
        let leaves = self.legs.values().filter_map(|state| state.leaves);
        untils.chain(leaves).chain(self.arrivals.next()).chain(self.previews.next()).chain(self.queues.next()).min()
    }

    /// The next piece of news, until `None`.
    pub(super) fn poll_news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    /// Whether an ask was not seen before. Ids grow, so the smallest is the oldest.
    fn remember(&mut self, ask: AskId) -> bool {
        let new = self.seen.insert(ask);
        if self.seen.len() > SEEN {
            self.seen.pop_first();
        }
        new
    }

    /// A device begins a call. After a restart its leg is there already.
    fn connect(&mut self, call: CallId, leg: LegId, number: Number) {
        if !self.legs.contains_key(&leg) {
            self.hold_others(&number, leg);
            self.legs.insert(leg, State { call: call.clone(), number, stage: Stage::Up, leaves: None });
        }
        self.report(call, leg, ReportKind::Answered);
    }

    fn dial(
        &mut self,
        now: Instant,
        (call, leg): (CallId, LegId),
        dialled: Number,
        from: Number,
        until: Option<Instant>,
    ) {
        let number = match self.settled(dialled.clone()) {
            Ok(number) => number,
            Err(failure) => return self.report(call, leg, ReportKind::Ended(failure)),
        };
        if self.config.queues.contains(&number) {
            self.report(call.clone(), leg, ReportKind::Queued(number.clone()));
            // Who asked is on a call, unless it gave this one away.
            return self.enqueue(now, (call, leg), number, Some(from), until);
        }
        let ended = match number.as_str().chars().next() {
            _ if self.config.devices.contains(&number) => None,
            Some('7' | '9') => None,
            Some('8') => Some(Failure::Busy),
            Some(_) | None => Some(Failure::InvalidNumber),
        };
        if let Some(failure) = ended {
            return self.report(call, leg, ReportKind::Ended(failure));
        }
        if number != dialled {
            self.report(call.clone(), leg, ReportKind::Redirected(nobodys(number.clone())));
        }
        self.begin_ringing(now, call, leg, number);
    }

    /// Which number is reached by the dialled one: forwards are followed, and each device on the way may be busy.
    fn settled(&self, dialled: Number) -> Result<Number, Failure> {
        let mut number = dialled;
        for _ in 0..=FORWARDS {
            if self.config.unregistered.contains(&number) {
                return Err(Failure::InvalidNumber);
            }
            if let Some(queue) = self.config.route_points.get(&number) {
                return Ok(queue.clone());
            }
            match self.lines.get(&number) {
                Some(Line { do_not_disturb: true, .. }) => return Err(Failure::Busy),
                Some(Line { forward: Some(next), .. }) => number = next.clone(),
                Some(Line { forward: None, .. }) | None => return Ok(number),
            }
        }
        Err(Failure::Failed)
    }

    pub(super) fn begin_ringing(&mut self, now: Instant, call: CallId, leg: LegId, number: Number) {
        let stage = self.ring(now, &number);
        self.legs.insert(leg, State { call: call.clone(), number, stage, leaves: None });
        self.report(call, leg, ReportKind::Ringing);
    }

    /// How a number rings. One that answers by itself takes half as long again at the most, by the dice.
    fn ring(&mut self, now: Instant, number: &Number) -> Stage {
        if number.as_str().starts_with('7') && !self.config.devices.contains(number) {
            let longer = self.config.answer_after.mul_f64(self.dice.random_range(0.0..0.5));
            return Stage::Ringing { until: after(now, self.config.answer_after + longer), then: Then::Answers };
        }
        Stage::Ringing { until: after(now, self.config.ring_timeout), then: Then::Nobody }
    }

    fn answer(&mut self, now: Instant, call: CallId, ask: AskId, leg: LegId) {
        if self.legs.get(&leg).is_some_and(|state| is_ringing(state.stage)) {
            self.goes_up(now, leg);
        } else {
            self.report(call, ask, ReportKind::Refused(Failure::Failed));
        }
    }

    fn goes_up(&mut self, now: Instant, leg: LegId) {
        let Some(state) = self.legs.get_mut(&leg) else { return };
        state.stage = Stage::Up;
        let (call, number) = (state.call.clone(), state.number.clone());
        self.hold_others(&number, leg);
        self.report(call.clone(), leg, ReportKind::Answered);
        self.was_answered(now, &call);
    }

    fn ends(&mut self, leg: LegId, failure: Failure) {
        let Some(state) = self.remove(leg) else { return };
        self.report(state.call, leg, ReportKind::Ended(failure));
    }

    /// Ends a leg. Nobody is looked for any more for a call that nobody is on.
    fn remove(&mut self, leg: LegId) -> Option<State> {
        let state = self.take_out(leg)?;
        if !self.legs.values().any(|other| other.call == state.call && !is_ringing(other.stage)) {
            self.queues.forget(&state.call);
        }
        Some(state)
    }

    /// Takes a leg out, with all that is known of it.
    fn take_out(&mut self, leg: LegId) -> Option<State> {
        self.forget_caller(leg);
        self.legs.remove(&leg)
    }

    fn clear(&mut self, call: CallId, ask: AskId) {
        let of_it = self.legs.iter().filter(|(_, state)| state.call == call);
        for leg in of_it.map(|(leg, _)| *leg).collect::<Vec<_>>() {
            self.take_out(leg);
        }
        self.queues.forget(&call);
        self.report(call, ask, ReportKind::Cleared);
    }

    /// Brings the consult call's other legs into the main call.
    fn merge(
        &mut self,
        now: Instant,
        call: CallId,
        ask: AskId,
        consult: &CallId,
        [main, side]: [LegId; 2],
        purpose: Purpose,
    ) {
        if !self.legs.contains_key(&main) || !self.legs.contains_key(&side) {
            return self.report(call, ask, ReportKind::Refused(Failure::Failed));
        }
        self.take_out(side);
        for state in self.legs.values_mut().filter(|state| state.call == *consult) {
            state.call = call.clone();
        }
        match purpose {
            Purpose::Conference => {
                self.queues.follow(now, consult, &call, None);
                if let Some(state) = self.legs.get_mut(&main) {
                    state.stage = Stage::Up;
                    let number = state.number.clone();
                    self.hold_others(&number, main);
                }
            }
            Purpose::Transfer => {
                let gone = self.take_out(main).map(|state| state.number);
                self.queues.follow(now, consult, &call, gone.as_ref());
            }
        }
        self.report(call, ask, ReportKind::Merged);
    }

    fn swap(&mut self, call: CallId, ask: AskId, hold: LegId, retrieve: LegId) {
        let stage = |leg| self.legs.get(&leg).map(|state| state.stage);
        if (stage(hold), stage(retrieve)) != (Some(Stage::Up), Some(Stage::Held)) {
            return self.report(call, ask, ReportKind::Refused(Failure::Failed));
        }
        for (leg, stage) in [(hold, Stage::Held), (retrieve, Stage::Up)] {
            if let Some(state) = self.legs.get_mut(&leg) {
                state.stage = stage;
            }
        }
        self.report(call, ask, ReportKind::Swapped);
    }

    /// Brings a leg from one stage to another, or refuses.
    fn change(
        &mut self,
        call: CallId,
        ask: AskId,
        leg: LegId,
        from: impl Fn(Stage) -> bool,
        to: Stage,
        report: ReportKind,
    ) {
        let Some(state) = self.legs.get_mut(&leg).filter(|state| from(state.stage)) else {
            return self.report(call, ask, ReportKind::Refused(Failure::Failed));
        };
        state.stage = to;
        let number = state.number.clone();
        if to == Stage::Up {
            self.hold_others(&number, leg);
        }
        self.report(call, leg, report);
    }

    /// What needs nothing but that somebody is there: reported of the leg.
    fn told(&mut self, call: CallId, ask: AskId, leg: LegId, report: ReportKind) {
        let is_there = self.legs.get(&leg).is_some_and(|state| !is_ringing(state.stage));
        match is_there {
            true => self.report(call, leg, report),
            false => self.report(call, ask, ReportKind::Refused(Failure::Failed)),
        }
    }

    /// The same, reported of the ask.
    fn done(&mut self, call: CallId, ask: AskId, leg: LegId, report: ReportKind) {
        let is_there = self.legs.get(&leg).is_some_and(|state| !is_ringing(state.stage));
        self.report(call, ask, if is_there { report } else { ReportKind::Refused(Failure::Failed) });
    }

    /// A device talks on one call: the others of its number go on hold.
    fn hold_others(&mut self, number: &Number, leg: LegId) {
        if !self.config.devices.contains(number) {
            return;
        }
        let others = self
            .legs
            .iter_mut()
            .filter(|(other, state)| **other != leg && state.number == *number && state.stage == Stage::Up);
        let held: Vec<(CallId, LegId)> = others
            .map(|(other, state)| {
                state.stage = Stage::Held;
                (state.call.clone(), *other)
            })
            .collect();
        for (call, other) in held {
            self.report(call, other, ReportKind::Held);
        }
    }

    pub(super) fn report(&mut self, call: CallId, leg: LegId, kind: ReportKind) {
        self.sequence += 1;
        let heard = Heard { term: self.term, sequence: self.sequence };
        self.news.push_back(News::Reported(Report { call, leg, heard, kind }));
    }
}

/// How often a call is forwarded before it fails: devices that forward to each other would do so for ever.
const FORWARDS: usize = 8;

/// How many asks are remembered.
const SEEN: usize = 65_536;

/// A number, of which the switch does not know whose it is.
pub(super) fn nobodys(number: Number) -> Endpoint {
    Endpoint::new(number, None)
}

pub(super) const fn is_ringing(stage: Stage) -> bool {
    match stage {
        Stage::Held | Stage::Up => false,
        Stage::Ringing { .. } => true,
    }
}

pub(super) fn after(now: Instant, wait: Duration) -> Instant {
    now.checked_add(wait).unwrap_or(now)
}
