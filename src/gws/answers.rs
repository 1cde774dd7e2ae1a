//! Whole answers: each a JSON object with `statusCode`.

use serde_json::Value;

use crate::calls::{Call, Party};
use crate::directory::Agent;
use crate::ids::WallTime;

use super::json::{Object, write_array};
use super::query::{Query, Selection};
use super::resources::{Rendering, write_call, write_device, write_user};
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
    calls: &[(&Call, &Party)],
    at: WallTime,
    query: &Query,
) -> Vec<u8> {
    ok(|answer| answer.member("user", |out| write_user(out, rendering, agent, calls, at, query)))
}

/// The answer to `GET me/calls`: addresses, or with `fields` the calls themselves.
pub fn calls_answer(rendering: &Rendering, calls: &[(&Call, &Party)], at: WallTime, query: &Query) -> Vec<u8> {
    let kept = calls
        .iter()
        .filter(|(call, party)| passes(query, |out| write_call(out, rendering, call, party, at, &Selection::All)));
    match &query.fields {
        None => ok(|answer| answer.texts("uris", kept.map(|(call, _)| rendering.base.call_uri(&call.id)))),
        Some(fields) => ok(|answer| {
            answer.member("calls", |out| {
                write_array(out, kept, |out, (call, party)| write_call(out, rendering, call, party, at, fields));
            });
        }),
    }
}

/// The answer to `GET me/calls/{id}`.
pub fn call_answer(rendering: &Rendering, call: &Call, party: &Party, at: WallTime, query: &Query) -> Vec<u8> {
    ok(|answer| answer.member("call", |out| write_call(out, rendering, call, party, at, query.shown())))
}

/// The answer to `GET me/devices`: addresses, or with `fields` the devices themselves.
pub fn devices_answer(rendering: &Rendering, agent: &Agent, query: &Query) -> Vec<u8> {
    let kept =
        [agent].into_iter().filter(|agent| passes(query, |out| write_device(out, rendering, agent, &Selection::All)));
    match &query.fields {
        None => ok(|answer| answer.texts("uris", kept.map(|agent| rendering.base.device_uri(&agent.device)))),
        Some(fields) => ok(|answer| {
            answer.member("devices", |out| {
                write_array(out, kept, |out, agent| write_device(out, rendering, agent, fields));
            });
        }),
    }
}

/// The answer to `GET me/devices/{id}`.
pub fn device_answer(rendering: &Rendering, agent: &Agent, query: &Query) -> Vec<u8> {
    ok(|answer| answer.member("device", |out| write_device(out, rendering, agent, query.shown())))
}

fn ok(fill: impl FnOnce(&mut Object<'_>)) -> Vec<u8> {
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

/// Whether a resource has every member that the filters ask for. A filter by what is no member of it is passed over:
/// clients append parameters of their own against caches.
fn passes(query: &Query, write: impl FnOnce(&mut Vec<u8>)) -> bool {
    if query.filters.is_empty() {
        return true;
    }
    let mut out = Vec::new();
    write(&mut out);
    let resource: Value = serde_json::from_slice(&out).unwrap_or_default();
    query.filters.iter().all(|(name, wanted)| match resource.get(name) {
        None => true,
        Some(Value::String(text)) => text == wanted,
        Some(other) => serde_json::from_str::<Value>(wanted).is_ok_and(|wanted| wanted == *other),
    })
}
