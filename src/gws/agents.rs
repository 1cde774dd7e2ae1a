//! An agent's voice channel and device, as desktops read them and are told of them.

use crate::agents::{
    CustomMode, CustomState, DoNotDisturb, Event, Failure, Kind, Monitoring, Presence, Registration, State, Voice,
};

use super::collections::passes;
use super::json::{Object, write_array};
use super::notifications::{Notice, error_notice, notice};
use super::query::{Query, Selection};
use super::resources::{Rendering, device_path};

/// Renders what an agent's desktops are told: a pure function of the record and the settings.
pub fn agent_notification(rendering: &Rendering, voice: &Voice, event: Event) -> Option<Notice> {
    match event {
        Event::ChannelChanged if !rendering.voice_channel => None,
        Event::ChannelChanged => {
            let mut data = Vec::with_capacity(256);
            let mut object = Object::begin(&mut data);
            object.text("messageType", "ChannelStateChangeMessageV2");
            object.member("channels", |out| write_array(out, [voice], write_channel));
            object.end();
            notice("/v2/me/channels", data)
        }
        Event::DeviceChanged => {
            let mut data = Vec::with_capacity(1024);
            let mut object = Object::begin(&mut data);
            object.text("messageType", "DeviceStateChangeMessage");
            object.member("devices", |out| {
                write_array(out, [voice], |out, voice| write_device(out, rendering, voice, &Selection::All));
            });
            object.end();
            notice("/v2/me/devices", data)
        }
        Event::Error(failure) => error_notice(rendering, &voice.phone.device, &failure_text(voice, failure)),
    }
}

/// A device of an agent; a JSON object in the field order of the API.
pub fn device_resource(out: &mut Vec<u8>, rendering: &Rendering, voice: &Voice) {
    write_device(out, rendering, voice, &Selection::All);
}

/// What could not be done, for people.
pub fn failure_text(voice: &Voice, failure: Failure) -> String {
    match failure {
        Failure::NotRegistered => format!("Device '{}' is not registered.", voice.phone.number),
    }
}

/// A device, with those of its members that are chosen.
pub(super) fn write_device(out: &mut Vec<u8>, rendering: &Rendering, voice: &Voice, chosen: &Selection) {
    let phone = &voice.phone;
    let mut object = Object::begin_chosen(out, chosen);
    object.text("id", phone.device.as_str());
    // Nobody is logged in at a device that the switch does not know.
    let is_active = phone.registration == Registration::Registered;
    object.text("deviceState", if is_active { "Active" } else { "Inactive" });
    if is_active {
        object.member("userState", |out| write_user_state(out, voice));
    }
    object.text("phoneNumber", phone.number.as_str());
    object.text("description", "");
    object.text("e164Number", "");
    object.text("telephonyNetwork", "Private");
    object.text(
        "doNotDisturb",
        match voice.do_not_disturb {
            DoNotDisturb::Off => "Off",
            DoNotDisturb::On => "On",
        },
    );
    if let Some(number) = &voice.forward_to {
        object.text("forwardTo", number.as_str());
    }
    object.text("voiceEnvironmentUri", &rendering.base.voice_environment_uri());
    object.texts("capabilities", voice.capabilities().into_iter().map(Kind::name));
    object.texts("channels", [VOICE]);
    object.text("dynamicPhoneNumber", "");
    if let Some(monitoring) = voice.monitoring() {
        object.member("supervisorMonitoringState", |out| write_monitoring(out, rendering, monitoring));
    }
    object.text("uri", &rendering.base.device_uri(&phone.device));
    object.text("path", &device_path(&phone.device));
    object.end();
}

fn write_monitoring(out: &mut Vec<u8>, rendering: &Rendering, monitoring: &Monitoring) {
    let mut object = Object::begin(out);
    object.text("state", monitoring.kind.operation().name());
    object.text("mode", monitoring.calls.name());
    object.text("scope", monitoring.scope.name());
    object.text("targetDeviceUri", &rendering.base.device_uri(&monitoring.target.device));
    object.end();
}

/// The channels that an agent works on: voice, from its log-in to its log-out.
pub(super) fn listed_channels<'a>(rendering: &Rendering, voice: &'a Voice) -> Option<&'a Voice> {
    match &voice.presence {
        Presence::LoggedIn(_) if rendering.voice_channel => Some(voice),
        Presence::LoggedIn(_) | Presence::LoggedOut(_) => None,
    }
}

/// The voice channel.
pub(super) fn write_channel(out: &mut Vec<u8>, voice: &Voice) {
    write_chosen_channel(out, voice, &Selection::All);
}

/// The voice channel, with those of its members that are chosen.
pub(super) fn write_chosen_channel(out: &mut Vec<u8>, voice: &Voice, chosen: &Selection) {
    let mut channel = Object::begin_chosen(out, chosen);
    channel.text("channel", VOICE);
    channel.member("userState", |out| write_user_state(out, voice));
    channel.end();
}

