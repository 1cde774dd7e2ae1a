//! Who is owed what: the events of calls and of agents, and each event that a session may hear.

use std::time::Instant;

use crate::agents;
use crate::agents::Voice;
use crate::bayeux::{Channel, Event, SlowConsumer};
use crate::broker::live::Stage;
use crate::broker::publications::stamped;
use crate::broker::rules::Who;
use crate::broker::session_rules::{SessionRules, Stamp};
use crate::broker::sessions::{Seat, Sessions, home_of_agent};
use crate::calls;
use crate::calls::Family;
use crate::clock;
use crate::gws::{Notice, agent_notification, notification};
use crate::ids::{AgentId, Position, WallTime};
use crate::records::{AgentChanged, CallChanged};

impl<T> Sessions<T> {
    /// A call changed: the agents whom that concerns are told.
    pub(super) fn apply_call(&mut self, now: Instant, at: Position, time: WallTime, changed: &CallChanged) {
        for (index, event) in changed.events.iter().enumerate() {
            let agent = &event.to.agent;
            if home_of_agent(agent, self.settings.homes) != self.home {
                continue;
            }
            self.recent.told(agent, at, self.log.floor());
            if self.agents.contains_key(agent)
                && let Some((channel, told)) = self.render(&changed.family, &changed.events, index, time)
            {
                self.tell(now, at, agent, &channel, &told);
            }
        }
    }

    /// An agent's state changed: its desktops are told.
    pub(super) fn apply_agent(&mut self, now: Instant, at: Position, time: WallTime, changed: &AgentChanged) {
        let agent = &changed.voice.agent;
        if home_of_agent(agent, self.settings.homes) != self.home {
            return;
        }
        for event in &changed.events {
            self.recent.told(agent, at, self.log.floor());
            if self.agents.contains_key(agent)
                && let Some((channel, told)) = self.render_agent(&changed.voice, *event, time)
            {
                self.tell(now, at, agent, &channel, &told);
            }
        }
    }

    /// Owes an event to each session of an agent that may hear it.
    fn tell(&mut self, now: Instant, at: Position, agent: &AgentId, channel: &Channel, told: &Event) {
        let seats = self.agents.get(agent).into_iter().flatten();
        for seat in seats.copied().collect::<Vec<Seat>>() {
            if self.live.get(seat).is_some_and(|live| live.hears(channel)) {
                self.deliver(now, seat, at, told, None, &Who::Agents);
            }
        }
    }

    /// An event of a call as its agent is told it.
    pub(super) fn render(
        &self,
        family: &Family,
        events: &[calls::Event],
        index: usize,
        time: WallTime,
    ) -> Option<(Channel, Event)> {
        let notice = notification(&self.settings.rendering, family, events, index, time)?;
        Some(self.stamp(notice, time))
    }

    /// An event of an agent's state as its desktops are told it.
    pub(super) fn render_agent(&self, voice: &Voice, event: agents::Event, time: WallTime) -> Option<(Channel, Event)> {
        let notice = agent_notification(&self.settings.rendering, voice, event)?;
        Some(self.stamp(notice, time))
    }

    fn stamp(&self, notice: Notice, time: WallTime) -> (Channel, Event) {
        let event = stamped(&self.settings, Event::publication(&notice.channel, &notice.data), time);
        (notice.channel, event)
    }

    /// Owes an event to a session if it may hear it; a lazy one waits for company until `due`.
    pub(super) fn deliver(
        &mut self,
        now: Instant,
        seat: Seat,
        at: Position,
        event: &Event,
        due: Option<Instant>,
        audience: &Who,
    ) {
        let Some(live) = self.live.get_mut(seat) else { return };
        if !audience.includes(live.state.agent.as_ref()) {
            return;
        }
        let SessionRules { slow_consumer, stamp, .. } = self.settings.session_rules;
        if (slow_consumer, stamp) == (SlowConsumer::DropOldest, Stamp::Everything)
            && let Stage::Streaming(session) = &mut live.stage
        {
            session.handle_time(clock::wall());
        }
        if live.deliver(at, event, due) {
            self.weigh(seat);
            self.is_told(now, seat);
            self.soil(seat);
            return;
        }
        // A parked connect takes what is owed so far; then there is room again.
        self.flush(now, seat);
        match self.live.get_mut(seat).map(|live| live.deliver(at, event, due)) {
            Some(true) => self.soil(seat),
            Some(false) => self.overrun(now, seat),
            None => {}
        }
    }

    fn soil(&mut self, seat: Seat) {
        if let Some(live) = self.live.get_mut(seat)
            && !live.dirty
        {
            live.dirty = true;
            self.dirty.push_back(seat);
        }
    }
}
