//! The JSON that desktops see and send. It renders and parses, and decides nothing.
//!
//! It owns the shapes: which members an object has, in which order, as text or as number. It never sees a session
//! or a socket: an answer is the body, and whoever sends it chooses the HTTP status.
//!
//! Read [`Command`] and [`SessionRequest`] for what comes in, [`call_resource`] and [`notification`] for what goes out, [`user_answer`] and
//! its neighbours for whole answers.

mod agents;
mod answers;
mod catalog;
mod collections;
mod contacts;
mod json;
mod members;
mod notifications;
mod numbering;
mod operations;
mod people;
mod query;
mod requests;
mod resources;
mod status;
mod subresources;
mod user_events;

#[cfg(test)]
mod tests;

pub use agents::{VOICE, agent_notification, device_resource, failure_text};
pub use answers::{
    agent_states_answer, call_answer, calls_answer, channel_answer, channels_answer, device_answer, devices_answer,
    no_multimedia, ok_answer, partial_answer, refusal_answer, user_answer, version_answer,
};
pub use catalog::{
    Link, business_attributes_answer, contact_center_answer, device_settings_answer, feature_answer, features_answer,
    groups_answer, internal_settings_answer, service_answer, services_answer, settings_answer, settings_section_answer,
    voice_environment_answer, voice_environments_answer, workbins_answer,
};
pub use notifications::{Notice, notification};
pub use numbering::{Numbering, Region};
pub use operations::{Command, Destination, parse_dial, parse_operation};
pub use people::{colleague_answer, colleague_device_answer, contact_answer, contacts_answer};
pub use query::{Query, Selection};
pub use requests::{
    DeviceRequest, MonitorRequest, MonitorTarget, SessionRequest, SessionStart, is_free_state_name, parse_channel,
    parse_device, parse_session,
};
pub use resources::{Base, Rendering, call_resource, user_resource};
pub use status::{Refusal, StatusCode};
pub use user_events::parse_user_event;
