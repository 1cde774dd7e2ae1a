//! Which operation is allowed when, and what comes of it.
//!
//! | operation | logged out | Ready | NotReady | AfterCallWork | AuxWork |
//! | --- | --- | --- | --- | --- | --- |
//! | StartContactCenterSession | Ready | stays | stays | stays | stays |
//! | EndContactCenterSession | stays | logged out | logged out | logged out | logged out |
//! | Ready | Ready | Ready | Ready | Ready | Ready |
//! | NotReady, and a state of the operator's own | NotReady | NotReady | NotReady | NotReady | NotReady |
//! | AfterCallWork | AfterCallWork | AfterCallWork | AfterCallWork | AfterCallWork | AfterCallWork |
//! | AuxWork | AuxWork | AuxWork | AuxWork | AuxWork | AuxWork |
//! | Offline | no | logged out | logged out | logged out | logged out |
//!
//! A change to the same state is a change: it may bring another reason, and its desktops are told. Who asks for a state
//! while it is logged out is logged in to that state: some desktops do not wait until their session has started, others
//! log in by it.
//!
//! | operation | off | on |
//! | --- | --- | --- |
//! | DoNotDisturbOn, ForwardCallsOn | on | no |
//! | DoNotDisturbOff, ForwardCallsOff | no | off |
//!
//! A setting belongs to the device: it can be made, and outlasts the log-out, whether or not its agent is logged in.
//!
//! Who lacks the feature for voice, and whose device the switch does not know, may do none of this but
//! EndContactCenterSession.
//!
//! | operation | logged out | without the feature | watches nobody | watches somebody |
//! | --- | --- | --- | --- | --- |
//! | ListenIn, Coach, BargeIn | no | no | watches | watches that one instead |
//! | CancelSupervisorMonitoring | no | as with it | no | watches nobody |
//!
//! Who lost a feature, that for voice as well, may cancel: it goes on watching in name only, and is brought into no call.
//!
//! | what happens | logged out | Ready | NotReady | AfterCallWork | AuxWork |
//! | --- | --- | --- | --- | --- | --- |
//! | the last call ended, and work comes after it | | AfterCallWork | | | |
//! | the time of that work is over | | | | Ready | |
//! | a call of a queue was not answered, and that counts | | NotReady | | | |
//! | a supervisor left the call that it was to watch alone | | watches nobody | watches nobody | watches nobody | watches nobody |

use std::fmt;

use crate::agents::model::{DoNotDisturb, Operation, Permission, Phone, Refused, Registration, Right, Voice};
use crate::agents::monitoring::MonitorKind;

/// What an operation is, without its parameters.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// `AfterCallWork`.
    AfterCallWork,
    /// `AuxWork`.
    AuxWork,
    /// `BargeIn`.
    BargeIn,
    /// `CancelSupervisorMonitoring`.
    CancelSupervisorMonitoring,
    /// `Coach`.
    Coach,
    /// One that the operator made up.
    Custom,
    /// `DoNotDisturbOff`.
    DoNotDisturbOff,
    /// `DoNotDisturbOn`.
    DoNotDisturbOn,
    /// `EndContactCenterSession`.
    EndContactCenterSession,
    /// `ForwardCallsOff`.
    ForwardCallsOff,
    /// `ForwardCallsOn`.
    ForwardCallsOn,
    /// `ListenIn`.
    ListenIn,
    /// `NotReady`.
    NotReady,
    /// `Offline`.
    Offline,
    /// `Ready`.
    Ready,
    /// `StartContactCenterSession`.
    StartContactCenterSession,
}

/// A column of the table.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Phase {
    /// Not logged in.
    LoggedOut,
    /// Takes calls of queues.
    Ready,
    /// Takes none, with or without a reason.
    NotReady,
    /// Takes none, for it finishes its last one.
    AfterCallWork,
    /// Takes none, for it does something else.
    AuxWork,
}

impl Voice {
    /// Whether an operation is allowed now.
    ///
    /// # Errors
    /// [`Refused`] if it is not, with the reason.
    pub fn allows(&self, kind: Kind) -> Result<(), Refused> {
        let phase = self.phase();
        let is_set = match kind {
            Kind::DoNotDisturbOff => self.do_not_disturb == DoNotDisturb::Off,
            Kind::DoNotDisturbOn => self.do_not_disturb == DoNotDisturb::On,
            Kind::ForwardCallsOff => self.forward_to.is_none(),
            Kind::ForwardCallsOn => self.forward_to.is_some(),
            Kind::AfterCallWork
            | Kind::AuxWork
            | Kind::BargeIn
            | Kind::CancelSupervisorMonitoring
            | Kind::Coach
            | Kind::Custom
            | Kind::EndContactCenterSession
            | Kind::ListenIn
            | Kind::NotReady
            | Kind::Offline
            | Kind::Ready
            | Kind::StartContactCenterSession => false,
        };
        self.permits(kind)?;
        if self.phone.registration == Registration::Unregistered && kind != Kind::EndContactCenterSession {
            return Err(Refused::NotRegistered);
        }
        if !kind.is_allowed(phase) {
            return Err(Refused::WrongState { operation: kind, phase });
        }
        if kind == Kind::CancelSupervisorMonitoring && self.monitoring().is_none() {
            return Err(Refused::NotWatching);
        }
        if is_set { Err(Refused::AlreadySet(kind)) } else { Ok(()) }
    }

