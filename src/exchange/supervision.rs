//! Supervisors at the ingress: when whom they watch talks, they are brought into the call.
//!
//! Everything is judged by what the log says: an agent's record says whom it watches, a call's record who talks. So a
//! start looks again, and brings in who was to be brought in when the process ended.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tokio::sync::oneshot;

use crate::agents::{
    MonitorCalls, MonitorKind, MonitorScope, Monitoring, Operation, Presence, Refused, Voice, Watched,
};
use crate::calls;
use crate::calls::{Endpoint, EventKind, Family, LegId, Monitor, MonitorMode, Party, PartyState};
use crate::exchange::agents::AgentRequest;
use crate::exchange::call::{Again, Change, Input};
use crate::exchange::handle::CommandError;
use crate::exchange::ingress::CommandIngress;
use crate::exchange::ledger::Known;
use crate::gws::{MonitorRequest, MonitorTarget};
use crate::ids::{AgentId, CallId, Number, Position};
use crate::records::{AgentCause, AgentChanged, CallChanged};

/// What an agent wants of itself, as its desktop says it.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    /// A change of its own.
    Change(AgentRequest),
    /// To watch somebody.
    Monitor(MonitorRequest),
}

/// Who watches whom, and what is to be done for that. What is to be done stands here once, however often it is said.
#[derive(Debug, Default)]
pub(super) struct Supervision {
    watchers: BTreeMap<Number, BTreeSet<AgentId>>,
    /// What became of bringing in a supervisor that watches one call alone.
    brought: BTreeMap<AgentId, Brought>,
    to_do: VecDeque<Duty>,
}

/// How far a supervisor is on its way into a call.
#[derive(Debug)]
enum Brought {
    /// The call's owner has been asked, and says here how that ends.
    Asked(oneshot::Receiver<Result<Option<Position>, CommandError>>),
    /// It is on its way, by the record at this position.
    Written(Position),
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Duty {
    /// A call changed: whoever watches somebody on it is to be there.
    Call(CallId),
    /// A supervisor watches somebody else than before, or a start looks again.
    Supervisor(AgentId, Again),
}

impl Supervision {
    /// Takes in that an agent changed. Who asks the same anew is brought in anew.
    pub(super) fn apply_agent(&mut self, before: Option<&Voice>, changed: &AgentChanged) {
        let after = &changed.voice;
        let (was, is) = (before.and_then(Voice::monitoring), after.monitoring());
        if was == is {
            if is.is_some_and(|monitoring| was_asked(monitoring, &changed.cause)) {
                self.add(Duty::Supervisor(after.agent.clone(), Again::BroughtIn));
            }
            return;
        }
        if let Some(Monitoring { target, .. }) = was
            && let Some(watchers) = self.watchers.get_mut(&target.number)
        {
            watchers.remove(&after.agent);
            if watchers.is_empty() {
                self.watchers.remove(&target.number);
            }
        }
        self.brought.remove(&after.agent);
        if let Some(Monitoring { target, .. }) = is {
            self.watchers.entry(target.number.clone()).or_default().insert(after.agent.clone());
        }
        self.add(Duty::Supervisor(after.agent.clone(), Again::BroughtIn));
    }

    /// Takes in that a call changed.
    pub(super) fn apply_call(&mut self, family: &Family) {
        if !self.watchers.is_empty() && !family.is_over() {
            self.add(Duty::Call(family.root.clone()));
        }
    }

    /// Everybody is looked at again. Nobody is brought anew into a call that it left.
    pub(super) fn look_at_all(&mut self) {
        let all = self.watchers.values().flatten();
        self.to_do = all.map(|agent| Duty::Supervisor(agent.clone(), Again::LeftAlone)).collect();
    }

    /// A supervisor is on its way into the one call that it watches, if this says so.
    pub(super) fn send(&mut self, agent: AgentId, told: oneshot::Receiver<Result<Option<Position>, CommandError>>) {
        self.brought.insert(agent, Brought::Asked(told));
    }

