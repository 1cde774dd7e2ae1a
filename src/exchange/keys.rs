//! What a command is, so that the same key for another one is noticed.

use crate::calls::{Location, UserData};
use crate::gws::Command;
use crate::ids::{CallId, Fingerprint, Number};

/// Two commands have the same fingerprint if they are the same operation on the same call with the same arguments.
pub(super) fn fingerprint(call: Option<&CallId>, command: &Command) -> Fingerprint {
    let call = call.map_or("", CallId::as_str);
    let head = [command.name(), call];
    match command {
        Command::Answer | Command::Hangup | Command::Hold | Command::Retrieve => Fingerprint::of(head),
        Command::Dial { destination, location, user_data }
        | Command::SingleStepConference { destination, location, user_data } => {
            Fingerprint::of(head.into_iter().chain(arguments(destination, location.as_ref(), user_data)))
        }
    }
}

fn arguments<'a>(
    destination: &'a Number,
    location: Option<&'a Location>,
    user_data: &'a UserData,
) -> impl Iterator<Item = &'a str> {
    let data = user_data.0.iter().flat_map(|(key, datum)| [&**key, &*datum.0]);
    [destination.as_str(), location.map_or("", |location| &location.0)].into_iter().chain(data)
}
