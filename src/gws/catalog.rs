//! What there is in the contact centre besides people and calls: features, services, settings, and a good deal that is
//! asked for by desktops and is not there.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::agents::CustomState;
use crate::directory;

use super::agents::write_agent_states;
use super::answers::ok;
use super::collections::{Resource, write_collection};
use super::json::{Object, write_array};
use super::query::{Query, Selection};
use super::resources::{Base, Rendering, VOICE_ENVIRONMENT};

/// How the link to the switch is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Link {
    /// Calls cannot be handled.
    Down,
    /// Calls can be handled.
    Up,
}

/// The answer to `GET features` and `GET me/features`: these.
pub fn features_answer<T: AsRef<str>>(
    rendering: &Rendering,
    features: impl IntoIterator<Item = T>,
    query: &Query,
) -> Vec<u8> {
    let features = features.into_iter().map(|id| Feature { rendering, id });
    ok(|answer| write_collection(answer, "features", features, query))
}

/// The answer to `GET features/{id}`.
pub fn feature_answer(rendering: &Rendering, id: &str, query: &Query) -> Vec<u8> {
    ok(|answer| answer.member("feature", |out| Feature { rendering, id }.write(out, query.shown())))
}

/// The answer to `GET services`.
pub fn services_answer(rendering: &Rendering, link: Link, query: &Query) -> Vec<u8> {
    ok(|answer| write_collection(answer, "services", services(rendering, link), query))
}

/// The answer to `GET services/{id}`, if there is such a one.
pub fn service_answer(rendering: &Rendering, link: Link, id: &str, query: &Query) -> Option<Vec<u8>> {
    let service = services(rendering, link).into_iter().find(|service| service.id == id)?;
    Some(ok(|answer| answer.member("service", |out| service.write(out, query.shown()))))
}

/// The answer to `GET voice-environments`.
pub fn voice_environments_answer(rendering: &Rendering, query: &Query) -> Vec<u8> {
    ok(|answer| write_collection(answer, "voiceEnvironments", [VoiceEnvironment { rendering }], query))
}

/// The answer to `GET voice-environments/{id}`, if there is such a one.
pub fn voice_environment_answer(rendering: &Rendering, id: &str, query: &Query) -> Option<Vec<u8>> {
    let environment = VoiceEnvironment { rendering };
    (id == VOICE_ENVIRONMENT.to_string())
        .then(|| ok(|answer| answer.member("voiceEnvironment", |out| environment.write(out, query.shown()))))
}

/// The answer to a `GET` of groups, of which there are none.
pub fn groups_answer(query: &Query) -> Vec<u8> {
    nothing("groups", query)
}

/// The answer to `GET workbins`, of which there are none. Who names some by `workbinIds` expects an object of them.
pub fn workbins_answer(query: &Query) -> Vec<u8> {
    match query.parameter("workbinIds") {
        Some(_) => ok(|answer| answer.object("workbins", |_| ())),
        None => nothing("workbins", query),
    }
}

/// The answer to `GET me/settings`: sections of settings, one of which desktops take for granted.
pub fn settings_answer() -> Vec<u8> {
    ok(|answer| answer.member("settings", write_settings))
}

/// The answer to `GET me/settings/{section}`, if there is such a one.
pub fn settings_section_answer(section: &str) -> Option<Vec<u8>> {
    (section == WORKSPACE).then(|| ok(|answer| answer.object("settings", |_| ())))
}

/// The answer to `GET me/devices/{id}/settings/{group}` and `GET devices/{id}/settings/{group}`: what the switch is set
/// to do for a device.
pub fn device_settings_answer(group: &str) -> Option<Vec<u8>> {
    (group == TSERVER).then(|| {
        ok(|answer| {
            answer.member("settings", |out| {
                write_array(out, DEVICE_SETTINGS, |out, (name, value)| {
                    let mut setting = Object::begin(out);
                    setting.text("name", name);
                    setting.text("value", value);
                    setting.end();
                });
            });
            answer.text("key", "name");
        })
    })
}

/// The answer to `GET /internal-api/me/settings`.
pub fn internal_settings_answer(custom: &[CustomState]) -> Vec<u8> {
    ok(|answer| {
        answer.object("resources", |resources| {
            resources.member("agentStates", |out| write_agent_states(out, custom, &Query::default()));
            resources.object("user", |user| user.texts("settings", NONE));
        });
    })
}

/// The answer to `GET /internal-api/contact-center`: the subresources that are asked for.
pub fn contact_center_answer(query: &Query) -> Vec<u8> {
    ok(|answer| {
        answer.object("resources", |resources| {
            for name in CONTACT_CENTER.into_iter().filter(|name| query.embeds(name)) {
                resources.texts(name, NONE);
            }
        });
    })
}

