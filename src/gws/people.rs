//! Other people, as far as an agent may see them: colleagues, their devices, and contacts.

use crate::agents::Voice;
use crate::directory::{Agent, user_id};

use super::agents::write_device;
use super::answers::ok;
use super::collections::passes;
use super::contacts::ContactQuery;
use super::json::{Object, write_array};
use super::query::{Query, Selection};
use super::resources::{Base, Rendering};
use super::status::Refusal;

/// The answer to `GET users/{id}` about somebody else: who it is, and nothing of what they are doing. With
/// `subresources=devices`, the devices as [`colleague_device_answer`] shows them.
pub fn colleague_answer(rendering: &Rendering, agent: &Agent, voice: &Voice, query: &Query) -> Vec<u8> {
    ok(|answer| answer.member("user", |out| write_colleague(out, rendering, agent, voice, query)))
}

/// The answer to `GET devices/{id}` about somebody else's device: what it is and whether its agent is ready, and nothing
/// of what its agent may do with it.
pub fn colleague_device_answer(rendering: &Rendering, voice: &Voice, query: &Query) -> Vec<u8> {
    let chosen = query.shown().within(&DEVICE);
    ok(|answer| answer.member("device", |out| write_device(out, rendering, voice, &chosen)))
}

/// The answer to `GET contacts`: the page that was asked for, whole contacts with or without `fields`.
///
/// # Errors
/// [`Refusal`] with code 10 for a parameter that cannot be met.
pub fn contacts_answer<'a>(
    rendering: &Rendering,
    agents: impl Iterator<Item = &'a Agent>,
    query: &Query,
) -> Result<Vec<u8>, Refusal> {
    let asked = ContactQuery::of(query)?;
    let members = query.by_members(&CONTACT);
    let agents =
        agents.filter(|agent| passes(&members, &[], |out| write_contact(out, rendering, agent, &Selection::All)));
    let (total, page) = asked.page(agents);
    Ok(ok(|answer| {
        answer.number("totalCount", i64::try_from(total).unwrap_or(i64::MAX));
        answer.member("contacts", |out| {
            write_array(out, page, |out, agent| write_contact(out, rendering, agent, query.shown()));
        });
    }))
}

/// The answer to `GET contacts/{id}`.
pub fn contact_answer(rendering: &Rendering, agent: &Agent, query: &Query) -> Vec<u8> {
    ok(|answer| answer.member("contact", |out| write_contact(out, rendering, agent, query.shown())))
}

fn write_colleague(out: &mut Vec<u8>, rendering: &Rendering, agent: &Agent, voice: &Voice, query: &Query) {
    let Base(base) = &rendering.base;
    let id = user_id(&agent.id);
    let mut user = Object::begin_chosen(out, query.shown());
    user.text("id", &id.to_string());
    user.text("userName", agent.id.as_str());
    user.text("firstName", &agent.first_name);
    user.text("lastName", &agent.last_name);
    user.text("emailAddress", "");
    user.texts("roles", &agent.roles);
    user.yes("enabled");
    if query.embeds("devices") {
        let chosen = Selection::All.within(&DEVICE);
        user.embed("devices", |out| {
            write_array(out, [voice], |out, voice| write_device(out, rendering, voice, &chosen));
        });
    }
    user.text("uri", &format!("{base}/api/v2/users/{id}"));
    user.text("path", &format!("/users/{id}"));
    user.end();
}

fn write_contact(out: &mut Vec<u8>, rendering: &Rendering, agent: &Agent, chosen: &Selection) {
    let Base(base) = &rendering.base;
    let id = user_id(&agent.id);
    let mut contact = Object::begin_chosen(out, chosen);
    contact.text("id", &id.to_string());
    contact.text("name", agent.id.as_str());
    contact.text("type", "User");
    contact.member("phoneNumbers", |out| {
        write_array(out, [agent], |out, agent| {
            let mut number = Object::begin(out);
            number.text("phoneNumber", agent.number.as_str());
            number.text("description", "");
            number.text("switchName", SWITCH);
            number.end();
        });
    });
    contact.text("userName", agent.id.as_str());
    contact.text("firstName", &agent.first_name);
    contact.text("lastName", &agent.last_name);
    contact.text("employeeId", agent.id.as_str());
    contact.text("emailAddress", "");
    contact.texts("businessUnits", NONE);
    contact.texts("roles", &agent.roles);
    contact.text("uri", &format!("{base}/api/v2/contacts/{id}"));
    contact.text("path", &format!("/contacts/{id}"));
    contact.end();
}

/// What an agent may see of a colleague's device.
const DEVICE: [&str; 11] = [
    "id",
    "deviceState",
    "userState",
    "phoneNumber",
    "description",
    "e164Number",
    "telephonyNetwork",
    "voiceEnvironmentUri",
    "channels",
    "uri",
    "path",
];

/// The one switch that all numbers are of, by the name that desktops may send as a call's location.
const SWITCH: &str = "SIP_Switch";

const NONE: [&str; 0] = [];

/// The members by which contacts are found as other resources are; the others have parameters of their own.
const CONTACT: [&str; 10] = [
    "id",
    "phoneNumbers",
    "userName",
    "firstName",
    "lastName",
    "employeeId",
    "emailAddress",
    "businessUnits",
    "uri",
    "path",
];
