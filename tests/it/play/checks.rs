//! What must hold whenever nothing is going on, and at the end.

use std::collections::BTreeSet;
use std::time::Duration;

use partyline::calls::{AskKind, Call, Family, MonitorMode, Party, PartyState, Seen, capabilities};
use partyline::ids::AgentId;
use partyline::log::{Log, Subject};
use partyline::records::{CallChanged, Payload};

use super::desktop::{News, View};
use super::life::AGENTS;
use super::moody::Mood;
use super::run::Scene;
use super::wishes::{leave, log_out};

impl Scene<'_, '_> {
    /// What must hold whenever nothing is going on.
    pub(super) async fn look(&mut self) {
        for _ in 0..TRIES {
            self.life.quiet().await;
            if self.look_once().await {
                return;
            }
        }
        panic!("it is never quiet");
    }

    /// Whether it was quiet indeed, so that what was looked at was as of one position.
    async fn look_once(&mut self) -> bool {
        let news = News::after(self.run.looked, self.life);
        self.run.looked = news.through;
        let mut moved = false;
        for desktop in &mut self.run.desktops {
            desktop.settle(self.life, &self.run.rendering, &news).await;
            if news.records.is_empty() {
                continue;
            }
            let read = self.life.read(&desktop.agent).await;
            if read.position != news.through {
                moved = true;
                continue;
            }
            let read = View::read(&self.run.rendering, &read);
            assert!(
                desktop.told == read,
                "{} was told, and reads: {:#?}",
                desktop.agent,
                desktop.told.differences(&read)
            );
        }
        for (_, _, payload) in news.records {
            if let Payload::CallChanged(changed) = payload {
                self.run.families.insert(changed.family.root.clone(), changed.family);
            }
        }
        self.run.families.retain(|_, family| !family.is_over());
        if moved {
            return false;
        }
        let alive: BTreeSet<Subject> = self.run.families.keys().map(CallChanged::subject).collect();
        assert_eq!(
            alive,
            self.life.log.subjects("call/").into_iter().collect(),
            "who is on a call, and which there are"
        );
        let families = std::mem::take(&mut self.run.families);
        // Their ids are drawn.
        let mut sorted: Vec<&Family> = families.values().collect();
        sorted.sort_by_key(|family| family.legs().first().map(|leg| leg.id));
        for family in sorted {
            family.calls.iter().for_each(|call| self.look_at_call(family, call));
        }
        self.run.families = families;
        // A session that comes back to another life of the server is written down.
        self.life.quiet().await;
        true
    }

    fn look_at_call(&mut self, family: &Family, call: &Call) {
        let visible: Vec<&Party> = call.live().filter(|party| is_visible(party)).collect();
        let waits = family.asks.iter().any(|ask| ask.call == call.id && matches!(ask.kind, AskKind::Route { .. }));
        assert!(visible.len() != 1 || waits, "nobody is left alone: {call:?}");
        assert!(!visible.is_empty() || call.live().next().is_none(), "nobody waits for nobody: {call:?}");
        let ours = |party: &Party| party.endpoint.home.is_some() || party.queue.is_some();
        assert!(visible.is_empty() || call.live().any(ours), "none of ours is on it, nor is to come: {call:?}");
        for party in call.live().filter(|party| party.state != PartyState::Invited) {
            let Some(home) = &party.endpoint.home else { continue };
            let desktop = self.run.desktops.iter().find(|desktop| desktop.agent == home.agent).unwrap();
            let told = &desktop.told.calls[call.id.as_str()];
            let shown = told["participants"].as_array().unwrap();
            let mut seen: Vec<&str> = shown.iter().map(|other| other["phoneNumber"].as_str().unwrap()).collect();
            let others = visible.iter().filter(|other| other.leg != party.leg);
            let mut there: Vec<&str> = others.map(|other| other.endpoint.number.as_str()).collect();
            seen.sort_unstable();
            there.sort_unstable();
            assert_eq!(seen, there, "{} sees the others", home.agent);
            for offered in capabilities(Seen { family, call, party }, self.run.house.rules) {
                self.run.offers.entry((offered.name(), party.state.name())).or_default().0 += 1;
            }
        }
        let alive = usize::from(!visible.is_empty());
        self.run.tally.calls += alive;
        self.run.tally.conferences += usize::from(visible.len() > 2);
        self.run.tally.consults += if call.consult.is_some() { alive } else { 0 };
        self.run.tally.watched += call.live().filter(|party| party.monitor.is_some()).count();
        self.run.tally.previews += call.live().filter(|party| party.state == PartyState::Preview).count();
        self.run.tally.routed += call.live().filter(|party| party.queue.is_some()).count();
        if alive > 0 && !self.run.calls.contains(&call.id) {
            if self.run.calls.len() == REMEMBERED {
                self.run.calls.pop_front();
            }
            self.run.calls.push_back(call.id.clone());
        }
    }

    /// When all agents have gone home and hung up, and the switch does what it is asked, no agent is on a call, and
    /// nothing is asked for any more.
    pub(super) async fn everything_ends(&mut self) {
        self.tell("all go home".to_owned());
        self.run.mood = Mood::default();
        self.life.switch.set(self.run.mood);
        for name in AGENTS {
            let _ = self.try_it(log_out(AgentId::parse(name).unwrap())).await;
        }
        for _ in 0..8 {
            for name in AGENTS {
                let agent = AgentId::parse(name).unwrap();
                for view in self.calls(&agent).await {
                    let wish = leave(agent.clone(), view.call.id.clone(), view.party.state.name());
                    let _ = self.try_it(wish).await;
                    self.look().await;
                }
            }
            self.pass(Duration::from_secs(8)).await;
            self.look().await;
        }
        for call in self.run.families.values().flat_map(|family| &family.calls) {
            assert!(call.live().all(|party| party.endpoint.home.is_none()), "an agent is still there: {call:?}");
        }
        for ask in self.run.families.values().flat_map(|family| &family.asks) {
            assert!(matches!(ask.kind, AskKind::Adopt(_) | AskKind::Route { .. }), "it is still asked for: {ask:?}");
        }
    }
}

fn is_visible(party: &Party) -> bool {
    let listens = party.monitor.as_ref().is_some_and(|monitor| monitor.mode != MonitorMode::BargeIn);
    party.joining.is_none() && !listens
}

/// How often it is looked whether it is quiet.
const TRIES: usize = 100;

/// How many calls are remembered, so that something may be said of them when they are over.
const REMEMBERED: usize = 8;