    /// Whether the agent has the right to that. Who lost that to watch others may still watch nobody any more.
    ///
    /// # Errors
    /// [`Refused::NotPermitted`].
    pub fn permits(&self, kind: Kind) -> Result<(), Refused> {
        let ends_it = kind == Kind::CancelSupervisorMonitoring && self.monitoring().is_some();
        if ends_it { Ok(()) } else { self.phone.permits(kind) }
    }

    /// What a desktop may offer its agent to do with the device: exactly what is allowed, in the order in which
    /// desktops see it.
    pub fn capabilities(&self) -> Vec<Kind> {
        OF_THE_DEVICE.into_iter().filter(|kind| self.allows(*kind).is_ok()).collect()
    }
}

impl Phone {
    /// Whether its agent has the right to that. To log out takes none.
    ///
    /// # Errors
    /// [`Refused::NotPermitted`].
    pub fn permits(&self, kind: Kind) -> Result<(), Refused> {
        let lacks = |right| right == Right::Withheld;
        if lacks(self.voice) && kind != Kind::EndContactCenterSession {
            return Err(Refused::NotPermitted(Permission::Voice));
        }
        if lacks(self.supervision) && kind.is_supervision() {
            return Err(Refused::NotPermitted(Permission::Supervision));
        }
        Ok(())
    }
}

impl Kind {
    /// Every one of them.
    pub const ALL: [Self; 16] = [
        Self::AfterCallWork,
        Self::AuxWork,
        Self::BargeIn,
        Self::CancelSupervisorMonitoring,
        Self::Coach,
        Self::Custom,
        Self::DoNotDisturbOff,
        Self::DoNotDisturbOn,
        Self::EndContactCenterSession,
        Self::ForwardCallsOff,
        Self::ForwardCallsOn,
        Self::ListenIn,
        Self::NotReady,
        Self::Offline,
        Self::Ready,
        Self::StartContactCenterSession,
    ];

    /// What desktops call it. One that the operator made up has a name of its own.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AfterCallWork => "AfterCallWork",
            Self::AuxWork => "AuxWork",
            Self::BargeIn => "BargeIn",
            Self::CancelSupervisorMonitoring => "CancelSupervisorMonitoring",
            Self::Coach => "Coach",
            Self::Custom => "Custom",
            Self::DoNotDisturbOff => "DoNotDisturbOff",
            Self::DoNotDisturbOn => "DoNotDisturbOn",
            Self::EndContactCenterSession => "EndContactCenterSession",
            Self::ForwardCallsOff => "ForwardCallsOff",
            Self::ForwardCallsOn => "ForwardCallsOn",
            Self::ListenIn => "ListenIn",
            Self::NotReady => "NotReady",
            Self::Offline => "Offline",
            Self::Ready => "Ready",
            Self::StartContactCenterSession => "StartContactCenterSession",
        }
    }

    const fn is_supervision(self) -> bool {
        matches!(self, Self::BargeIn | Self::CancelSupervisorMonitoring | Self::Coach | Self::ListenIn)
    }

    /// Who is not logged in can watch nobody, and need not log out.
    const fn is_allowed(self, phase: Phase) -> bool {
        match phase {
            Phase::LoggedOut => !self.is_supervision() && !matches!(self, Self::Offline),
            Phase::AfterCallWork | Phase::AuxWork | Phase::NotReady | Phase::Ready => true,
        }
    }
}

impl Phase {
    /// Every one of them, in the order of the table.
    pub const ALL: [Self; 5] = [Self::LoggedOut, Self::Ready, Self::NotReady, Self::AfterCallWork, Self::AuxWork];
}

impl Operation {
    /// Which row of the table it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::AfterCallWork => Kind::AfterCallWork,
            Self::AuxWork => Kind::AuxWork,
            Self::CancelSupervisorMonitoring => Kind::CancelSupervisorMonitoring,
            Self::Custom(_) => Kind::Custom,
            Self::DoNotDisturbOff => Kind::DoNotDisturbOff,
            Self::DoNotDisturbOn => Kind::DoNotDisturbOn,
            Self::EndContactCenterSession => Kind::EndContactCenterSession,
            Self::ForwardCallsOff => Kind::ForwardCallsOff,
            Self::ForwardCallsOn(_) => Kind::ForwardCallsOn,
            Self::Monitor(monitoring) => monitoring.kind.operation(),
            Self::NotReady { .. } => Kind::NotReady,
            Self::Offline => Kind::Offline,
            Self::Ready(_) => Kind::Ready,
            Self::StartContactCenterSession(_) => Kind::StartContactCenterSession,
        }
    }
}

impl MonitorKind {
    /// What makes a supervisor watch so.
    pub const fn operation(self) -> Kind {
        match self {
            Self::BargeIn => Kind::BargeIn,
            Self::Coach => Kind::Coach,
            Self::ListenIn => Kind::ListenIn,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Supervision => "watching others",
            Self::Voice => "voice",
        })
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AfterCallWork => "in AfterCallWork",
            Self::AuxWork => "in AuxWork",
            Self::LoggedOut => "logged out",
            Self::NotReady => "NotReady",
            Self::Ready => "Ready",
        })
    }
}

const OF_THE_DEVICE: [Kind; 8] = [
    Kind::ForwardCallsOff,
    Kind::ForwardCallsOn,
    Kind::DoNotDisturbOff,
    Kind::DoNotDisturbOn,
    Kind::ListenIn,
    Kind::Coach,
    Kind::BargeIn,
    Kind::CancelSupervisorMonitoring,
];
