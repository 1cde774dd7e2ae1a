//! What desktops are told: the `data` of a notification, a pure function of record, recipient and settings.

use bytes::Bytes;

use crate::bayeux::Channel;
use crate::calls::{Event, EventKind, Extension, Failure, Family, Party, Seen};
use crate::ids::{DeviceId, WallTime};

use super::json::Object;
use super::resources::{Rendering, call_resource, device_path};

/// A notification for one agent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notice {
    /// On which channel.
    pub channel: Channel,
    /// Its `data`: JSON.
    pub data: Bytes,
}

/// Renders one event of a record for the agent whom it is for. `events` are all of the record's, `index` says which,
/// and `at` is the record's time. `None` if the settings say that it is not told, or if there is no such event.
pub fn notification(
    rendering: &Rendering,
    family: &Family,
    events: &[Event],
    index: usize,
    at: WallTime,
) -> Option<Notice> {
    let event = events.get(index)?;
    match event.kind {
        EventKind::AttachedDataChanged => {
            let after = events.get(index + 1..).unwrap_or_default();
            let told = rendering.attached_data_first || !is_accompanied(event, after);
            told.then(|| call_notice(rendering, family, event, "AttachedDataChanged", at)).flatten()
        }
        EventKind::CallRecordingStateChange => call_notice(rendering, family, event, "CallRecordingStateChange", at),
        EventKind::Error(failure) => error_notice(rendering, &event.to.device, failure_text(failure)),
        EventKind::Missed => None,
        EventKind::ParticipantsUpdated => call_notice(rendering, family, event, "ParticipantsUpdated", at),
        EventKind::StatusChange => call_notice(rendering, family, event, "StatusChange", at),
    }
}

/// Whether the next thing that its recipient is told of the call shows the data as well.
fn is_accompanied(event: &Event, after: &[Event]) -> bool {
    let same = |other: &&Event| other.to == event.to && other.number == event.number && other.call == event.call;
    after.iter().find(same).is_some_and(|next| next.kind == EventKind::ParticipantsUpdated)
}

fn call_notice(
    rendering: &Rendering,
    family: &Family,
    event: &Event,
    kind: &'static str,
    at: WallTime,
) -> Option<Notice> {
    let seen = part(family, event)?;
    let passing = event.passing.map(|state| Party { state, ..seen.party.clone() });
    let seen = Seen { party: passing.as_ref().unwrap_or(seen.party), ..seen };
    let mut data = Vec::with_capacity(1536);
    let mut object = Object::begin(&mut data);
    object.text("notificationType", kind);
    object.member("call", |out| call_resource(out, rendering, seen, at));
    object.text("phoneNumber", event.number.as_str());
    if !event.extensions.is_empty() {
        object.object("extensions", |object| {
            event.extensions.iter().for_each(|(extension, value)| object.number(extension_name(*extension), *value));
        });
    }
    object.text("messageType", "CallStateChangeMessage");
    object.end();
    notice("/v2/me/calls", data)
}

/// What could not be done, as an agent's desktops are told it.
pub(super) fn error_notice(rendering: &Rendering, device: &DeviceId, message: &str) -> Option<Notice> {
    let mut data = Vec::with_capacity(256);
    let mut object = Object::begin(&mut data);
    object.text("messageType", "ErrorMessage");
    object.text("errorMessage", message);
    object.text("devicePath", &device_path(device));
    object.text("deviceUri", &rendering.base.device_uri(device));
    object.end();
    notice("/v2/me/devices", data)
}

pub(super) fn notice(channel: &str, data: Vec<u8>) -> Option<Notice> {
    Some(Notice { channel: Channel::parse(channel).ok()?, data: data.into() })
}

/// The recipient's part in the call: its newest, if it left and came back.
fn part<'a>(family: &'a Family, event: &Event) -> Option<Seen<'a>> {
    let call = family.calls.iter().find(|call| call.id == event.call)?;
    let mut parties = call.parties.iter().rev();
    let party = parties.find(|p| p.endpoint.number == event.number && p.endpoint.home.as_ref() == Some(&event.to))?;
    Some(Seen { family, call, party })
}

const fn extension_name(extension: Extension) -> &'static str {
    match extension {
        Extension::BusinessCall => "BusinessCall",
    }
}

const fn failure_text(failure: Failure) -> &'static str {
    match failure {
        Failure::Busy => "The destination is busy.",
        Failure::Failed => "The switch could not carry out the operation.",
        Failure::InvalidNumber => "The destination is not a valid number.",
        Failure::NoAnswer => "The destination does not answer.",
        Failure::None => "The destination has left the call.",
        Failure::Timeout => "The switch did not answer in time.",
    }
}