/// The states that desktops can offer, as far as they pass the filters: the fixed ones, then the operator's own.
pub(super) fn write_agent_states(out: &mut Vec<u8>, custom: &[CustomState], query: &Query) {
    let fixed = [
        (Kind::Ready, READY),
        (Kind::NotReady, NOT_READY),
        (Kind::AfterCallWork, AFTER_CALL_WORK),
        (Kind::AuxWork, AUX_WORK),
        // Only in this list it has another name.
        (Kind::Offline, Shown { state: "Logout", ..OFFLINE }),
    ];
    let fixed = fixed.into_iter().map(|(kind, shown)| (kind.name(), shown));
    let custom = custom.iter().map(|custom| (&*custom.operation, Shown::of_custom(custom)));
    let kept = fixed.chain(custom).filter(|(operation, shown)| {
        passes(query, &STATE_AT_TIMES, |out| write_agent_state(out, operation, shown, &Selection::All))
    });
    write_array(out, kept, |out, (operation, shown)| write_agent_state(out, operation, &shown, query.shown()));
}

fn write_agent_state(out: &mut Vec<u8>, operation: &str, shown: &Shown<'_>, chosen: &Selection) {
    let mut object = Object::begin_chosen(out, chosen);
    object.text("id", shown.id);
    object.text("operationName", operation);
    object.text("displayName", shown.display_name);
    shown.write_rest(&mut object);
    object.end();
}

fn write_user_state(out: &mut Vec<u8>, voice: &Voice) {
    let shown = Shown::of(voice);
    let mut object = Object::begin(out);
    object.text("id", shown.id);
    object.text("displayName", shown.display_name);
    shown.write_rest(&mut object);
    object.end();
}

/// A state as desktops know it.
#[derive(Clone, Copy)]
struct Shown<'a> {
    id: &'a str,
    display_name: &'a str,
    state: &'a str,
    mode: Option<&'a str>,
    reason: Option<&'a str>,
}

impl<'a> Shown<'a> {
    fn of(voice: &'a Voice) -> Self {
        match &voice.presence {
            Presence::LoggedOut(_) => OFFLINE,
            Presence::LoggedIn(shift) => match &shift.state {
                State::AfterCallWork { .. } => AFTER_CALL_WORK,
                State::AuxWork => AUX_WORK,
                State::Custom(custom) => Self::of_custom(custom),
                State::NotReady { reason } => Self { reason: reason.as_deref(), ..NOT_READY },
                State::Ready(_) => READY,
            },
        }
    }

    fn of_custom(custom: &'a CustomState) -> Self {
        Self {
            id: &custom.id,
            display_name: &custom.display_name,
            mode: custom.mode.map(|mode| match mode {
                CustomMode::AfterCallWork => "AfterCallWork",
                CustomMode::AuxWork => "AuxWork",
            }),
            reason: custom.reason.as_deref(),
            ..NOT_READY
        }
    }

    fn write_rest(&self, object: &mut Object<'_>) {
        object.text("state", self.state);
        if let Some(mode) = self.mode {
            object.text("workMode", mode);
        }
        if let Some(reason) = self.reason {
            object.text("reason", reason);
        }
    }
}

/// The members that a state does not have at all times.
const STATE_AT_TIMES: [&str; 2] = ["reason", "workMode"];

/// The members that a device does not have at all times.
pub(super) const DEVICE_AT_TIMES: [&str; 2] = ["forwardTo", "supervisorMonitoringState"];

/// The one channel that an agent has here.
pub const VOICE: &str = "voice";

/// The ids are the same in every installation, the small letter in one of them included.
const READY: Shown<'static> = Shown {
    id: "9430250E-0A1B-421F-B372-F29E69366DED",
    display_name: "Ready",
    state: "Ready",
    mode: None,
    reason: None,
};

const NOT_READY: Shown<'static> = Shown {
    id: "900D55CC-2BB0-431F-8BF9-D3525B383BE6",
    display_name: "Not Ready",
    state: "NotReady",
    mode: None,
    reason: None,
};

const AFTER_CALL_WORK: Shown<'static> = Shown {
    id: "D3663509-3D82-4DD3-A82E-2EA8EFA02AEF",
    display_name: "AfterCallWork",
    mode: Some("AfterCallWork"),
    ..NOT_READY
};

const AUX_WORK: Shown<'static> =
    Shown { id: "2B36138D-C564-4562-A8CB-3C32D564F296", display_name: "AuxWork", mode: Some("AuxWork"), ..NOT_READY };

const OFFLINE: Shown<'static> = Shown {
    id: "0F7F5003-EF26-4D13-A6Ef-D0C7EC819BEB",
    display_name: "Offline",
    state: "LoggedOut",
    mode: None,
    reason: None,
};
