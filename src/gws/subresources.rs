//! What a user can have embedded: devices, features, channels, calls, settings.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::calls::{Call, Party};
use crate::directory::Agent;
use crate::ids::WallTime;

use super::json::{Object, write_array};
use super::query::{Query, Selection};
use super::resources::{Base, Rendering, call_resource, write_device};

/// The subresources of an agent that are asked for.
pub(super) fn write_subresources(
    user: &mut Object<'_>,
    rendering: &Rendering,
    agent: &Agent,
    calls: &[(&Call, &Party)],
    at: WallTime,
    query: &Query,
) {
    // What is embedded is asked for by name: `fields` chooses among the rest.
    if query.embeds("devices") {
        user.embed("devices", |out| {
            write_array(out, [agent], |out, agent| write_device(out, rendering, agent, &Selection::All));
        });
    }
    if query.embeds("features") {
        user.embed("features", |out| {
            write_array(out, &agent.features, |out, id| write_feature(out, rendering, id));
        });
    }
    if query.embeds("channels") {
        user.embed("channels", |out| write_array(out, ["voice"], write_channel));
    }
    if query.embeds("calls") {
        user.embed("calls", |out| {
            write_array(out, calls, |out, (call, party)| call_resource(out, rendering, call, party, at));
        });
    }
    if query.embeds("settings") {
        user.embed("settings", |out| {
            let mut settings = Object::begin(out);
            settings.object("interaction-workspace", |_| ());
            settings.end();
        });
    }
}

/// The state of an agent who is logged out of the telephone.
pub(super) fn write_user_state(out: &mut Vec<u8>) {
    let mut state = Object::begin(out);
    state.text("id", OFFLINE);
    state.text("displayName", "Offline");
    state.text("state", "LoggedOut");
    state.end();
}

fn write_channel(out: &mut Vec<u8>, name: &str) {
    let mut channel = Object::begin(out);
    channel.text("channel", name);
    channel.member("userState", write_user_state);
    channel.end();
}

fn write_feature(out: &mut Vec<u8>, rendering: &Rendering, id: &str) {
    let Base(base) = &rendering.base;
    let segment = utf8_percent_encode(id, SEGMENT);
    let mut feature = Object::begin(out);
    feature.text("id", id);
    feature.text("displayName", id);
    feature.text("description", "");
    feature.yes("autoAssignOnContactCenterCreate");
    feature.text("uri", &format!("{base}/api/v2/features/{segment}"));
    feature.text("path", &format!("/features/{segment}"));
    feature.end();
}

/// The id of this agent state is the same in every installation, small letter included.
const OFFLINE: &str = "0F7F5003-EF26-4D13-A6Ef-D0C7EC819BEB";

const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
