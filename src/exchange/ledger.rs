//! The living calls as the log has them, and which commands were done: what reads are answered from.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::calls::{Call, Family, Party, PartyState, Seen};
use crate::exchange::handle::CallView;
use crate::ids::{AgentId, CallId, Fingerprint, IdempotencyKey, Position};
use crate::metrics::CallState;
use crate::records::{AgentCause, AgentChanged, CallChanged, Cause, CommandKey};

/// The living calls, as far as the log has been applied.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    applied: Position,
    families: BTreeMap<CallId, Known>,
    /// Which family a call belongs to.
    roots: BTreeMap<CallId, CallId>,
    agents: BTreeMap<AgentId, BTreeSet<CallId>>,
    /// The newest call that each agent was offered, which the log may not have yet.
    offered: BTreeMap<AgentId, CallId>,
    over: Over,
    done: Done,
}

/// A family and the position of its newest record.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// The family.
    pub family: Arc<Family>,
    /// Where its newest record is.
    pub version: Position,
}

/// Families that nobody is on any more, for what is still to be said of them; the oldest are forgotten beyond a bound.
#[derive(Debug, Default)]
struct Over {
    families: BTreeMap<CallId, Arc<Family>>,
    roots: BTreeMap<CallId, CallId>,
    order: VecDeque<CallId>,
}

/// Commands that were accepted, by the agent and its key; the oldest are forgotten beyond a bound.
#[derive(Debug, Default)]
struct Done {
    keys: BTreeMap<(AgentId, IdempotencyKey), Fingerprint>,
    order: VecDeque<(AgentId, IdempotencyKey)>,
}

/// How many families are remembered that are over.
const FAMILIES: usize = 4096;

/// How many accepted commands are remembered by their keys.
const REMEMBERED: usize = 65_536;

impl Ledger {
    /// How far the log has been applied.
    pub(super) fn applied(&self) -> Position {
        self.applied
    }

    /// Every record up to here has been seen, whatever it was.
    pub(super) fn reach(&mut self, position: Position) {
        self.applied = self.applied.max(position);
    }

    /// Takes a call's record in. Older than what is known already, it has no effect but its key.
    pub(super) fn apply(&mut self, position: Position, changed: &CallChanged) {
        if let Cause::Operation { agent, key: Some(key), .. } = &changed.cause {
            self.done.remember(agent, key);
        }
        let root = &changed.family.root;
        if self.families.get(root).is_some_and(|known| known.version >= position) {
            return;
        }
        if let Some(known) = self.families.remove(root) {
            self.unlink(&known.family);
        }
        if !changed.family.is_over() {
            self.link(&changed.family);
            let family = Arc::new(changed.family.clone());
            self.families.insert(root.clone(), Known { family, version: position });
        } else {
            self.over.remember(&changed.family);
        }
    }

    /// Takes the key of an agent's record in.
    pub(super) fn apply_agent(&mut self, changed: &AgentChanged) {
        if let AgentCause::Operation { key: Some(key), .. } = &changed.cause {
            self.done.remember(&changed.voice.agent, key);
        }
    }

    /// Takes in what was done under a key without a record.
    pub(super) fn remember(&mut self, agent: &AgentId, key: &CommandKey) {
        self.done.remember(agent, key);
    }

    /// A family as it is, by the call that it began with.
    pub(super) fn family_at(&self, root: &CallId) -> Option<&Family> {
        Some(&self.families.get(root)?.family)
    }

    /// The same with the position of its newest record.
    pub(super) fn family_known(&self, root: &CallId) -> Option<&Known> {
        self.families.get(root)
    }

    /// The family that a call belonged to, if that is over.
    pub(super) fn over(&self, call: &CallId) -> Option<&Arc<Family>> {
        self.over.families.get(self.over.roots.get(call)?)
    }

    /// What was done under a key, if the key was used.
    pub(super) fn done(&self, agent: &AgentId, key: &IdempotencyKey) -> Option<Fingerprint> {
        self.done.keys.get(&(agent.clone(), key.clone())).copied()
    }

    /// The family that a call belongs to.
    pub(super) fn family_of(&self, call: &CallId) -> Option<&Known> {
        self.families.get(self.roots.get(call)?)
    }

    /// The families that an agent has a part in, or had until just now.
    pub(super) fn families_of(&self, agent: &AgentId) -> impl Iterator<Item = &Known> {
        let roots = self.agents.get(agent).into_iter().flatten();
        roots.filter_map(|root| self.families.get(root))
    }

