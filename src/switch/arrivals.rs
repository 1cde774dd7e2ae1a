//! Calls that come in by themselves, so that a desktop has something to show: when, from whom, and how long they last.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::StdRng;

use crate::calls::{Arrival, Arrived, AskId, Failure, PartyState, ReportKind, UserData};
use crate::ids::{CallId, Number, WallTime};

use super::core::{Core, Stage, State, after, is_ringing};
use super::face::{Leg, News};

/// How calls come in.
#[derive(Clone, Debug)]
pub struct ArrivalConfig {
    /// Which numbers they dial, in turn: queues, and what routes to queues.
    pub numbers: Vec<Number>,
    /// How long between two of them, on the average.
    pub every: Duration,
}

/// How their callers are, those included who came before calls came in no more.
#[derive(Clone, Copy, Debug)]
pub struct CallerConfig {
    /// How long a caller talks, on the average.
    pub talk_time: Duration,
    /// How long a caller waits for an agent.
    pub patience: Duration,
}

/// The callers who are on their way.
#[derive(Debug)]
pub(super) struct Arrivals {
    next: Option<Instant>,
    counted: u64,
    /// Which number is dialled next, and then.
    turns: VecDeque<Number>,
    /// Those that the calls do not know yet.
    outside: BTreeMap<Arrived, Outside>,
    /// How long each talks once it is answered, by its leg.
    talks: BTreeMap<AskId, Duration>,
}

/// A caller that the calls do not know yet, and may never: they could not write it down.
#[derive(Debug)]
struct Outside {
    number: Number,
    talks: Duration,
    /// When it hangs up.
    leaves: Instant,
}

impl Arrivals {
    pub(super) fn new(now: Instant, config: Option<&ArrivalConfig>, dice: &mut StdRng) -> Self {
        let next = config.map(|config| after(now, about(config.every, dice)));
        let turns = config.map(|config| config.numbers.iter().cloned().collect()).unwrap_or_default();
        Self { next, counted: 0, turns, outside: BTreeMap::new(), talks: BTreeMap::new() }
    }

    /// When the next caller comes.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }
}

impl Core {
    /// Whoever is due by now comes in.
    pub(super) fn arrive(&mut self, now: Instant) {
        let Some(config) = self.config.arrivals.clone() else { return };
        if self.arrivals.next.is_none_or(|next| next > now) {
            return;
        }
        self.arrivals.next = Some(after(now, about(config.every, &mut self.dice)));
        self.arrivals.outside.retain(|_, outside| outside.leaves > now);
        if self.arrivals.outside.len() + self.arrivals.talks.len() >= CALLERS {
            return;
        }
        let Some(dnis) = self.arrivals.turns.pop_front() else { return };
        self.arrivals.turns.push_back(dnis.clone());
        self.arrivals.counted += 1;
        let handle = Arrived(self.arrivals.counted);
        let Ok(caller) = Number::parse(&format!("+1916555{:04}", self.dice.random_range(0..10_000))) else { return };
        // Drawn here, so that what comes does not hang on when the calls hear of it.
        let talks = about(self.config.callers.talk_time, &mut self.dice);
        let leaves = after(now, self.config.callers.patience);
        self.arrivals.outside.insert(handle, Outside { number: caller.clone(), talks, leaves });
        let queue = self.config.route_points.get(&dnis).unwrap_or(&dnis).clone();
        let user_data = UserData::default();
        self.news.push_back(News::Arrived(Arrival { handle, caller, dnis, queue, user_data }));
    }

    /// A caller's leg has its name now. After a restart it has one already; one that nobody knows is gone.
    pub(super) fn adopt(&mut self, now: Instant, call: CallId, leg: AskId, handle: Arrived) {
        if self.legs.contains_key(&leg) {
            return self.report(call, leg, ReportKind::Answered);
        }
        let Some(Outside { number, talks, leaves: _ }) = self.arrivals.outside.remove(&handle) else {
            return self.report(call, leg, ReportKind::Ended(Failure::Failed));
        };
        self.arrivals.talks.insert(leg, talks);
        let leaves = Some(after(now, self.config.callers.patience));
        self.legs.insert(leg, State { call: call.clone(), number, stage: Stage::Up, leaves });
        self.report(call, leg, ReportKind::Answered);
    }

    /// When the callers among restored legs leave. How long one talks was not written down, and whoever talks does not tell
    /// how long it did: it is drawn again. Who waits has waited since it came to whom it waits for.
    pub(super) fn callers(&mut self, now: Instant, time: WallTime, legs: &[Leg]) -> BTreeMap<AskId, Instant> {
        let CallerConfig { talk_time, patience } = self.config.callers;
        let (mut answered, mut asked) = (BTreeSet::new(), BTreeMap::new());
        for Leg { call, state, since, .. } in legs.iter().filter(|leg| !leg.came_in) {
            if [PartyState::Established, PartyState::Held].contains(state) {
                answered.insert(call);
            } else {
                let newest = asked.entry(call).or_insert(*since);
                *newest = (*newest).max(*since);
            }
        }
        let mut leave = BTreeMap::new();
        for Leg { id, call, since, .. } in legs.iter().filter(|leg| leg.came_in) {
            let talks = about(talk_time, &mut self.dice);
            let left = if answered.contains(call) {
                talks
            } else {
                self.arrivals.talks.insert(*id, talks);
                patience.saturating_sub(time.since(*asked.get(call).unwrap_or(since)))
            };
            leave.insert(*id, after(now, left));
        }
        leave
    }

    /// Somebody took a call: a caller of ours talks from now on, as long as it does.
    pub(super) fn was_answered(&mut self, now: Instant, call: &CallId) {
        for (leg, state) in self.legs.iter_mut().filter(|(_, state)| state.call == *call && !is_ringing(state.stage)) {
            if let Some(talks) = self.arrivals.talks.remove(leg) {
                state.leaves = Some(after(now, talks));
            }
        }
    }

    /// A leg is gone, and what was known of it.
    pub(super) fn forget_caller(&mut self, leg: AskId) {
        self.arrivals.talks.remove(&leg);
    }
}

/// A time about as long as that: seldom much longer, often a little shorter.
pub(super) fn about(average: Duration, dice: &mut StdRng) -> Duration {
    let share: f64 = dice.random_range(0.0..1.0);
    average.mul_f64((-(1.0 - share).ln()).clamp(0.1, 5.0))
}

/// How many callers there may be before others stay away.
const CALLERS: usize = 1000;
