//! What agents want of calls: each operation is judged by the table, then asked of the switch or done.

use crate::calls::change::Change;
use crate::calls::model::{
    Call, CallType, Endpoint, Entered, Entry, Family, Home, Joining, MonitorMode, Mute, Party, PartyState, Recording,
    UserData,
};
use crate::calls::operation::{Asker, Operation, Purpose, RecordVerb, Refused, Target};
use crate::calls::table::{Capability, Rules, check};
use crate::calls::telephony::{AskKind, LegId};
use crate::calls::views::Seen;
use crate::ids::{AgentId, CallId, Number, WallTime};

/// That an operation was accepted, and whether there is anything to write down.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Accepted {
    /// There is nothing to change: it is so already, or has been asked of the switch and is not answered yet.
    AlreadyAsked,
    /// The family changed.
    Changed,
}

impl Family {
    /// Takes in what an agent wants of one of the calls. What needs the switch is only asked: the call changes when
    /// the switch reports. Changes of data are done at once.
    ///
    /// # Errors
    /// [`Refused`] if it cannot be; then nothing changed.
    pub fn handle_operation(
        &mut self,
        now: WallTime,
        rules: Rules,
        asker: &Asker,
        call: &CallId,
        operation: Operation,
    ) -> Result<Accepted, Refused> {
        let agent = &asker.agent;
        let changed = |outcome: &Result<Accepted, Refused>| *outcome == Ok(Accepted::Changed);
        let has_left = !self.calls.iter().any(|each| each.id == *call && each.party_of(agent).is_some());
        if has_left {
            asker.voice.check(operation.name())?;
        }
        // What is said of a call is taken also from who has left it.
        let is_said = matches!(operation, Operation::SetDisposition(_))
            || has_left && matches!(operation, Operation::UpdateUserData(_));
        if is_said && let Operation::SetDisposition(data) | Operation::UpdateUserData(data) = &operation {
            return self.change(now, changed, |change| {
                change.within_limits(|change| change.dispose(agent, call, operation.name(), data))
            });
        }
        self.change(now, changed, |change| {
            let (capability, leg) = change.judge(rules, agent, call, &operation)?;
            change.within_limits(|change| change.operate(call, leg, capability, operation))
        })
    }
}

