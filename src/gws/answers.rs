//! Whole answers: each a JSON object with `statusCode`.

use crate::agents::{CustomState, Voice};
use crate::calls::Seen;
use crate::directory::Agent;
use crate::ids::WallTime;

use super::agents::{
    DEVICE_AT_TIMES, VOICE, listed_channels, write_agent_states, write_channel, write_chosen_channel, write_device,
};
use super::collections::passes;
use super::json::{Object, write_array};
use super::query::{Query, Selection};
use super::resources::{CALL_AT_TIMES, Rendering, write_call, write_user};
use super::status::{Refusal, StatusCode};

/// The answer to an operation: accepted.
pub fn ok_answer() -> Vec<u8> {
    ok(|_| ())
}

/// The answer to what is refused.
pub fn refusal_answer(refusal: &Refusal) -> Vec<u8> {
    answer(refusal.code, |answer| answer.text("statusMessage", &refusal.message))
}

/// The answer to `GET diagnostics/version`.
pub fn version_answer(version: &str) -> Vec<u8> {
    ok(|answer| answer.text("version", version))
}

/// The answer to `GET me`. `calls` are embedded if the query asks for them ([`Query::embeds`]); `at` is now.
pub fn user_answer(
    rendering: &Rendering,
    agent: &Agent,
    voice: &Voice,
    calls: &[Seen<'_>],
    at: WallTime,
    query: &Query,
) -> Vec<u8> {
    ok(|answer| answer.member("user", |out| write_user(out, rendering, agent, voice, calls, at, query)))
}

/// The answer to `GET me/calls`: addresses, or with `fields` the calls themselves.
pub fn calls_answer(rendering: &Rendering, calls: &[Seen<'_>], at: WallTime, query: &Query) -> Vec<u8> {
    let kept = calls
        .iter()
        .filter(|seen| passes(query, &CALL_AT_TIMES, |out| write_call(out, rendering, **seen, at, &Selection::All)));
    match &query.fields {
        None => ok(|answer| answer.texts("uris", kept.map(|seen| rendering.base.call_uri(&seen.call.id)))),
        Some(fields) => ok(|answer| {
            answer.member("calls", |out| {
                write_array(out, kept, |out, seen| write_call(out, rendering, *seen, at, fields));
            });
        }),
    }
}

/// The answer to `GET me/calls/{id}`.
pub fn call_answer(rendering: &Rendering, seen: Seen<'_>, at: WallTime, query: &Query) -> Vec<u8> {
    ok(|answer| answer.member("call", |out| write_call(out, rendering, seen, at, query.shown())))
}

/// The answer to `GET me/devices`: addresses, or with `fields` the devices themselves.
pub fn devices_answer(rendering: &Rendering, voice: &Voice, query: &Query) -> Vec<u8> {
    let kept = [voice]
        .into_iter()
        .filter(|voice| passes(query, &DEVICE_AT_TIMES, |out| write_device(out, rendering, voice, &Selection::All)));
    match &query.fields {
        None => ok(|answer| answer.texts("uris", kept.map(|voice| rendering.base.device_uri(&voice.phone.device)))),
        Some(fields) => ok(|answer| {
            answer.member("devices", |out| {
                write_array(out, kept, |out, voice| write_device(out, rendering, voice, fields));
            });
        }),
    }
}

/// The answer to `GET me/devices/{id}`.
pub fn device_answer(rendering: &Rendering, voice: &Voice, query: &Query) -> Vec<u8> {
    ok(|answer| answer.member("device", |out| write_device(out, rendering, voice, query.shown())))
}

/// The answer to `GET me/channels`: addresses, or with `fields` the channels themselves.
pub fn channels_answer(rendering: &Rendering, voice: &Voice, query: &Query) -> Vec<u8> {
    let listed = listed_channels(rendering, voice);
    let kept = listed.into_iter().filter(|voice| passes(query, &[], |out| write_channel(out, voice)));
    match &query.fields {
        None => ok(|answer| answer.texts("uris", kept.map(|_| rendering.base.channel_uri(VOICE)))),
        Some(fields) => ok(|answer| {
            answer.member("channels", |out| {
                write_array(out, kept, |out, voice| write_chosen_channel(out, voice, fields));
            });
        }),
    }
}

/// The answer to `GET me/channels/voice`.
pub fn channel_answer(voice: &Voice, query: &Query) -> Vec<u8> {
    ok(|answer| answer.member("channel", |out| write_chosen_channel(out, voice, query.shown())))
}

/// The answer to `GET settings/agent-states`: whole, whether or not fields were asked for, as its readers expect it; those
/// that pass the filters.
pub fn agent_states_answer(custom: &[CustomState], query: &Query) -> Vec<u8> {
    ok(|answer| answer.member("settings", |out| write_agent_states(out, custom, query)))
}

/// The answer to a `StartContactCenterSession` for voice and for channels that are not there.
pub fn partial_answer() -> Vec<u8> {
    answer(StatusCode::Partial, |answer| {
        answer.member("failed", |out| {
            write_array(out, [no_multimedia()], |out, refusal| {
                let mut failed = Object::begin(out);
                failed.number("statusCode", refusal.code.number().into());
                failed.text("statusMessage", &refusal.message);
                failed.text("channel", "multimedia");
                failed.end();
            });
        });
        answer.member("succeeded", |out| {
            write_array(out, [VOICE], |out, channel| {
                let mut succeeded = Object::begin(out);
                succeeded.number("statusCode", StatusCode::Ok.number().into());
                succeeded.text("channel", channel);
                succeeded.end();
            });
        });
    })
}

/// Why no channel but voice can be used.
pub fn no_multimedia() -> Refusal {
    Refusal::new(StatusCode::Internal, "There is no channel but voice.")
}

/// An answer that all is well.
pub(super) fn ok(fill: impl FnOnce(&mut Object<'_>)) -> Vec<u8> {
    answer(StatusCode::Ok, fill)
}

fn answer(code: StatusCode, fill: impl FnOnce(&mut Object<'_>)) -> Vec<u8> {
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    object.number("statusCode", code.number().into());
    fill(&mut object);
    object.end();
    out
}
