//! What desktops read: users, devices and calls. Members stand in the order of the API's samples.

use std::sync::Arc;

use uuid::Uuid;

use crate::agents::Voice;
use crate::calls::{CallType, Capability, Endpoint, Mute, Party, PartyState, Recording, Rules, Seen, capabilities};
use crate::directory::{Agent, user_id};
use crate::ids::{CallId, DeviceId, WallTime};

use super::json::{Object, write_array};
use super::numbering::{Country, Numbering};
use super::query::{Query, Selection};
use super::subresources::write_subresources;

/// The public address of the API, as it stands in every `uri`: `http://127.0.0.1:8080`, no slash at the end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Base(pub Arc<str>);

/// Fixed settings of the rendering.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rendering {
    /// The public address.
    pub base: Base,
    /// Whether `AttachedDataChanged` is told before `ParticipantsUpdated`.
    pub attached_data_first: bool,
    /// What agents may do with calls here.
    pub rules: Rules,
    /// Whether participants have the shape of 8.5.0.
    pub old_participants: bool,
    /// How numbers outside are read; `None` if they are shown as they were dialled.
    pub numbering: Option<Numbering>,
    /// Whether voice is listed among an agent's channels while it is logged in, and its changes are told as a channel's.
    pub voice_channel: bool,
}

/// A call as one party sees it; a JSON object in the field order of the API.
pub fn call_resource(out: &mut Vec<u8>, rendering: &Rendering, seen: Seen<'_>, at: WallTime) {
    write_call(out, rendering, seen, at, &Selection::All);
}

/// An agent, without subresources; a JSON object in the field order of the API.
pub fn user_resource(out: &mut Vec<u8>, rendering: &Rendering, agent: &Agent, voice: &Voice) {
    write_user(out, rendering, agent, voice, &[], WallTime::default(), &Query::default());
}

/// A call, with those of its members that are chosen.
pub(super) fn write_call(out: &mut Vec<u8>, rendering: &Rendering, seen: Seen<'_>, at: WallTime, chosen: &Selection) {
    let Seen { call, party, .. } = seen;
    let mut object = Object::begin_chosen(out, chosen);
    object.text("id", call.id.as_str());
    object.text("state", state_name(party.state));
    object.text("callUuid", call.id.as_str());
    object.text("connId", call.conn.as_str());
    if let Some(home) = &party.endpoint.home {
        object.text("deviceUri", &rendering.base.device_uri(&home.device));
    }
    write_participants(&mut object, rendering, &seen.participants());
    if let Some(dnis) = &party.dnis {
        object.text("dnis", dnis.as_str());
    }
    if let Some(ani) = seen.ani() {
        object.text("ani", ani.as_str());
    }
    object.text("callType", type_name(party.kind));
    object.texts("capabilities", capabilities(seen, rendering.rules).into_iter().map(Capability::name));
    let data = seen.user_data();
    if !data.0.is_empty() {
        object.object("userData", |object| data.0.iter().for_each(|(key, datum)| object.raw(key, &datum.0)));
    }
    if let Some(parent) = seen.parent() {
        object.text("parentCallUri", &rendering.base.call_uri(parent));
    }
    object.text("duration", &seconds(party, at).to_string());
    object.text("mute", mute_name(party.mute));
    if let Some(recording) = seen.recording() {
        object.text("recordingState", recording_name(recording));
    }
    object.flag("supervisorListeningIn", seen.monitors().next().is_some());
    object.flag("monitoredUserMuted", seen.monitors_a_muted_party());
    object.flag("monitoring", party.monitor.is_some());
    object.text("uri", &rendering.base.call_uri(&call.id));
    object.text("path", &format!("/calls/{}", call.id));
    if let Some(parent) = seen.parent() {
        object.text("parentCallPath", &format!("/calls/{parent}"));
    }
    object.end();
}