    /// Whether a supervisor is on its way, by what is not applied yet.
    pub(super) fn is_on_its_way(&mut self, agent: &AgentId, applied: Position) -> bool {
        let Some(brought) = self.brought.get_mut(agent) else { return false };
        if let Brought::Asked(told) = brought {
            match told.try_recv() {
                Ok(Ok(Some(position))) => *brought = Brought::Written(position),
                Err(oneshot::error::TryRecvError::Empty) => return true,
                Ok(Ok(None) | Err(_)) | Err(oneshot::error::TryRecvError::Closed) => {
                    self.brought.remove(agent);
                    return false;
                }
            }
        }
        matches!(brought, Brought::Written(position) if *position > applied)
    }

    fn add(&mut self, duty: Duty) {
        if self.to_do.back() != Some(&duty) {
            self.to_do.push_back(duty);
        }
    }
}

impl CommandIngress {
    /// Finds the device that is to be watched.
    pub(super) fn found(&self, agent: &AgentId, wanted: Wanted) -> Result<AgentRequest, Refused> {
        let MonitorRequest { kind, scope, calls, target } = match wanted {
            Wanted::Change(request) => return Ok(request),
            Wanted::Monitor(request) => request,
        };
        // Who may watch nobody learns nothing of devices.
        self.phone(agent).ok_or(Refused::NotFound)?.permits(kind.operation())?;
        let account = match &target {
            MonitorTarget::Device(device) => self.directory.agent_at(device),
            MonitorTarget::Number(number) => self.directory.agent_of(number),
        };
        let account = account.ok_or(Refused::NotFound)?;
        let target = Watched { device: account.device.clone(), number: account.number.clone() };
        let operation = Operation::Monitor(Monitoring { target, kind, scope, calls });
        Ok(AgentRequest { operation, device: None })
    }

    /// Does what is to be done for supervisors, as of the log as it is known. What an owner does not take now is done
    /// when the next record comes, or within a second.
    pub(super) fn supervise(&mut self) {
        for _ in 0..self.supervision.to_do.len() {
            let Some(duty) = self.supervision.to_do.pop_front() else { return };
            let done = match &duty {
                Duty::Call(root) => self.look_at_call(root),
                Duty::Supervisor(agent, again) => self.look_at_supervisor(agent, *again),
            };
            if done.is_none() {
                self.supervision.to_do.push_back(duty);
            }
        }
    }

    /// `None` if an owner is too busy.
    fn look_at_call(&mut self, root: &CallId) -> Option<()> {
        let Some(known) = self.ledger.family_known(root).cloned() else { return Some(()) };
        let parties = known.family.calls.iter().flat_map(calls::Call::live);
        let watched: BTreeSet<&AgentId> =
            parties.filter_map(|party| self.supervision.watchers.get(&party.endpoint.number)).flatten().collect();
        let watched: Vec<AgentId> = watched.into_iter().cloned().collect();
        watched.iter().try_for_each(|agent| self.bring(agent, &known, Again::LeftAlone))
    }

    fn look_at_supervisor(&mut self, agent: &AgentId, again: Again) -> Option<()> {
        let Some(voice) = self.voice_of(agent) else { return Some(()) };
        let target = voice.monitoring().map(|monitoring| monitoring.target.number.clone());
        if matches!(voice.presence, Presence::LoggedIn(_)) {
            self.take_off(agent, target.as_ref())?;
        }
        let home = target.and_then(|number| self.directory.home(&number));
        let Some(home) = home else { return Some(()) };
        let families: Vec<Known> = self.ledger.families_of(&home.agent).cloned().collect();
        families.iter().try_for_each(|known| self.bring(agent, known, again))
    }

    /// Takes a supervisor off the calls of those whom it does not watch any more.
    fn take_off(&mut self, agent: &AgentId, but: Option<&Number>) -> Option<()> {
        let families = self.ledger.families_of(agent);
        let families: Vec<Known> =
            families.filter(|known| known.family.watches(agent, but).next().is_some()).cloned().collect();
        families.iter().try_for_each(|known| {
            let input = Input::Unmonitor { supervisor: agent.clone(), but: but.cloned() };
            self.owner(known).try_send(Change::untold(input)).ok()
        })
    }