impl Change<'_> {
    /// Whether the agent may do that, and by which leg.
    fn judge(
        &self,
        rules: Rules,
        agent: &AgentId,
        call: &CallId,
        operation: &Operation,
    ) -> Result<(Capability, LegId), Refused> {
        let call = self.call(call).ok_or(Refused::NotFound)?;
        let capability = operation.capability();
        let Some(party) = call.party_of(agent) else {
            return Err(match call.was_on(agent) {
                true => Refused::WrongState { operation: capability.name(), state: "Released" },
                false => Refused::NotFound,
            });
        };
        check(Seen { family: self.family, call, party }, rules, capability)?;
        Ok((capability, party.leg))
    }

    fn operate(
        &mut self,
        call: &CallId,
        leg: LegId,
        capability: Capability,
        operation: Operation,
    ) -> Result<Accepted, Refused> {
        let (_, party) = self.live(leg).ok_or(Refused::NotFound)?;
        let party = party.clone();
        let home = party.endpoint.home.clone();
        match operation {
            Operation::Accept => Ok(self.accept(call, leg)),
            Operation::Answer => Ok(self.ask_once(call, home, AskKind::Answer(leg))),
            Operation::AttachUserData(data) | Operation::UpdateUserData(data) => self.attach(call, &data),
            Operation::ClearCall => Ok(self.ask_once_of(call, home, AskKind::Clear)),
            Operation::Complete { purpose, consult } => self.complete(call, leg, purpose, consult.as_ref()),
            Operation::Decline => Ok(self.decline(call, leg)),
            Operation::DeleteUserData => done(self.edit(call, UserData::clear)?),
            Operation::DeleteUserDataPair(key) => done(self.edit(call, |data| data.remove(&key))?),
            Operation::Hangup | Operation::Reject => Ok(self.ask_once(call, home, AskKind::Release(leg))),
            Operation::Hold => Ok(self.ask_once(call, home, AskKind::Hold(leg))),
            Operation::Initiate { purpose: _, target, call: id, conn } => {
                self.consult(call, &party, target, Call::empty(id, conn))
            }
            Operation::MuteCall => Ok(self.ask_once(call, home, AskKind::Mute(leg))),
            Operation::Record(verb) => Ok(self.ask_once(call, home, AskKind::Record { leg, to: verb.outcome() })),
            Operation::RemoveParticipant(number) => self.remove(call, &party, number),
            Operation::Retrieve => Ok(self.ask_once(call, home, AskKind::Retrieve(leg))),
            Operation::SendDtmf(digits) => {
                // The same tones may be sent twice.
                self.ask(call, home, AskKind::Dtmf { leg, digits });
                Ok(Accepted::Changed)
            }
            Operation::SetDisposition(_) => Err(Refused::NotFound),
            Operation::SingleStepConference(target) => self.add(call, &party, target, Entry::Added),
            Operation::SingleStepTransfer(target) => self.add(call, &party, target, Entry::InPlaceOf(leg)),
            Operation::Swap { other } => self.swap(call, leg, &other, capability),
            Operation::SwitchMonitor(mode) => Ok(self.ask_once(call, home, AskKind::Monitor { leg, mode })),
            Operation::UnmuteCall => Ok(self.ask_once(call, home, AskKind::Unmute(leg))),
        }
    }

    /// Takes data in. It is told even if it is the same: who sent it waits for that.
    fn attach(&mut self, call: &CallId, data: &UserData) -> Result<Accepted, Refused> {
        if !self.edit(call, |old| old.merge(data))? {
            let all = self.all(call);
            self.tell_data(call, &all);
        }
        Ok(Accepted::Changed)
    }

    /// Asks this of the switch, unless it has been asked already.
    pub(super) fn ask_once(&mut self, call: &CallId, home: Option<Home>, kind: AskKind) -> Accepted {
        if self.is_asked(&kind) {
            return Accepted::AlreadyAsked;
        }
        self.ask(call, home, kind);
        Accepted::Changed
    }

    /// The same for what concerns a whole call.
    fn ask_once_of(&mut self, call: &CallId, home: Option<Home>, kind: AskKind) -> Accepted {
        if self.family.asks.iter().any(|ask| ask.call == *call && ask.kind == kind) {
            return Accepted::AlreadyAsked;
        }
        self.ask(call, home, kind);
        Accepted::Changed
    }

    /// Rings a number, to bring it into the call as one more or in the asker's place.
    fn add(&mut self, call: &CallId, asker: &Party, target: Target, entry: Entry) -> Result<Accepted, Refused> {
        let Target { endpoint, location, user_data } = target;
        let found = self.call(call).ok_or(Refused::NotFound)?;
        found.check_number(&endpoint.number)?;
        found.check_room(1)?;
        let by = asker.endpoint.number.clone();
        let kind = AskKind::Dial { number: endpoint.number.clone(), from: by.clone(), location };
        let leg = self.ask(call, asker.endpoint.home.clone(), kind);
        let kind = asker.kind.of_who_is_brought_in(&endpoint);
        let joining = Some(Joining { by, user_data, entry });
        let (dnis, ani) = (Some(endpoint.number.clone()), asker.ani.clone());
        let party = Party { joining, dnis, ani, ..Party::new(endpoint, leg, PartyState::ASKED_FOR, kind, self.now) };
        if let Some(found) = self.call_mut(call) {
            found.parties.push(party);
        }
        Ok(Accepted::Changed)
    }

    /// Ends the leg of somebody else. Who is still being added goes also by the number that was dialled, and who adds it
    /// may remove it, whosever the call is.
    fn remove(&mut self, call: &CallId, asker: &Party, number: Number) -> Result<Accepted, Refused> {
        let found = self.call(call).ok_or(Refused::NotFound)?;
        let others = || found.live().filter(|party| party.leg != asker.leg);
        let dialled = |party: &&Party| party.joining.is_some() && party.dnis.as_ref() == Some(&number);
        let other = others().find(|party| party.endpoint.number == number).or_else(|| others().find(dialled));
        let Some(other) = other else { return Err(Refused::NotPresent(number)) };
        let seen = Seen { family: self.family, call: found, party: asker };
        if !seen.owns_the_call() && !other.is_added_by(&asker.endpoint.number) {
            return Err(Capability::RemoveParticipantFromConference.wrong_state(seen));
        }
        let (leg, own, home) = (other.leg, other.endpoint.home.clone(), asker.endpoint.home.clone());
        let open = self.family.asks.iter_mut().find(|ask| ask.kind == AskKind::Release(leg));
        if let Some(open) = open.filter(|open| open.asker.is_none() || open.asker == own) {
            // It goes already, and from now on because it was taken off: its queue looks for nobody else.
            open.asker = home;
            return Ok(Accepted::Changed);
        }
        Ok(self.ask_once(call, home, AskKind::Release(leg)))
    }

    /// How it went can be said by everybody who was on the call, as long as the family is remembered.
    fn dispose(
        &mut self,
        agent: &AgentId,
        call: &CallId,
        operation: &'static str,
        data: &UserData,
    ) -> Result<Accepted, Refused> {
        let found = self.call(call).filter(|found| found.was_on(agent)).ok_or(Refused::NotFound)?;
        found.party_of(agent).map_or(Ok(()), |party| party.check_voice(operation))?;
        done(self.edit(call, |old| old.merge(data))?)
    }
}

