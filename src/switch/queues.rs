//! The simulated switch's queues: calls wait in them, and idle agents are rung.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::calls::{Ask, AskId, Failure, ReportKind};
use crate::ids::{CallId, Number, WallTime};

use super::core::{Core, after, nobodys};
use super::face::Line;

/// Calls that wait for an agent, oldest first.
#[derive(Debug, Default)]
pub(super) struct Queues {
    waiting: VecDeque<Waiting>,
    /// Who was rung, the longest ago first: the next call goes to the first of them that is free.
    rung: VecDeque<Number>,
}

#[derive(Debug)]
pub(super) struct Waiting {
    call: CallId,
    leg: AskId,
    queue: Number,
    /// Who did not take it or gave it away, and from when it is offered there again.
    tried: Option<(Number, Instant)>,
    /// When it is given up. A caller from outside gives up by itself.
    until: Option<Instant>,
}

impl Queues {
    /// Nobody is looked for any more for this call.
    pub(super) fn forget(&mut self, call: &CallId) {
        self.waiting.retain(|waiting| waiting.call != *call);
    }

    /// A call does not wait any more. Its name, if it did.
    pub(super) fn leave(&mut self, leg: AskId) -> Option<CallId> {
        let place = self.waiting.iter().position(|waiting| waiting.leg == leg)?;
        self.waiting.remove(place).map(|waiting| waiting.call)
    }

    /// Who waits for one call waits for another, in its place. Whoever of it goes is not the first to get it back.
    pub(super) fn follow(&mut self, now: Instant, from: &CallId, to: &CallId, gone: Option<&Number>) {
        for waiting in self.waiting.iter_mut().filter(|waiting| waiting.call == *from) {
            waiting.call = to.clone();
            if let Some(gone) = gone {
                waiting.tried = Some((gone.clone(), after(now, AGAIN)));
            }
        }
    }

    /// When somebody may be offered a call again, or one is given up.
    pub(super) fn next(&self) -> Option<Instant> {
        let again = self.waiting.iter().filter_map(|waiting| waiting.tried.as_ref()).map(|(_, from)| *from);
        again.chain(self.waiting.iter().filter_map(|waiting| waiting.until)).min()
    }

    /// A call that has waited too long.
    fn overdue(&mut self, now: Instant) -> Option<Waiting> {
        let place = self.waiting.iter().position(|waiting| waiting.until.is_some_and(|until| until <= now))?;
        self.waiting.remove(place)
    }

    fn used(&mut self, number: &Number) {
        self.rung.retain(|other| other != number);
        self.rung.push_back(number.clone());
    }
}

impl Core {
    /// How long a call may wait for which somebody asked: from when it was asked, whoever is rung meanwhile.
    pub(super) fn bound(&self, now: Instant, time: WallTime, ask: &Ask) -> Option<Instant> {
        let left = self.config.queue_timeout.saturating_sub(time.since(ask.since));
        ask.asker.as_ref().map(|_| after(now, left))
    }

    /// A call begins to wait.
    pub(super) fn enqueue(
        &mut self,
        now: Instant,
        (call, leg): (CallId, AskId),
        queue: Number,
        tried: Option<Number>,
        until: Option<Instant>,
    ) {
        if !self.config.queues.contains(&queue) {
            return self.report(call, leg, ReportKind::Refused(Failure::InvalidNumber));
        }
        let tried = tried.map(|number| (number, after(now, AGAIN)));
        self.queues.waiting.push_back(Waiting { call, leg, queue, tried, until });
    }

    /// Gives up the calls that have waited too long, and rings agents for the others, as far as there are any.
    pub(super) fn assign(&mut self, now: Instant) {
        while let Some(Waiting { call, leg, .. }) = self.queues.overdue(now) {
            self.report(call, leg, ReportKind::Ended(Failure::NoAnswer));
        }
        let mut place = 0;
        while let Some(waiting) = self.queues.waiting.get_mut(place) {
            waiting.tried.take_if(|(_, from)| *from <= now);
            let tried = waiting.tried.as_ref().map(|(number, _)| number.clone());
            let queue = waiting.queue.clone();
            let Some(number) = self.idlest(Some(&queue), tried.as_ref()) else {
                place += 1;
                continue;
            };
            let Some(Waiting { call, leg, .. }) = self.queues.waiting.remove(place) else { break };
            self.report(call.clone(), leg, ReportKind::Routed(nobodys(number.clone())));
            self.begin_ringing(now, call, leg, number);
        }
    }

    /// The agent of the queue, or of any, that is ready and has no call, and was rung longest ago.
    pub(super) fn idlest(&mut self, queue: Option<&Number>, but: Option<&Number>) -> Option<Number> {
        let is_free =
            |number: &&Number| Some(*number) != but && !self.legs.values().any(|state| state.number == **number);
        // Who named a queue that there is not serves all: it is another switch's.
        let serves = |line: &Line| match line.queue.as_ref().filter(|named| self.config.queues.contains(*named)) {
            Some(named) => queue.is_none_or(|queue| queue == named),
            None => true,
        };
        let ready = self.lines.iter().filter(|(_, line)| line.takes_calls() && serves(line)).map(|(number, _)| number);
        let place = |number: &&Number| self.queues.rung.iter().position(|rung| rung == *number);
        let number = ready.filter(is_free).min_by_key(place)?.clone();
        self.queues.used(&number);
        Some(number)
    }
}

/// How long a call is not offered again to who did not take it or gave it away.
const AGAIN: Duration = Duration::from_secs(5);