    /// The families of which something has been asked that is not answered, or that an agent looks at.
    pub(super) fn waiting(&self) -> Vec<Known> {
        let looks =
            |family: &Family| family.calls.iter().flat_map(Call::live).any(|party| party.state == PartyState::Preview);
        let waits = |known: &&Known| !known.family.asks.is_empty() || looks(&known.family);
        self.families.values().filter(waits).cloned().collect()
    }

    /// An agent's calls, and as of when.
    pub(super) fn snapshot(&self, agent: &AgentId) -> (Vec<CallView>, Position) {
        let roots = self.agents.get(agent).into_iter().flatten();
        let mut calls: Vec<CallView> = roots
            .filter_map(|root| self.families.get(root))
            .flat_map(|known| {
                let view = |seen: Seen<'_>| CallView {
                    family: Arc::clone(&known.family),
                    call: seen.call.clone(),
                    party: seen.party.clone(),
                };
                known.family.seen_by(agent).map(view).collect::<Vec<_>>()
            })
            .collect();
        calls.sort_by_key(|view| view.party.since);
        (calls, self.applied)
    }

    /// An agent is offered a call, by a record that is on its way.
    pub(super) fn offer(&mut self, agent: AgentId, root: CallId) {
        self.offered.insert(agent, root);
    }

    /// The call that was offered to an agent by a record that has not been applied, or never will be.
    pub(super) fn offered(&self, agent: &AgentId) -> Option<&CallId> {
        self.offered.get(agent).filter(|root| !self.families.contains_key(root))
    }

    /// Whether the agent has a part in any call.
    pub(super) fn is_on_a_call(&self, agent: &AgentId) -> bool {
        let roots = self.agents.get(agent).into_iter().flatten();
        let mut calls = roots.filter_map(|root| self.families.get(root)).flat_map(|known| known.family.calls.iter());
        calls.any(|call| call.party_of(agent).is_some())
    }

    /// How many living calls have come how far.
    pub(super) fn count(&self) -> [(CallState, i64); 3] {
        let mut counts = [(CallState::Conference, 0), (CallState::Established, 0), (CallState::Setup, 0)];
        let calls = self.families.values().flat_map(|known| &known.family.calls);
        for call in calls.filter(|call| call.live().next().is_some()) {
            let talk = |party: &&Party| party.state.is_talking();
            let [conference, established, setup] = &mut counts;
            match call.parties.iter().filter(talk).count() {
                0 | 1 => setup.1 += 1,
                2 => established.1 += 1,
                _ => conference.1 += 1,
            }
        }
        counts
    }

    fn link(&mut self, family: &Family) {
        for call in &family.calls {
            self.roots.insert(call.id.clone(), family.root.clone());
        }
        for agent in agents_of(family) {
            self.agents.entry(agent.clone()).or_default().insert(family.root.clone());
        }
    }

    fn unlink(&mut self, family: &Family) {
        for call in &family.calls {
            self.roots.remove(&call.id);
        }
        for agent in agents_of(family) {
            if let Some(roots) = self.agents.get_mut(agent) {
                roots.remove(&family.root);
                if roots.is_empty() {
                    self.agents.remove(agent);
                }
            }
        }
    }
}

impl Over {
    fn remember(&mut self, family: &Family) {
        let root = &family.root;
        if self.families.insert(root.clone(), Arc::new(family.clone())).is_none() {
            self.order.push_back(root.clone());
        }
        for call in &family.calls {
            self.roots.insert(call.id.clone(), root.clone());
        }
        if self.order.len() > FAMILIES
            && let Some(oldest) = self.order.pop_front()
            && let Some(family) = self.families.remove(&oldest)
        {
            family.calls.iter().for_each(|call| drop(self.roots.remove(&call.id)));
        }
    }
}

impl Done {
    fn remember(&mut self, agent: &AgentId, key: &CommandKey) {
        let entry = (agent.clone(), key.key.clone());
        if self.keys.insert(entry.clone(), key.command).is_none() {
            self.order.push_back(entry);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.keys.remove(&oldest);
        }
    }
}

fn agents_of(family: &Family) -> impl Iterator<Item = &AgentId> {
    family
        .calls
        .iter()
        .flat_map(|call| call.parties.iter())
        .filter_map(|party| party.endpoint.home.as_ref())
        .map(|home| &home.agent)
}
