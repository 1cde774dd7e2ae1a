//! How a party's state changes: one table, and no state is set but by it.
//!
//! A row for each thing that can happen to a party, a column for each state that it is in before; the cell says the state
//! after. `docs/voice.md` has what of it desktops see.

use crate::calls::change::Change;
use crate::calls::model::{Party, PartyState};
use crate::calls::telephony::{LegId, ReportKind};
use crate::ids::WallTime;

/// What can happen to a party. The order is that of the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Happening {
    /// Its leg rings.
    Ringing,
    /// Its leg was answered, or is connected.
    Answered,
    /// Its leg is on hold, alone or for another one of the same device.
    Held,
    /// Its leg was taken back from hold, alone or for another one, and somebody else on the call talks.
    Retrieved,
    /// The same while nobody else talks: whom it called still rings.
    RetrievedToWait,
    /// Its leg ended or never came to be. Or it goes with others: the call was cleared or given away, somebody comes in its
    /// place, or nobody is left to talk to.
    Ended,
    /// Its number forwards its calls.
    Redirected,
    /// Its number is a queue's.
    Queued,
    /// The queue that it stands for found an agent.
    Routed,
    /// Its leg is muted, or not any more.
    Muted,
    /// It is a supervisor, and other people hear it than before.
    Monitoring,
    /// Its call is recorded, or not any more.
    Recording,
    /// Whom it called answered.
    CalledAnswered,
    /// The switch will not put its leg on hold, or says nothing.
    NotHeld,
    /// The consult call that it began and this call became a conference.
    Merged,
    /// It begins a consult call.
    Consults,
    /// It makes the call that it looks at.
    Accepts,
    /// It does not make that call.
    Declines,
}

impl Happening {
    /// The table.
    ///
    /// There is no column for Released and PreviewCancelled: nothing comes of anything there. Reports of an ask have the
    /// rows of what they mean to a leg: `Cleared` is Ended for everybody. `Swapped` is Held for one leg and Retrieved for the
    /// other. `Merged` is Merged for the one leg of who asked, or Ended if it is for a transfer, and Ended for the other.
    /// `Refused`, and no answer in time, is Ended for a leg that was asked for and NotHeld for one that was to be held.
    /// `Done` is nothing.
    #[rustfmt::skip]
    const fn row(self) -> [Cell; 6] {
        match self {
            //                       Preview, Invited, Dialing, Ringing, Established, Held
            Self::Ringing         => [N,      R,       S,       N,       N,           N],
            Self::Answered        => [N,      E,       S,       E,       N,           N],
            Self::Held            => [N,      N,       H,       N,       H,           N],
            Self::Retrieved       => [N,      N,       N,       N,       N,           E],
            Self::RetrievedToWait => [N,      N,       N,       N,       N,           D],
            Self::Ended           => [N,      X,       X,       X,       X,           X],
            Self::Redirected      => [N,      S,       N,       N,       N,           N],
            Self::Queued          => [N,      S,       N,       N,       N,           N],
            Self::Routed          => [N,      S,       N,       N,       N,           N],
            Self::Muted           => [N,      S,       S,       S,       S,           S],
            Self::Monitoring      => [N,      S,       S,       S,       S,           S],
            Self::Recording       => [N,      S,       S,       S,       S,           S],
            Self::CalledAnswered  => [N,      N,       E,       N,       N,           N],
            Self::NotHeld         => [N,      N,       N,       N,       N,           E],
            Self::Merged          => [N,      N,       E,       N,       S,           E],
            Self::Consults        => [N,      N,       N,       N,       H,           S],
            Self::Accepts         => [D,      N,       N,       N,       N,           N],
            Self::Declines        => [C,      N,       N,       N,       N,           N],
        }
    }
}

/// What a cell says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Cell {
    /// It is so then.
    Dialing,
    /// It is so then.
    Established,
    /// It is so then.
    Held,
    /// Nothing comes of it.
    Nothing,
    /// It is so then.
    PreviewCancelled,
    /// It is so then.
    Released,
    /// It is so then.
    Ringing,
    /// The state stays. What else happens with it is taken in.
    Stays,
}

use Cell::{
    Dialing as D, Established as E, Held as H, Nothing as N, PreviewCancelled as C, Released as X, Ringing as R,
    Stays as S,
};

/// What becomes of a state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum After {
    /// The party is in this one then.
    Changed(PartyState),
    /// Nothing comes of it.
    Nothing,
    /// It stays, and what else happens with it is taken in.
    Stays,
}

impl PartyState {
    /// How who calls begins.
    pub(super) const CALLER: Self = Self::Dialing;

    /// How who is asked for begins.
    pub(super) const ASKED_FOR: Self = Self::Invited;

    /// How who is offered a call to make begins.
    pub(super) const OFFERED: Self = Self::Preview;

    /// What becomes of it, by the table.
    pub(super) const fn after(self, what: Happening, now: WallTime) -> After {
        let [preview, invited, dialing, ringing, established, held] = what.row();
        let cell = match self {
            Self::Dialing => dialing,
            Self::Established => established,
            Self::Held => held,
            Self::Invited => invited,
            Self::Preview => preview,
            Self::PreviewCancelled(_) | Self::Released(_) => N,
            Self::Ringing => ringing,
        };
        match cell {
            Cell::Dialing => After::Changed(Self::Dialing),
            Cell::Established => After::Changed(Self::Established),
            Cell::Held => After::Changed(Self::Held),
            Cell::Nothing => After::Nothing,
            Cell::PreviewCancelled => After::Changed(Self::PreviewCancelled(now)),
            Cell::Released => After::Changed(Self::Released(now)),
            Cell::Ringing => After::Changed(Self::Ringing),
            Cell::Stays => After::Stays,
        }
    }
}

impl Party {
    /// Puts the party into the state that the table says. True if that is another one.
    pub(super) const fn undergo(&mut self, what: Happening, now: WallTime) -> bool {
        match self.state.after(what, now) {
            After::Changed(state) => {
                self.state = state;
                true
            }
            After::Nothing | After::Stays => false,
        }
    }
}

impl Change<'_> {
    /// Puts the party with this leg into the state that the table says. True if that is another one.
    pub(super) fn undergo(&mut self, leg: LegId, what: Happening) -> bool {
        let now = self.now;
        self.live_mut(leg).is_some_and(|party| party.undergo(what, now))
    }

    /// Whether something comes of it for this party.
    pub(super) fn heeds(&self, party: &Party, what: Happening) -> bool {
        party.state.after(what, self.now) != After::Nothing
    }
}

impl ReportKind {
    /// What it means to the leg that it is about. None of one that is about an ask.
    pub(super) const fn happening(&self) -> Option<Happening> {
        Some(match self {
            Self::Answered => Happening::Answered,
            Self::Ended(_) => Happening::Ended,
            Self::Held => Happening::Held,
            Self::Monitoring(_) => Happening::Monitoring,
            Self::Muted | Self::Unmuted => Happening::Muted,
            Self::Queued(_) => Happening::Queued,
            Self::Recording(_) => Happening::Recording,
            Self::Redirected(_) => Happening::Redirected,
            Self::Retrieved => Happening::Retrieved,
            Self::Ringing => Happening::Ringing,
            Self::Routed(_) => Happening::Routed,
            Self::Cleared | Self::Done | Self::Merged | Self::Refused(_) | Self::Swapped => return None,
        })
    }
}
