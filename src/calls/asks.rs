//! Open asks: which legs they concern, when they are due, and how they get their names.

use std::time::Duration;

use crate::calls::model::{Ask, AskId, AskKind, Family, LegId, ReportKind};
use crate::ids::{Position, WallTime};

impl Family {
    /// The asks that the switch has left unanswered for as long as `timeout`, oldest first. A leg that was heard of is
    /// the switch's business: it may ring as long as the switch lets it.
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
            match &mut ask.kind {
                AskKind::Answer(leg) | AskKind::Hold(leg) | AskKind::Release(leg) | AskKind::Retrieve(leg) => {
                    settle(leg);
                }
                AskKind::Connect(_) | AskKind::Dial { .. } => {}
            }
        }
        for party in self.calls.iter_mut().flat_map(|call| &mut call.parties) {
            settle(&mut party.leg);
        }
    }

    /// Whether the ask made a leg that is alive and has been heard of.
    pub(super) fn is_under_way(&self, ask: &Ask) -> bool {
        let makes = match ask.kind {
            AskKind::Connect(_) | AskKind::Dial { .. } => true,
            AskKind::Answer(_) | AskKind::Hold(_) | AskKind::Release(_) | AskKind::Retrieve(_) => false,
        };
        let mut parties = self.calls.iter().flat_map(|call| &call.parties);
        makes && parties.any(|party| party.leg == ask.id && party.is_live() && party.heard.is_some())
    }
}

impl Ask {
    /// The leg that the ask is about.
    pub(super) fn leg(&self) -> LegId {
        match self.kind {
            AskKind::Answer(leg) | AskKind::Hold(leg) | AskKind::Release(leg) | AskKind::Retrieve(leg) => leg,
            AskKind::Connect(_) | AskKind::Dial { .. } => self.id,
        }
    }

    /// Whether such a report of that leg answers it.
    pub(super) fn is_answered_by(&self, leg: LegId, report: &ReportKind) -> bool {
        self.leg() == leg
            && match report {
                ReportKind::Answered => {
                    matches!(self.kind, AskKind::Answer(_) | AskKind::Connect(_) | AskKind::Dial { .. })
                }
                ReportKind::Ended(_) => true,
                ReportKind::Held => matches!(self.kind, AskKind::Hold(_)),
                ReportKind::Refused(_) | ReportKind::Ringing => false,
                ReportKind::Retrieved => matches!(self.kind, AskKind::Retrieve(_)),
            }
    }
}
