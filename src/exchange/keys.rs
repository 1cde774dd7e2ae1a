//! Keys by which retries are noticed, and what a command is, so that the same key for another one is noticed, too.

use crate::calls::{Operation, UserData};
use crate::exchange::handle::CommandError;
use crate::exchange::ingress::{CommandIngress, Finished, Tell, tell_all};
use crate::gws::{Command, Destination};
use crate::ids::{AgentId, CallId, Fingerprint, IdempotencyKey};
use crate::records::CommandKey;

/// A command with a key that is on its way.
#[derive(Debug)]
pub(super) struct Keyed {
    /// What it is.
    pub command: Fingerprint,
    /// Who else waits for its answer.
    pub others: Vec<Tell>,
}

impl CommandIngress {
    /// Remembers the key of a command that was accepted and had nothing to change: no record bears it.
    pub(super) fn remember(&mut self, finished: &Finished) {
        let Some(keyed) = &finished.keyed else { return };
        let Some(Keyed { command, .. }) = self.keyed.get(keyed) else { return };
        let (agent, key) = keyed;
        self.ledger.remember(agent, &CommandKey { key: key.clone(), command: *command });
    }

    /// Whether a command is the first under its key.
    pub(super) fn is_first(
        &mut self,
        agent: &AgentId,
        key: &IdempotencyKey,
        command: Fingerprint,
        tell: Tell,
    ) -> Option<Tell> {
        if let Some(done) = self.ledger.done(agent, key) {
            let outcome = if done == command { Ok(()) } else { Err(CommandError::KeyReused) };
            tell_all([tell], &outcome);
            return None;
        }
        match self.keyed.get_mut(&(agent.clone(), key.clone())) {
            Some(keyed) if keyed.command == command => keyed.others.push(tell),
            Some(_) => tell_all([tell], &Err(CommandError::KeyReused)),
            None => return Some(tell),
        }
        None
    }
}

/// Two commands have the same fingerprint if they are the same operation on the same call with the same arguments.
pub(super) fn fingerprint(call: Option<&CallId>, command: &Command) -> Fingerprint {
    let call = call.map_or("", CallId::as_str);
    Fingerprint::of([command.name(), call].into_iter().chain(arguments(command)))
}

fn arguments(command: &Command) -> Vec<&str> {
    match command {
        Command::Dial(destination)
        | Command::Initiate(_, destination)
        | Command::SingleStepConference(destination)
        | Command::SingleStepTransfer(destination) => of_destination(destination),
        Command::Operation(operation) => of_operation(operation),
    }
}

fn of_destination(destination: &Destination) -> Vec<&str> {
    let Destination { number, location, user_data } = destination;
    let location = location.as_ref().map_or("", |location| &location.0);
    [number.as_str(), location].into_iter().chain(of_data(user_data)).collect()
}

/// A name says already which of several operations of a kind it is.
fn of_operation(operation: &Operation) -> Vec<&str> {
    match operation {
        Operation::AttachUserData(data) | Operation::SetDisposition(data) | Operation::UpdateUserData(data) => {
            of_data(data).collect()
        }
        Operation::Complete { consult, .. } => consult.iter().map(CallId::as_str).collect(),
        Operation::DeleteUserDataPair(text) | Operation::SendDtmf(text) => vec![text],
        Operation::RemoveParticipant(number) => vec![number.as_str()],
        Operation::Swap { other } => vec![other.as_str()],
        Operation::Accept
        | Operation::Answer
        | Operation::ClearCall
        | Operation::Decline
        | Operation::DeleteUserData
        | Operation::Hangup
        | Operation::Hold
        | Operation::Initiate { .. }
        | Operation::MuteCall
        | Operation::Record(_)
        | Operation::Reject
        | Operation::Retrieve
        | Operation::SingleStepConference(_)
        | Operation::SingleStepTransfer(_)
        | Operation::SwitchMonitor(_)
        | Operation::UnmuteCall => Vec::new(),
    }
}

fn of_data(data: &UserData) -> impl Iterator<Item = &str> {
    data.0.iter().flat_map(|(key, datum)| [&**key, &*datum.0])
}