/// An agent, with those of the members and subresources that are asked for.
pub(super) fn write_user(
    out: &mut Vec<u8>,
    rendering: &Rendering,
    agent: &Agent,
    voice: &Voice,
    calls: &[Seen<'_>],
    at: WallTime,
    query: &Query,
) {
    let Base(base) = &rendering.base;
    let id = user_id(&agent.id);
    let mut object = Object::begin_chosen(out, query.shown());
    object.text("id", &id.to_string());
    object.text("userName", agent.id.as_str());
    object.text("firstName", &agent.first_name);
    object.text("lastName", &agent.last_name);
    object.text("emailAddress", "");
    object.texts("roles", &agent.roles);
    object.yes("enabled");
    write_subresources(&mut object, rendering, agent, voice, calls, at, query);
    object.no("changePasswordOnFirstLogin");
    object.text("contactCenterId", &CONTACT_CENTER.to_string());
    object.text("uri", &format!("{base}/api/v2/users/{id}"));
    object.text("path", &format!("/users/{id}"));
    object.end();
}

impl Base {
    /// The address of a call.
    pub(super) fn call_uri(&self, call: &CallId) -> String {
        format!("{}/api/v2/me/calls/{call}", self.0)
    }

    /// The address of a channel.
    pub(super) fn channel_uri(&self, channel: &str) -> String {
        format!("{}/api/v2/me/channels/{channel}", self.0)
    }

    /// The address of where all telephones are.
    pub(super) fn voice_environment_uri(&self) -> String {
        format!("{}/api/v2/voice-environments/{VOICE_ENVIRONMENT}", self.0)
    }

    /// The address of a device.
    pub(super) fn device_uri(&self, device: &DeviceId) -> String {
        format!("{}/api/v2{}", self.0, device_path(device))
    }
}

/// The path of a device.
pub(super) fn device_path(device: &DeviceId) -> String {
    format!("/devices/{device}")
}

fn write_participants(object: &mut Object<'_>, rendering: &Rendering, participants: &[&Endpoint]) {
    if !rendering.old_participants {
        object.member("participants", |out| {
            write_array(out, participants, |out, other| write_participant(out, rendering, other));
        });
        return;
    }
    object.texts("participants", participants.iter().map(|other| other.number.as_str()));
    object.member("participantsInfo", |out| {
        write_array(out, participants, |out, other| {
            let mut object = Object::begin(out);
            object.text("digits", &digits(other));
            write_forms(&mut object, rendering, other);
            object.end();
        });
    });
}

fn write_participant(out: &mut Vec<u8>, rendering: &Rendering, other: &Endpoint) {
    let mut object = Object::begin(out);
    let country = write_forms(&mut object, rendering, other);
    object.text("phoneNumber", other.number.as_str());
    object.text("digits", &digits(other));
    if let Some(Country { name, code, calling_code }) = country {
        object.object("country", |object| {
            if let Some(name) = name {
                object.text("name", name);
            }
            object.text("code", code.as_ref());
            object.text("callingCode", &calling_code.to_string());
        });
    }
    object.end();
}

/// Writes what a number is in the form of E.164, and how it is shown. Whose it is, if that is known.
fn write_forms(object: &mut Object<'_>, rendering: &Rendering, other: &Endpoint) -> Option<Country> {
    let Some(outside) = rendering.numbering.as_ref().and_then(|numbering| numbering.read(other)) else {
        object.text("e164Number", e164(other));
        object.text("formattedPhoneNumber", other.number.as_str());
        return None;
    };
    object.text("e164Number", &outside.e164);
    object.text("formattedPhoneNumber", &outside.formatted);
    outside.country
}

/// The number in the form of E.164, if it was given so: a numbering plan did not complete it.
fn e164(endpoint: &Endpoint) -> &str {
    let number = endpoint.number.as_str();
    let is_e164 = |digits: &str| (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if endpoint.home.is_none() && number.strip_prefix('+').is_some_and(is_e164) { number } else { "" }
}

/// An agent's number as it is; of any other number the digits, unless it has none.
fn digits(endpoint: &Endpoint) -> String {
    let number = endpoint.number.as_str();
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    if endpoint.home.is_some() || digits.is_empty() { number.to_owned() } else { digits }
}

fn seconds(party: &Party, at: WallTime) -> u64 {
    let until = match party.state {
        PartyState::PreviewCancelled(left) | PartyState::Released(left) => left,
        PartyState::Dialing
        | PartyState::Established
        | PartyState::Held
        | PartyState::Invited
        | PartyState::Preview
        | PartyState::Ringing => at,
    };
    until.since(party.since).as_secs()
}

/// A party that the switch has said nothing of is about to ring.
const fn state_name(state: PartyState) -> &'static str {
    match state {
        PartyState::Dialing => "Dialing",
        PartyState::Established => "Established",
        PartyState::Held => "Held",
        PartyState::Invited | PartyState::Ringing => "Ringing",
        PartyState::Preview => "Preview",
        PartyState::PreviewCancelled(_) => "PreviewCancelled",
        PartyState::Released(_) => "Released",
    }
}

const fn type_name(kind: CallType) -> &'static str {
    match kind {
        CallType::Consult => "Consult",
        CallType::Inbound => "Inbound",
        CallType::Internal => "Internal",
        CallType::Outbound => "Outbound",
    }
}

const fn mute_name(mute: Mute) -> &'static str {
    match mute {
        Mute::Off => "Off",
        Mute::On => "On",
    }
}

const fn recording_name(recording: Recording) -> &'static str {
    match recording {
        Recording::Paused => "Paused",
        Recording::Recording => "Recording",
        Recording::Stopped => "Stopped",
    }
}

/// The members that a call does not have at all times.
pub(super) const CALL_AT_TIMES: [&str; 7] =
    ["deviceUri", "dnis", "ani", "userData", "parentCallUri", "recordingState", "parentCallPath"];

/// Where all telephones are; the voice service has the same id.
pub(super) const VOICE_ENVIRONMENT: Uuid = Uuid::from_u128(0x7e0f_1a6c_3d52_4b89_b1c4_90e2_d85f_6a13);

const CONTACT_CENTER: Uuid = Uuid::from_u128(0xa4d1_68b2_5c97_4e3f_92f0_7c3b_1e64_d80b);
