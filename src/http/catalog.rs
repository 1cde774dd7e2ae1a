//! The API, of what there is in the contact centre besides people and calls. Most of it is fixed; it has a position all the
//! same, so that whatever was read first says from where on to listen.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::gws::{
    Link, Query, Rendering, business_attributes_answer, contact_center_answer, device_settings_answer, feature_answer,
    features_answer, groups_answer, internal_settings_answer, ok_answer, parse_user_event, service_answer,
    services_answer, settings_answer, settings_section_answer, voice_environment_answer, voice_environments_answer,
    workbins_answer,
};

use super::caller::Caller;
use super::errors::Failure;
use super::frame::resource;
use super::place::Place;
use super::rest::{
    Look, answer, caller_only_reads, id, is_own_device, look, only_posts, query, read, read_body, reads,
};
use super::server::Shared;

/// What a read answers: `None` if there is no such thing.
type Say = fn(&Asked<'_>) -> Option<Vec<u8>>;

/// What is read where.
const READS: [(Place, Say); 16] = [
    (Place::BusinessAttributes, |_| Some(business_attributes_answer())),
    (Place::ContactCenter, |asked| Some(contact_center_answer(&asked.query))),
    (Place::DeviceSettings, device_settings),
    (Place::Feature, feature),
    (Place::Features, |asked| Some(features_answer(asked.rendering(), asked.features(), &asked.query))),
    (Place::Groups, |asked| Some(groups_answer(&asked.query))),
    (Place::InternalSettings, |asked| Some(internal_settings_answer(&asked.shared.config.agent_states))),
    (Place::MyFeatures, |asked| Some(features_answer(asked.rendering(), &asked.look.agent.features, &asked.query))),
    (Place::MyGroups, |asked| Some(groups_answer(&asked.query))),
    (Place::MySettings, |_| Some(settings_answer())),
    (Place::MySettingsSection, |asked| settings_section_answer(asked.id)),
    (Place::Service, |asked| service_answer(asked.rendering(), asked.link(), asked.id, &asked.query)),
    (Place::Services, |asked| Some(services_answer(asked.rendering(), asked.link(), &asked.query))),
    (Place::VoiceEnvironment, |asked| voice_environment_answer(asked.rendering(), asked.id, &asked.query)),
    (Place::VoiceEnvironments, |asked| Some(voice_environments_answer(asked.rendering(), &asked.query))),
    (Place::Workbins, |asked| Some(workbins_answer(&asked.query))),
];

pub(crate) fn routes(config: &mut web::ServiceConfig) {
    for (place, say) in READS {
        let answer = move |caller: Caller, shared: web::Data<Shared>, request: HttpRequest| async move {
            let look = look(&shared, &caller).await?;
            let position = look.position;
            let asked = Asked { shared: &shared, look, id: id(&request), request: &request, query: query(&request) };
            say(&asked).map(|json| read(position, json)).ok_or(Failure::NotFound)
        };
        config.service(resource(place, vec![reads().to(answer)], web::to(caller_only_reads)));
    }
    config.service(resource(Place::InternalOperations, vec![web::post().to(send_user_event)], web::to(only_posts)));
}

/// A read, and by whom.
struct Asked<'a> {
    shared: &'a Shared,
    look: Look<'a>,
    id: &'a str,
    request: &'a HttpRequest,
    query: Query,
}

impl Asked<'_> {
    fn rendering(&self) -> &Rendering {
        &self.shared.config.rendering
    }

    fn features(&self) -> impl Iterator<Item = &str> {
        self.shared.state.directory.features()
    }

    fn link(&self) -> Link {
        let checks = self.shared.state.readiness.checks();
        if checks.iter().any(|(name, outcome)| *name == "switch" && outcome.is_err()) { Link::Down } else { Link::Up }
    }
}

fn feature(asked: &Asked<'_>) -> Option<Vec<u8>> {
    let known = asked.features().any(|feature| feature == asked.id);
    known.then(|| feature_answer(asked.rendering(), asked.id, &asked.query))
}

fn device_settings(asked: &Asked<'_>) -> Option<Vec<u8>> {
    let group = asked.request.match_info().get("group").unwrap_or_default();
    if asked.id == asked.look.agent.device.as_str() { device_settings_answer(group) } else { None }
}

/// Nobody listens for user events here: one that is well formed, of a device that the switch knows, is accepted, and goes
/// nowhere.
async fn send_user_event(
    caller: Caller,
    shared: web::Data<Shared>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Failure> {
    let body = read_body(&shared, &request, payload).await?;
    is_own_device(&shared, &caller, &parse_user_event(&body)?)?;
    shared.state.exchange.reach(caller.agent(), "SendUserEvent").await?;
    Ok(answer(ok_answer()))
}