    /// Brings a supervisor into the calls of a family on which the one talks whom it watches. Who may not watch any more, and
    /// whose device the switch does not know, is brought into none.
    fn bring(&mut self, agent: &AgentId, known: &Known, again: Again) -> Option<()> {
        let Some(voice) = self.voice_of(agent) else { return Some(()) };
        let Some(monitoring) = voice.monitoring() else { return Some(()) };
        if voice.allows(monitoring.kind.operation()).is_err() {
            return Some(());
        }
        let target = &monitoring.target.number;
        let supervisor = self.endpoint(&voice.phone.number);
        for call in known.family.watchable(target) {
            if again == Again::LeftAlone && call.has_had(agent) {
                continue;
            }
            let input = invite(supervisor.clone(), &call.id, monitoring, again);
            match monitoring.calls {
                MonitorCalls::All => self.owner(known).try_send(Change::untold(input)).ok()?,
                MonitorCalls::Next if self.has_its_call(agent) => return Some(()),
                MonitorCalls::Next => {
                    let (change, told) = Change::noted(input);
                    self.owner(known).try_send(change).ok()?;
                    self.supervision.send(agent.clone(), told);
                }
            }
        }
        Some(())
    }

    /// Whether a supervisor is on a call as one, or on its way there.
    fn has_its_call(&mut self, agent: &AgentId) -> bool {
        let applied = self.ledger.applied();
        let mut families = self.ledger.families_of(agent);
        families.any(|known| known.family.watches(agent, None).next().is_some())
            || self.supervision.is_on_its_way(agent, applied)
    }
}

fn invite(supervisor: Endpoint, call: &CallId, monitoring: &Monitoring, again: Again) -> Input {
    let mode = match monitoring.kind {
        MonitorKind::BargeIn => MonitorMode::BargeIn,
        MonitorKind::Coach => MonitorMode::Coach,
        MonitorKind::ListenIn => MonitorMode::ListenIn,
    };
    let scope = match monitoring.scope {
        MonitorScope::Agent => calls::MonitorScope::Agent,
        MonitorScope::Call => calls::MonitorScope::Call,
    };
    let monitor = Monitor { target: monitoring.target.number.clone(), mode, scope };
    Input::Monitor { supervisor, call: call.clone(), monitor, name: monitoring.kind.operation().name(), again }
}

/// Whether this is what was asked for just now.
fn was_asked(monitoring: &Monitoring, cause: &AgentCause) -> bool {
    match cause {
        AgentCause::Operation { name, .. } => **name == *monitoring.kind.operation().name(),
        AgentCause::CallEnded(_) | AgentCause::NotAnswered(_) | AgentCause::TimeOver | AgentCause::Watched(_) => false,
    }
}

/// The supervisors who left a call that they watched, or did not come to it, in this change.
pub(super) fn left_off(before: Option<&Family>, changed: &CallChanged) -> Vec<AgentId> {
    let parties = changed.family.calls.iter().flat_map(|call| call.parties.iter().map(move |party| (call, party)));
    let gone = parties
        .filter(|(_, party)| party.monitor.is_some() && matches!(party.state, PartyState::Released(_)))
        .filter_map(|(call, party)| Some((call, party, party.endpoint.home.as_ref()?)));
    // Who went with others to another call of the family is there by the same leg.
    let legs: BTreeSet<LegId> = changed.family.legs().into_iter().map(|leg| leg.id).collect();
    let gone = gone.filter(|(_, party, _)| !legs.contains(&party.leg));
    gone.filter(|(call, party, home)| match before {
        // Who is not there was turned away.
        Some(before) => {
            let mut parties = before.calls.iter().flat_map(|call| &call.parties);
            parties.find(|known| known.leg == party.leg).is_none_or(Party::is_live)
        }
        // Of a call that is over more may be said; that nobody left is told by no event.
        None => changed.events.iter().any(|event| {
            event.call == call.id
                && event.to == **home
                && matches!(event.kind, EventKind::Error(_) | EventKind::StatusChange)
        }),
    })
    .map(|(_, _, home)| home.agent.clone())
    .collect()
}
