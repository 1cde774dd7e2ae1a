//! What the simulated switch does, with no clock and no task.
//!
//! | number | what comes of ringing it |
//! | --- | --- |
//! | an agent's device | rings until an agent answers, or nobody does in time |
//! | `7…` | rings, and answers by itself |
//! | `8…` | is busy |
//! | `9…` | rings, and nobody answers |
//! | any other | does not exist |

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::calls::{Ask, AskId, AskKind, Failure, Heard, LegId, PartyState, Report, ReportKind, Term};
use crate::ids::{CallId, Number};

use super::face::Leg;
use super::simulated::SimulatedConfig;

/// The simulated switch.
#[derive(Debug)]
pub(super) struct Core {
    config: SimulatedConfig,
    dice: StdRng,
    term: Term,
    sequence: u64,
    legs: BTreeMap<LegId, State>,
    /// Asks that were carried out, the newest [`SEEN`] of them; the same again has no effect.
    seen: BTreeSet<AskId>,
    reports: VecDeque<Report>,
}

/// A leg that there is.
#[derive(Debug)]
struct State {
    call: CallId,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
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
enum Then {
    Answers,
    Nobody,
}

impl Core {
    pub(super) fn new(config: SimulatedConfig, term: Term) -> Self {
        let dice = StdRng::seed_from_u64(config.seed);
        Self { config, dice, term, sequence: 0, legs: BTreeMap::new(), seen: BTreeSet::new(), reports: VecDeque::new() }
    }

    /// Carries out an ask.
    pub(super) fn handle_ask(&mut self, now: Instant, ask: Ask) {
        if !self.remember(ask.id) {
            return;
        }
        let (call, id) = (ask.call, ask.id);
        match ask.kind {
            AskKind::Answer(leg) => self.change(call, id, leg, is_ringing, Stage::Up, ReportKind::Answered),
            AskKind::Connect(_) => {
                self.legs.insert(id, State { call: call.clone(), stage: Stage::Up });
                self.report(call, id, ReportKind::Answered);
            }
            AskKind::Dial { number, .. } => self.dial(now, call, id, &number),
            AskKind::Hold(leg) => self.change(call, id, leg, |stage| stage == Stage::Up, Stage::Held, ReportKind::Held),
            AskKind::Release(leg) => match self.legs.remove(&leg) {
                Some(State { call, .. }) => self.report(call, leg, ReportKind::Ended(Failure::None)),
                None => self.report(call, id, ReportKind::Refused(Failure::Failed)),
            },
            AskKind::Retrieve(leg) => {
                self.change(call, id, leg, |stage| stage == Stage::Held, Stage::Up, ReportKind::Retrieved);
            }
        }
    }

    /// Adopts the legs that the call records say there are. Those that were asked for and never reported are left to
    /// their asks.
    pub(super) fn handle_restore(&mut self, now: Instant, legs: Vec<Leg>) {
        for Leg { id, call, number, state } in legs {
            let stage = match state {
                PartyState::Dialing | PartyState::Established => Stage::Up,
                PartyState::Held => Stage::Held,
                PartyState::Ringing => self.ring(now, &number),
                PartyState::Invited | PartyState::Released(_) => continue,
            };
            self.remember(id);
            self.legs.insert(id, State { call, stage });
        }
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
                Then::Answers => {
                    let Some(state) = self.legs.get_mut(&leg) else { continue };
                    state.stage = Stage::Up;
                    let call = state.call.clone();
                    self.report(call, leg, ReportKind::Answered);
                }
                Then::Nobody => {
                    let Some(state) = self.legs.remove(&leg) else { continue };
                    self.report(state.call, leg, ReportKind::Ended(Failure::NoAnswer));
                }
            }
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let untils = self.legs.values().filter_map(|state| match state.stage {
            Stage::Ringing { until, .. } => Some(until),
            Stage::Held | Stage::Up => None,
        });
        untils.min()
    }

    /// The next report, until `None`.
    pub(super) fn poll_report(&mut self) -> Option<Report> {
        self.reports.pop_front()
    }

    /// Whether an ask was not seen before. Ids grow, so the smallest is the oldest.
    fn remember(&mut self, ask: AskId) -> bool {
        let new = self.seen.insert(ask);
        if self.seen.len() > SEEN {
            self.seen.pop_first();
        }
        new
    }

    fn dial(&mut self, now: Instant, call: CallId, leg: LegId, number: &Number) {
        let ended = match number.as_str().chars().next() {
            _ if self.config.devices.contains(number) => None,
            Some('7' | '9') => None,
            Some('8') => Some(Failure::Busy),
            Some(_) | None => Some(Failure::InvalidNumber),
        };
        match ended {
            Some(failure) => self.report(call, leg, ReportKind::Ended(failure)),
            None => {
                let stage = self.ring(now, number);
                self.legs.insert(leg, State { call: call.clone(), stage });
                self.report(call, leg, ReportKind::Ringing);
            }
        }
    }

    /// How a number rings. One that answers by itself takes half as long again at the most, by the dice.
    fn ring(&mut self, now: Instant, number: &Number) -> Stage {
        if number.as_str().starts_with('7') && !self.config.devices.contains(number) {
            let longer = self.config.answer_after.mul_f64(self.dice.random_range(0.0..0.5));
            return Stage::Ringing { until: after(now, self.config.answer_after + longer), then: Then::Answers };
        }
        Stage::Ringing { until: after(now, self.config.ring_timeout), then: Then::Nobody }
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
        match self.legs.get_mut(&leg) {
            Some(state) if from(state.stage) => {
                state.stage = to;
                self.report(call, leg, report);
            }
            Some(_) | None => self.report(call, ask, ReportKind::Refused(Failure::Failed)),
        }
    }

    fn report(&mut self, call: CallId, leg: LegId, kind: ReportKind) {
        self.sequence += 1;
        let heard = Heard { term: self.term, sequence: self.sequence };
        self.reports.push_back(Report { call, leg, heard, kind });
    }
}

/// How many asks are remembered.
const SEEN: usize = 65_536;

fn is_ringing(stage: Stage) -> bool {
    match stage {
        Stage::Held | Stage::Up => false,
        Stage::Ringing { .. } => true,
    }
}

fn after(now: Instant, wait: Duration) -> Instant {
    now.checked_add(wait).unwrap_or(now)
}
