//! What a user can have embedded: devices, features, channels, calls, settings.

use crate::agents::Voice;
use crate::calls::Seen;
use crate::directory::Agent;
use crate::ids::WallTime;

use super::agents::{listed_channels, write_channel, write_device};
use super::catalog::{write_feature, write_settings};
use super::json::{Object, write_array};
use super::query::{Query, Selection};
use super::resources::{Rendering, call_resource};

/// The subresources of an agent that are asked for.
pub(super) fn write_subresources(
    user: &mut Object<'_>,
    rendering: &Rendering,
    agent: &Agent,
    voice: &Voice,
    calls: &[Seen<'_>],
    at: WallTime,
    query: &Query,
) {
    // What is embedded is asked for by name: `fields` chooses among the rest.
    if query.embeds("devices") {
        user.embed("devices", |out| {
            write_array(out, [voice], |out, voice| write_device(out, rendering, voice, &Selection::All));
        });
    }
    if query.embeds("features") {
        user.embed("features", |out| {
            write_array(out, &agent.features, |out, id| write_feature(out, rendering, id));
        });
    }
    if query.embeds("channels") {
        user.embed("channels", |out| write_array(out, listed_channels(rendering, voice), write_channel));
    }
    if query.embeds("calls") {
        user.embed("calls", |out| {
            write_array(out, calls, |out, seen| call_resource(out, rendering, *seen, at));
        });
    }
    if query.embeds("settings") {
        user.embed("settings", write_settings);
    }
}
