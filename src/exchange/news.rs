//! What the switch tells, at the ingress: calls that come in, and reports for the owners of theirs.

use actix::{ActorFutureExt, Handler, Message, ResponseActFuture, WrapFuture};

use crate::calls::{Arrival, Family, Report, ReportKind};
use crate::clock;
use crate::exchange::call::{Change, Input};
use crate::exchange::ingress::CommandIngress;
use crate::ids::{CallId, ConnId};
use crate::records::Cause;
use crate::switch::News;

/// News of the switch. `false` if they were not taken, and may be if they are brought again.
#[derive(Debug, Message)]
#[rtype(result = "bool")]
pub(super) struct Told(pub News);

impl CommandIngress {
    /// A call came in: it gets a family of its own.
    fn arrived(&mut self, arrival: Arrival) -> ResponseActFuture<Self, bool> {
        let caller = self.endpoint(&arrival.caller);
        let family = Family::arrive(clock::wall(), CallId::draw(), ConnId::draw(), caller, arrival);
        let sent = self.start(family, None).send(Change::untold(Input::Created(Cause::Arrived)));
        Box::pin(sent.into_actor(self).map(|taken, _, _| taken.is_ok()))
    }

    fn reported(&mut self, mut report: Report) -> ResponseActFuture<Self, bool> {
        // The switch knows numbers; whose they are is known here.
        if let ReportKind::Redirected(endpoint) | ReportKind::Routed(endpoint) = &mut report.kind {
            *endpoint = self.endpoint(&endpoint.number);
        }
        // A call that is newer than what the ledger has applied has an owner already.
        let owner = match self.ledger.family_of(&report.call).cloned() {
            Some(known) => Some(self.owner(&known)),
            None => self.owners.get(&report.call).filter(|owner| owner.connected()).cloned(),
        };
        let Some(owner) = owner else {
            tracing::debug!(leg = %report.leg, "a report for a call that is over");
            return Box::pin(actix::fut::ready(true));
        };
        // The owner may have ended just now. Another one is there when the report is brought again.
        let sent = owner.send(Change::untold(Input::Report(report)));
        Box::pin(sent.into_actor(self).map(|taken, _, _| taken.is_ok()))
    }
}

impl Handler<Told> for CommandIngress {
    type Result = ResponseActFuture<Self, bool>;

    fn handle(&mut self, Told(news): Told, _: &mut Self::Context) -> Self::Result {
        match news {
            News::Arrived(arrival) => self.arrived(arrival),
            News::Reported(report) => self.reported(report),
        }
    }
}
