//! What agents want of a call, and why they are refused.

use std::sync::Arc;

use crate::calls::model::{Endpoint, Location, MonitorMode, Right, UserData};
use crate::ids::{AgentId, CallId, ConnId, Number};

/// Who wants something of a call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Asker {
    /// The agent.
    pub agent: AgentId,
    /// Whether its account lets it do anything now. Who is on the call has there the rights with which it came; this says
    /// it of who left, or never was there.
    pub voice: Right,
}

/// Whom to bring into a call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// Whom.
    pub endpoint: Endpoint,
    /// Where the switch is to look for it.
    pub location: Option<Location>,
    /// Data for the call.
    pub user_data: UserData,
}

/// What a consult call is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// That all talk together.
    Conference,
    /// That the others talk, and the agent leaves.
    Transfer,
}

/// What an agent wants of a call. `Dial` is not among them: it makes the family ([`Family::dial`](crate::calls::Family::dial)).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Operation {
    /// Make the call that one looks at.
    Accept,
    /// Take the ringing call.
    Answer,
    /// Attach data.
    AttachUserData(UserData),
    /// End the call for everybody.
    ClearCall,
    /// Bring the main call and its consult call together.
    Complete {
        /// What for.
        purpose: Purpose,
        /// Which consult call; the newest if it is not said.
        consult: Option<CallId>,
    },
    /// Do not make the call that one looks at.
    Decline,
    /// Take all data off the call.
    DeleteUserData,
    /// Take one key off the call's data.
    DeleteUserDataPair(Arc<str>),
    /// Leave the call.
    Hangup,
    /// Put the call on hold.
    Hold,
    /// Begin a consult call.
    Initiate {
        /// What for.
        purpose: Purpose,
        /// Whom to consult.
        target: Target,
        /// What the consult call is to be called.
        call: CallId,
        /// What the switch is to call it.
        conn: ConnId,
    },
    /// Be heard by nobody.
    MuteCall,
    /// Record the call, or stop that.
    Record(RecordVerb),
    /// Send the ringing call back to its queue.
    Reject,
    /// Take a party off the conference.
    RemoveParticipant(Number),
    /// Take the call back from hold.
    Retrieve,
    /// Send tones.
    SendDtmf(Arc<str>),
    /// Say how the call went, during it or after it.
    SetDisposition(UserData),
    /// Add a party to the call, with no consult call.
    SingleStepConference(Target),
    /// Give the call to somebody, with no consult call.
    SingleStepTransfer(Target),
    /// Talk on the held one of two calls, and put this one on hold, or the other way round.
    Swap {
        /// The other call.
        other: CallId,
    },
    /// Change who hears the supervisor.
    SwitchMonitor(MonitorMode),
    /// Be heard again.
    UnmuteCall,
    /// Attach data in place of what bears the same keys.
    UpdateUserData(UserData),
}

/// What is wanted of a recording.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RecordVerb {
    /// Go on later.
    Pause,
    /// Go on.
    Resume,
    /// Begin.
    Start,
    /// End.
    Stop,
}

/// Why an operation was not accepted. The text is for the agent's desktop.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    /// The number is on the call already, or is being added to it.
    #[error("{0} is already on the call")]
    AlreadyPresent(Number),
    /// The call has no such party, or it cannot be removed.
    #[error("{0} is not on the call")]
    NotPresent(Number),
    /// The other call that was named does not belong to this one.
    #[error("the other call does not belong to this call")]
    NotPaired,
    /// The agent has no part in such a call.
    #[error("the call is not known")]
    NotFound,
    /// The agent lacks the right.
    #[error("{operation} is not allowed for this user")]
    NotPermitted {
        /// The operation's name.
        operation: &'static str,
    },
    /// There would be more parties or data than the call may have.
    #[error("the call can have no more {0}")]
    TooMany(&'static str),
    /// The call's state does not allow it.
    #[error("{operation} is not allowed while the call is {state}")]
    WrongState {
        /// The operation's name.
        operation: &'static str,
        /// The state's name.
        state: &'static str,
    },
}
