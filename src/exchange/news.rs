//! What the switch tells, at the ingress: calls that come in, and reports for the owners of theirs.

use actix::{ActorFutureExt, Addr, Handler, Message, ResponseActFuture, WrapFuture};

use crate::calls::{Arrival, Family, Preview, Report, ReportKind};
use crate::clock;
use crate::exchange::call::{Change, Input};
use crate::exchange::ingress::CommandIngress;
use crate::ids::{AgentId, CallId, ConnId};
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

    /// An agent is offered a call: it gets a family of its own. Who is on a call, or looks at one already, is offered none.
    fn previewed(&mut self, Preview { agent, customer, user_data }: Preview) -> ResponseActFuture<Self, bool> {
        let (agent, customer) = (self.endpoint(&agent), self.endpoint(&customer));
        let Some(home) = agent.home.as_ref().filter(|home| self.is_free(&home.agent)) else {
            tracing::debug!(number = %agent.number, "nobody there is free to be offered a call");
            return Box::pin(actix::fut::ready(true));
        };
        let (root, conn) = (CallId::draw(), ConnId::draw());
        self.ledger.offer(home.agent.clone(), root.clone());
        let family = Family::preview(clock::wall(), root, conn, [agent, customer], &user_data);
        let sent = self.start(family, None).send(Change::untold(Input::Created(Cause::Arrived)));
        Box::pin(sent.into_actor(self).map(|taken, _, _| taken.is_ok()))
    }

    /// Whether the agent is on no call and is being offered none. An offer lives as long as its owner.
    fn is_free(&self, agent: &AgentId) -> bool {
        let owner = self.ledger.offered(agent).and_then(|root| self.owners.get(root));
        !self.ledger.is_on_a_call(agent) && !owner.is_some_and(Addr::connected)
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
            News::Previewed(preview) => self.previewed(preview),
            News::Reported(report) => self.reported(report),
        }
    }
}
