//! Open asks: which legs they concern, when they are due, and how they get their names.

use std::time::Duration;

use crate::calls::model::{Call, Consult, Entry, Family, Joining};
use crate::calls::telephony::{Ask, AskId, AskKind, LegId, ReportKind};
use crate::ids::{Position, WallTime};

impl Family {
    /// The asks that the switch has left unanswered for as long as `timeout`, oldest first. A leg that was heard of is
    /// the switch's business: it may ring, or wait in a queue, as long as the switch lets it.
    pub fn due_asks(&self, now: WallTime, timeout: Duration) -> Vec<AskId> {
        let due = self.asks.iter().filter(|ask| now.since(ask.since) >= timeout);
        due.filter(|ask| !self.is_under_way(ask)).map(|ask| ask.id).collect()
    }

    /// How long it is until an ask is due. None while nothing is waited for.
    pub fn next_due(&self, now: WallTime, timeout: Duration) -> Option<Duration> {
        let waiting = self.asks.iter().filter(|ask| !self.is_under_way(ask));
        waiting.map(|ask| timeout.saturating_sub(now.since(ask.since))).min()
    }

    /// Names what this change asked after the record that it became.
    pub fn settle(&mut self, position: Position) {
        let settle = |id: &mut AskId| {
            if id.record == Position::ZERO {
                id.record = position;
            }
        };
        for ask in &mut self.asks {
            settle(&mut ask.id);
            ask.kind.legs_mut().into_iter().for_each(settle);
        }
        for call in &mut self.calls {
            call.legs_mut().for_each(settle);
        }
    }

    /// Whether the ask made a leg that is alive and has been heard of, or waits in a queue.
    pub(super) fn is_under_way(&self, ask: &Ask) -> bool {
        let mut parties = self.calls.iter().flat_map(|call| &call.parties);
        let mut is_heard = |leg| parties.any(|party| party.leg == leg && party.is_live() && party.heard.is_some());
        matches!(ask.kind, AskKind::Route { .. }) || ask.kind.makes_a_leg() && is_heard(ask.id)
    }
}

impl Call {
    fn legs_mut(&mut self) -> impl Iterator<Item = &mut LegId> {
        let consult = self.consult.iter_mut().flat_map(|Consult { main, side, .. }| [main, side]);
        let parties = self.parties.iter_mut().flat_map(|party| {
            let entry = party.joining.as_mut().and_then(|Joining { entry, .. }| match entry {
                Entry::Added => None,
                Entry::InPlaceOf(leg) => Some(leg),
            });
            std::iter::once(&mut party.leg).chain(entry)
        });
        consult.chain(parties)
    }
}

impl Ask {
    /// The leg that the ask is about; of one that is about a whole call, its own name.
    pub(super) fn leg(&self) -> LegId {
        match self.kind {
            AskKind::Answer(leg)
            | AskKind::Dtmf { leg, .. }
            | AskKind::Hold(leg)
            | AskKind::Monitor { leg, .. }
            | AskKind::Mute(leg)
            | AskKind::Record { leg, .. }
            | AskKind::Release(leg)
            | AskKind::Retrieve(leg)
            | AskKind::Unmute(leg) => leg,
            AskKind::Adopt(_)
            | AskKind::Clear
            | AskKind::Connect(_)
            | AskKind::Dial { .. }
            | AskKind::Merge { .. }
            | AskKind::Route { .. }
            | AskKind::Swap { .. } => self.id,
        }
    }

    /// Whether such a report of that leg answers it.
    pub(super) fn is_answered_by(&self, leg: LegId, report: &ReportKind) -> bool {
        self.leg() == leg
            && match report {
                ReportKind::Answered => matches!(self.kind, AskKind::Answer(_)) || self.kind.makes_a_leg(),
                ReportKind::Ended(_) => true,
                ReportKind::Held => matches!(self.kind, AskKind::Hold(_)),
                ReportKind::Monitoring(mode) => {
                    matches!(self.kind, AskKind::Monitor { mode: asked, .. } if asked == *mode)
                }
                ReportKind::Muted => matches!(self.kind, AskKind::Mute(_)),
                ReportKind::Recording(at) => matches!(self.kind, AskKind::Record { to, .. } if to == *at),
                ReportKind::Retrieved => matches!(self.kind, AskKind::Retrieve(_)),
                ReportKind::Unmuted => matches!(self.kind, AskKind::Unmute(_)),
                ReportKind::Cleared
                | ReportKind::Done
                | ReportKind::Merged
                | ReportKind::Queued(_)
                | ReportKind::Redirected(_)
                | ReportKind::Refused(_)
                | ReportKind::Ringing
                | ReportKind::Routed(_)
                | ReportKind::Swapped => false,
            }
    }
}

impl AskKind {
    /// Whether a leg comes of it that bears the ask's name.
    pub(super) const fn makes_a_leg(&self) -> bool {
        match self {
            Self::Adopt(_) | Self::Connect(_) | Self::Dial { .. } | Self::Route { .. } => true,
            Self::Answer(_)
            | Self::Clear
            | Self::Dtmf { .. }
            | Self::Hold(_)
            | Self::Merge { .. }
            | Self::Monitor { .. }
            | Self::Mute(_)
            | Self::Record { .. }
            | Self::Release(_)
            | Self::Retrieve(_)
            | Self::Swap { .. }
            | Self::Unmute(_) => false,
        }
    }

    fn legs_mut(&mut self) -> Vec<&mut LegId> {
        match self {
            Self::Answer(leg)
            | Self::Dtmf { leg, .. }
            | Self::Hold(leg)
            | Self::Monitor { leg, .. }
            | Self::Mute(leg)
            | Self::Record { leg, .. }
            | Self::Release(leg)
            | Self::Retrieve(leg)
            | Self::Unmute(leg) => vec![leg],
            Self::Merge { main, side, .. } => vec![main, side],
            Self::Swap { hold, retrieve } => vec![hold, retrieve],
            Self::Adopt(_) | Self::Clear | Self::Connect(_) | Self::Dial { .. } | Self::Route { .. } => Vec::new(),
        }
    }
}
