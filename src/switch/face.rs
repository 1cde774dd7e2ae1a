//! What a switch is, whichever stands behind it.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::calls::{Arrival, Ask, LegId, PartyState, Preview, Report};
use crate::ids::{CallId, Number, WallTime};

/// A leg that the call records say exists: what a switch that keeps nothing itself is restored from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Leg {
    /// Its name.
    pub id: LegId,
    /// The call it belongs to.
    pub call: CallId,
    /// The number at its end.
    pub number: Number,
    /// How far it has come.
    pub state: PartyState,
    /// The queue that brought it the call.
    pub queue: Option<Number>,
    /// When the call began for whoever is there.
    pub since: WallTime,
    /// Whether it is the leg of whoever called from outside.
    pub came_in: bool,
}

/// What a switch tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum News {
    /// A call came in.
    Arrived(Arrival),
    /// An agent is offered a call that it may make.
    Previewed(Preview),
    /// Something was seen of a leg or an ask.
    Reported(Report),
}

/// What an agent's device is set to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Line {
    /// Whether its agent takes calls of queues.
    pub ready: bool,
    /// Of which queue. `None`: of all.
    pub queue: Option<Number>,
    /// Whether it is busy for everybody.
    pub do_not_disturb: bool,
    /// Which number is rung in its place.
    pub forward: Option<Number>,
}

/// What is settled of a switch, and others go by.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Setup {
    /// Its own numbers: queues, and what routes to them. A call to one does not leave the house.
    pub own: BTreeSet<Number>,
    /// Numbers of agents' devices that it does not know: whatever their agents want of one fails there.
    pub unregistered: BTreeSet<Number>,
    /// How long a call for which an agent asked waits in a queue before it says that nobody answers. `None`: as long as it
    /// takes.
    pub queue_timeout: Option<Duration>,
    /// How long an agent may look at a preview before it is over. `None`: as long as it likes.
    pub preview_timeout: Option<Duration>,
}

/// Where a switch's news come out. Bounded: a switch that finds it full waits.
pub type Reports = mpsc::Receiver<News>;

/// A link to telephony. Asks are carried out in the order of the calls; what comes of each is reported.
pub trait Switch: Send + Sync + 'static {
    /// What is settled of it, for as long as it is there.
    fn setup(&self) -> Setup;

    /// Carries out an ask. One that bears an id seen before has no effect.
    fn carry_out(&self, ask: Ask);

    /// Adopts the legs of the call records after a start, before the first ask.
    fn restore(&self, legs: Vec<Leg>);

    /// An agent's device is set to this from now on.
    fn set_line(&self, number: Number, line: Line);

    /// Whether the link is up.
    fn is_up(&self) -> bool;
}

impl Line {
    /// Whether a queue may ring it.
    pub(super) const fn takes_calls(&self) -> bool {
        self.ready && !self.do_not_disturb && self.forward.is_none()
    }
}
