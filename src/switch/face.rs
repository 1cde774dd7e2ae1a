//! What a switch is, whichever stands behind it.

use tokio::sync::mpsc;

use crate::calls::{Ask, LegId, PartyState, Report};
use crate::ids::{CallId, Number};

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
}

/// Where a switch's reports come out. Bounded: a switch that finds it full waits.
pub type Reports = mpsc::Receiver<Report>;

/// A link to telephony. Asks are carried out in the order of the calls; what comes of each is reported.
pub trait Switch: Send + Sync + 'static {
    /// Carries out an ask. One that bears an id seen before has no effect.
    fn carry_out(&self, ask: Ask);

    /// Adopts the legs of the call records after a start, before the first ask.
    fn restore(&self, legs: Vec<Leg>);

    /// Whether the link is up.
    fn is_up(&self) -> bool;
}