/// The answer to `GET /internal-api/business-attributes`.
pub fn business_attributes_answer() -> Vec<u8> {
    ok(|answer| answer.texts("businessAttributes", NONE))
}

/// A user's `settings`.
pub(super) fn write_settings(out: &mut Vec<u8>) {
    let mut settings = Object::begin(out);
    settings.object(WORKSPACE, |_| ());
    settings.end();
}

/// A feature, whole.
pub(super) fn write_feature(out: &mut Vec<u8>, rendering: &Rendering, id: &str) {
    Feature { rendering, id }.write(out, &Selection::All);
}

/// The name of a feature and its description, for people.
fn feature_text(id: &str) -> (&str, &str) {
    match directory::Feature::ALL.into_iter().find(|known| known.name() == id) {
        Some(directory::Feature::AgentControl) => {
            ("API Supervisor Agent Control", "API for Supervisors to Control Agent State")
        }
        Some(directory::Feature::Monitoring) => ("API Supervisor Monitoring", "API for Supervisors to Monitor Agents"),
        Some(directory::Feature::Recording) => ("Voice Recording API", "API for Call Recording"),
        Some(directory::Feature::Voice) => ("Voice API", "API for Voice"),
        None => (id, ""),
    }
}

struct Feature<'a, T> {
    rendering: &'a Rendering,
    id: T,
}

impl<T: AsRef<str>> Resource for Feature<'_, T> {
    fn uri(&self) -> String {
        format!("{}/api/v2{}", self.rendering.base.0, self.path())
    }

    fn write(&self, out: &mut Vec<u8>, chosen: &Selection) {
        let id = self.id.as_ref();
        let (name, description) = feature_text(id);
        let mut feature = Object::begin_chosen(out, chosen);
        feature.text("id", id);
        feature.text("displayName", name);
        feature.text("description", description);
        feature.yes("autoAssignOnContactCenterCreate");
        feature.text("uri", &self.uri());
        feature.text("path", &self.path());
        feature.end();
    }
}

impl<T: AsRef<str>> Feature<'_, T> {
    fn path(&self) -> String {
        format!("/features/{}", utf8_percent_encode(self.id.as_ref(), SEGMENT))
    }
}

struct Service<'a> {
    base: &'a Base,
    id: String,
    kind: &'static str,
    state: &'static str,
}

/// What desktops ask for before they show a telephone: that accounts can be read, and calls be handled.
fn services(rendering: &Rendering, link: Link) -> [Service<'_>; 2] {
    let base = &rendering.base;
    let state = match link {
        Link::Down => "Inactive",
        Link::Up => "Active",
    };
    [
        Service { base, id: PROVISIONING.to_owned(), kind: "Provisioning", state: "Active" },
        Service { base, id: VOICE_ENVIRONMENT.to_string(), kind: "Voice", state },
    ]
}

impl Resource for Service<'_> {
    fn uri(&self) -> String {
        format!("{}/api/v2/services/{}", self.base.0, self.id)
    }

    fn write(&self, out: &mut Vec<u8>, chosen: &Selection) {
        let mut service = Object::begin_chosen(out, chosen);
        service.text("id", &self.id);
        service.text("name", self.kind);
        service.text("type", self.kind);
        service.text("state", self.state);
        service.text("uri", &self.uri());
        service.text("path", &format!("/services/{}", self.id));
        service.end();
    }
}

struct VoiceEnvironment<'a> {
    rendering: &'a Rendering,
}

impl Resource for VoiceEnvironment<'_> {
    fn uri(&self) -> String {
        self.rendering.base.voice_environment_uri()
    }

    fn write(&self, out: &mut Vec<u8>, chosen: &Selection) {
        let mut environment = Object::begin_chosen(out, chosen);
        environment.text("id", &VOICE_ENVIRONMENT.to_string());
        environment.text("name", "Voice");
        environment.text("uri", &self.uri());
        environment.text("path", &format!("/voice-environments/{VOICE_ENVIRONMENT}"));
        environment.end();
    }
}

fn nothing(name: &str, query: &Query) -> Vec<u8> {
    let name = if query.fields.is_some() { name } else { "uris" };
    ok(|answer| answer.texts(name, NONE))
}

/// Desktops show a button to answer and to hold only if the switch can do that for the telephone.
const DEVICE_SETTINGS: [(&str, &str); 1] = [("sip-cti-control", "talk,hold")];

/// What can be embedded in the contact centre; all of it is empty.
const CONTACT_CENTER: [&str; 3] = ["agentGroups", "businessAttributes", "transactions"];

const PROVISIONING: &str = "ON_PREMISE_ENVIRONMENT";
const TSERVER: &str = "tserver";
const WORKSPACE: &str = "interaction-workspace";
const NONE: [&str; 0] = [];
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
