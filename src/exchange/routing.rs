//! Where a command goes: whom it is about, who may want it, and whose call it is.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::calls::{Asker, CallType, Dial, Endpoint, Family, Operation, Refused, Right, Rights, Target};
use crate::clock;
use crate::directory::Agent;
use crate::exchange::call::{Change, Input};
use crate::exchange::handle::CommandError;
use crate::exchange::ingress::CommandIngress;
use crate::gws::{Command, Destination};
use crate::ids::{AgentId, CallId, ConnId, Number, Position};
use crate::metrics;
use crate::metrics::Waiting;
use crate::records::{Cause, CommandKey};

impl CommandIngress {
    pub(super) fn endpoint(&self, number: &Number) -> Endpoint {
        let rights = self.directory.agent_of(number).map_or(Rights::ORDINARY, Agent::rights);
        Endpoint { rights, ..Endpoint::new(number.clone(), self.directory.home(number)) }
    }

    fn target(&self, destination: Destination) -> Target {
        let Destination { number, location, user_data } = destination;
        Target { endpoint: self.endpoint(&number), location, user_data }
    }

    /// Routes a command to the owner of its call. The owner's answer comes by the returned receiver.
    pub(super) fn route(
        &mut self,
        agent: &AgentId,
        call: Option<CallId>,
        command: Command,
        key: Option<CommandKey>,
    ) -> Result<oneshot::Receiver<Result<Option<Position>, CommandError>>, CommandError> {
        let name = command.name();
        let asker = Asker { agent: agent.clone(), voice: self.voice_right(agent) };
        // What is wanted of a living call that call judges itself: it alone knows for certain who is on it.
        let is_judged_there = call.as_ref().is_some_and(|call| self.ledger.family_of(call).is_some());
        if !is_judged_there && asker.voice == Right::Withheld {
            return Err(Refused::NotPermitted { operation: name }.into());
        }
        if matches!(command, Command::Dial(_)) && self.is_unregistered(agent) {
            return self.not_registered(agent, name.into());
        }
        let (tell, told) = oneshot::channel();
        let (owner, input) = match (command, call) {
            (Command::Dial(destination), _) => {
                let caller = self.directory.agent(agent).ok_or(Refused::NotFound)?.number.clone();
                let Target { endpoint: target, location, user_data } = self.target(destination);
                let is_ours = target.home.is_some() || self.setup.own.contains(&target.number);
                let kind = if is_ours { CallType::Internal } else { CallType::Outbound };
                let dial = Dial {
                    root: CallId::draw(),
                    conn: ConnId::draw(),
                    caller: self.endpoint(&caller),
                    target,
                    kind,
                    location,
                    user_data,
                };
                let family = Family::dial(clock::wall(), dial)?;
                let cause = Cause::Operation { name: name.into(), agent: agent.clone(), key };
                (self.start(family, None), Input::Created(cause))
            }
            (command, Some(call)) => {
                let operation = self.operation(command)?;
                let owner = match self.ledger.family_of(&call).cloned() {
                    Some(known) => self.owner(&known),
                    // Its subject has ended: what is still said of it begins one anew.
                    None => {
                        let family = Arc::clone(self.ledger.over(&call).ok_or(Refused::NotFound)?);
                        let owner = self.owners.get(&family.root).filter(|owner| owner.connected()).cloned();
                        owner.unwrap_or_else(|| self.start(family.as_ref().clone(), None))
                    }
                };
                (owner, Input::Operation { asker, call, operation, name, key })
            }
            (_, None) => return Err(Refused::NotFound.into()),
        };
        let waiting = Waiting::new(self.metrics.mailbox_depth.of(metrics::Actor::Call));
        owner.try_send(Change::told(input, tell, waiting)).map_err(|_| {
            self.metrics.mailbox_full_total.of(metrics::Actor::Call).inc();
            CommandError::Busy
        })?;
        Ok(told)
    }

    /// Whether the agent's account lets it do anything now.
    fn voice_right(&self, agent: &AgentId) -> Right {
        self.directory.agent(agent).map_or(Right::Withheld, |agent| agent.rights().voice)
    }

    fn operation(&self, command: Command) -> Result<Operation, CommandError> {
        Ok(match command {
            Command::Dial(_) => return Err(Refused::NotFound.into()),
            Command::Initiate(purpose, destination) => {
                let (call, conn) = (CallId::draw(), ConnId::draw());
                Operation::Initiate { purpose, target: self.target(destination), call, conn }
            }
            Command::Operation(operation) => operation,
            Command::SingleStepConference(destination) => Operation::SingleStepConference(self.target(destination)),
            Command::SingleStepTransfer(destination) => Operation::SingleStepTransfer(self.target(destination)),
        })
    }
}
