//! What is asked of the switch, and what it reports.

use std::fmt;
use std::sync::Arc;

use crate::calls::model::{Endpoint, Home, Location, MonitorMode, Recording};
use crate::calls::operation::Purpose;
use crate::ids::{CallId, Number, Position, WallTime};

/// The name of an ask: the position of the record that asked, and its place in that record. It becomes the
/// far system's own id, so that asking twice is noticed there.
///
/// Until the record is appended the position is [`Position::ZERO`]: "this record" ([`Family::settle`](crate::calls::Family::settle)).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AskId {
    /// The record that asked.
    pub record: Position,
    /// Which of its asks.
    pub index: u16,
}

impl fmt::Display for AskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.record, self.index)
    }
}

/// A leg on the switch is named by the ask that made it.
pub type LegId = AskId;

/// One thing asked of the switch.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ask {
    /// Its name.
    pub id: AskId,
    /// The call it is for.
    pub call: CallId,
    /// When it was asked; of one for an agent of a queue, since when the call waits for any of them.
    pub since: WallTime,
    /// Who asked, and is told if it fails.
    pub asker: Option<Home>,
    /// What is asked.
    pub kind: AskKind,
}

/// What can be asked of the switch.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AskKind {
    /// Let the leg by which the switch brought a call in be called by the ask's id.
    Adopt(Arrived),
    /// Let the ringing leg answer.
    Answer(LegId),
    /// End the call for everybody at once.
    Clear,
    /// Bring the asker's own device into the call, before its target is dialled. The ask's id is the new leg.
    Connect(Number),
    /// Ring a number and bring it into the call. The ask's id is the new leg.
    Dial {
        /// The number to ring.
        number: Number,
        /// Who calls.
        from: Number,
        /// Where the switch is to look for it.
        location: Option<Location>,
    },
    /// Send tones from a leg.
    Dtmf {
        /// The leg.
        leg: LegId,
        /// The tones: `0`-`9`, `*`, `#`, `A`-`D`.
        digits: Arc<str>,
    },
    /// Put a leg on hold.
    Hold(LegId),
    /// Bring the consult call's other legs into this call, and end the leg `side`. For a transfer `main` ends as well,
    /// for a conference it is taken back from hold.
    Merge {
        /// The consult call.
        consult: CallId,
        /// The asker's leg in this call.
        main: LegId,
        /// The asker's leg in the consult call.
        side: LegId,
        /// What for.
        purpose: Purpose,
    },
    /// Let a supervisor's leg be heard so.
    Monitor {
        /// The leg.
        leg: LegId,
        /// By whom.
        mode: MonitorMode,
    },
    /// Let nobody hear a leg.
    Mute(LegId),
    /// Record the call of a leg, or stop that.
    Record {
        /// The leg.
        leg: LegId,
        /// What is to be so afterwards.
        to: Recording,
    },
    /// End a leg.
    Release(LegId),
    /// Take a leg back from hold.
    Retrieve(LegId),
    /// Ring an agent of the queue, as soon as there is one. The ask's id is the new leg. How long it waits is the switch's
    /// business.
    Route {
        /// The queue's number.
        queue: Number,
        /// Who had the call and did not take it.
        tried: Option<Number>,
    },
    /// Put one leg on hold and take another of the same device back, at once.
    Swap {
        /// The leg that is put on hold.
        hold: LegId,
        /// The leg that is taken back.
        retrieve: LegId,
    },
    /// Let everybody hear a leg.
    Unmute(LegId),
}

/// The switch's own handle of a call that it brought in.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Arrived(pub u64);

/// One hold of the link to the switch: reports of an older term are stale.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Term(pub u64);

/// Which report it was, in the order of the switch.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Heard {
    /// The term of the link.
    pub term: Term,
    /// The report's number in that term.
    pub sequence: u64,
}

/// What the switch saw of one leg, or says of one ask.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// The call.
    pub call: CallId,
    /// The leg it is about; for a kind that says so, the ask.
    pub leg: LegId,
    /// Its place among all reports.
    pub heard: Heard,
    /// What was seen.
    pub kind: ReportKind,
}

/// What can be seen of a leg, or of an ask.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ReportKind {
    /// It was answered, or is connected.
    Answered,
    /// Of an ask: the call was ended for everybody.
    Cleared,
    /// Of an ask: it was carried out, and no leg is different for it.
    Done,
    /// It ended, or never came to be.
    Ended(Failure),
    /// It is on hold.
    Held,
    /// Of an ask: the calls were brought together.
    Merged,
    /// A supervisor's leg is heard so now.
    Monitoring(MonitorMode),
    /// Nobody hears it.
    Muted,
    /// Its call is recorded, or not.
    Recording(Recording),
    /// The number is a queue's, or forwards its calls to this one: the call waits there for an agent.
    Queued(Number),
    /// The number forwards its calls: this one is rung in its place.
    Redirected(Endpoint),
    /// Of an ask: the switch will not do it; the leg is as it was.
    Refused(Failure),
    /// It was taken back from hold.
    Retrieved,
    /// It rings.
    Ringing,
    /// Of an ask: this agent of the queue is being rung, by the leg that bears the ask's name.
    Routed(Endpoint),
    /// Of an ask: the one leg is on hold and the other is not.
    Swapped,
    /// Everybody hears it.
    Unmuted,
}

/// Why a leg ended or an ask failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// The number is busy.
    Busy,
    /// The switch refused, for a reason of its own.
    Failed,
    /// There is no such number.
    InvalidNumber,
    /// Nobody answered in time.
    NoAnswer,
    /// Nothing failed: the leg was hung up.
    None,
    /// The switch said nothing in time.
    Timeout,
}