impl Operation {
    /// What desktops call it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SetDisposition(_) => "SetCallDisposition",
            Self::Accept
            | Self::Answer
            | Self::AttachUserData(_)
            | Self::ClearCall
            | Self::Complete { .. }
            | Self::Decline
            | Self::DeleteUserData
            | Self::DeleteUserDataPair(_)
            | Self::Hangup
            | Self::Hold
            | Self::Initiate { .. }
            | Self::MuteCall
            | Self::Record(_)
            | Self::Reject
            | Self::RemoveParticipant(_)
            | Self::Retrieve
            | Self::SendDtmf(_)
            | Self::SingleStepConference(_)
            | Self::SingleStepTransfer(_)
            | Self::Swap { .. }
            | Self::SwitchMonitor(_)
            | Self::UnmuteCall
            | Self::UpdateUserData(_) => self.capability().name(),
        }
    }

    /// What the table judges it by. Of what stands in no table (`SetCallDisposition`), what is nearest to it.
    pub(super) const fn capability(&self) -> Capability {
        match self {
            Self::Accept => Capability::Accept,
            Self::Answer => Capability::Answer,
            Self::AttachUserData(_) => Capability::AttachUserData,
            Self::ClearCall => Capability::ClearCall,
            Self::Complete { purpose: Purpose::Conference, .. } => Capability::CompleteConference,
            Self::Complete { purpose: Purpose::Transfer, .. } => Capability::CompleteTransfer,
            Self::Decline => Capability::Decline,
            Self::DeleteUserData => Capability::DeleteUserData,
            Self::DeleteUserDataPair(_) => Capability::DeleteUserDataPair,
            Self::Hangup => Capability::Hangup,
            Self::Hold => Capability::Hold,
            Self::Initiate { purpose: Purpose::Conference, .. } => Capability::InitiateConference,
            Self::Initiate { purpose: Purpose::Transfer, .. } => Capability::InitiateTransfer,
            Self::MuteCall => Capability::MuteCall,
            Self::Record(RecordVerb::Pause) => Capability::PauseCallRecording,
            Self::Record(RecordVerb::Resume) => Capability::ResumeCallRecording,
            Self::Record(RecordVerb::Start) => Capability::StartCallRecording,
            Self::Record(RecordVerb::Stop) => Capability::StopCallRecording,
            Self::Reject => Capability::Reject,
            Self::RemoveParticipant(_) => Capability::RemoveParticipantFromConference,
            Self::Retrieve => Capability::Retrieve,
            Self::SendDtmf(_) => Capability::SendDtmf,
            Self::SetDisposition(_) | Self::UpdateUserData(_) => Capability::UpdateUserData,
            Self::SingleStepConference(_) => Capability::SingleStepConference,
            Self::SingleStepTransfer(_) => Capability::SingleStepTransfer,
            Self::Swap { .. } => Capability::SwapCalls,
            Self::SwitchMonitor(MonitorMode::BargeIn) => Capability::SwitchToBargeIn,
            Self::SwitchMonitor(MonitorMode::Coach) => Capability::SwitchToCoach,
            Self::SwitchMonitor(MonitorMode::ListenIn) => Capability::SwitchToListenIn,
            Self::UnmuteCall => Capability::UnmuteCall,
        }
    }
}

impl RecordVerb {
    const fn outcome(self) -> Recording {
        match self {
            Self::Pause => Recording::Paused,
            Self::Resume | Self::Start => Recording::Recording,
            Self::Stop => Recording::Stopped,
        }
    }
}

impl Party {
    /// A party that nothing more is known of.
    pub const fn new(endpoint: Endpoint, leg: LegId, state: PartyState, kind: CallType, since: WallTime) -> Self {
        Self {
            endpoint,
            leg,
            state,
            kind,
            dnis: None,
            ani: None,
            since,
            joining: None,
            entered: Entered::Before,
            mute: Mute::Off,
            queue: None,
            monitor: None,
            heard: None,
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it stands where operations are answered")]
const fn done(changed: bool) -> Result<Accepted, Refused> {
    Ok(if changed { Accepted::Changed } else { Accepted::AlreadyAsked })
}
