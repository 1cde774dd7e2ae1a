//! What the configuration says of telephony.

use crate::calls::{ClearRule, MuteRule, Rules};
use crate::directory::DirectoryConfig;
use crate::gws::Numbering;
use crate::ids::Number;
use crate::switch::{ArrivalConfig, CallerConfig, SimulatedConfig};

use super::config::Config;
use super::plan::PlanError;
use super::sections::{GwsConfig, SimulatedSection};

/// What agents may do with calls.
pub(super) const fn call_rules(gws: &GwsConfig) -> Rules {
    Rules {
        mute: if gws.two_party_mute { MuteRule::TwoParty } else { MuteRule::Conference },
        clear: if gws.clear_call { ClearRule::Any } else { ClearRule::Conference },
    }
}

/// How numbers outside are read: all but those of agents, queues and route points.
pub(super) fn numbering(config: &Config, directory: &DirectoryConfig) -> Option<Numbering> {
    let SimulatedSection { unregistered, queues, route_points, .. } = &config.simulated;
    let agents = directory.agents.iter().map(|agent| &agent.number);
    let points = route_points.iter().map(|point| &point.number);
    let inside = agents.chain(unregistered).chain(queues).chain(points);
    config.gws.region.map(|region| Numbering::new(region, inside.cloned()))
}

/// How the simulated switch behaves.
pub(super) fn simulated_config(
    section: &SimulatedSection,
    directory: &DirectoryConfig,
) -> Result<SimulatedConfig, PlanError> {
    let own = own_numbers(section, directory)?;
    if section.queues.is_empty() && !section.arrivals.is_zero() {
        let reason = "simulated.arrivals lets calls come in, and simulated.queues names no queue for them";
        return Err(PlanError::Configuration(reason.to_owned()));
    }
    let arrivals = (!section.arrivals.is_zero()).then(|| ArrivalConfig {
        // A queue that has route points is reached by those.
        numbers: own
            .iter()
            .filter(|number| !section.route_points.iter().any(|point| point.queue == **number))
            .cloned()
            .collect(),
        every: section.arrivals,
    });
    Ok(SimulatedConfig {
        seed: section.seed,
        ring_timeout: section.ring_timeout,
        queue_timeout: section.queue_timeout,
        answer_after: section.answer_after,
        devices: directory.agents.iter().map(|agent| agent.number.clone()).collect(),
        unregistered: section.unregistered.iter().cloned().collect(),
        queues: section.queues.iter().cloned().collect(),
        route_points: section.route_points.iter().map(|point| (point.number.clone(), point.queue.clone())).collect(),
        callers: CallerConfig { talk_time: section.talk_time, patience: section.patience },
        arrivals,
        previews: (!section.previews.is_zero()).then_some(section.previews),
        preview_timeout: (!section.preview_timeout.is_zero()).then_some(section.preview_timeout),
    })
}

/// The numbers of queues and route points, each once, and nobody else's.
fn own_numbers(section: &SimulatedSection, directory: &DirectoryConfig) -> Result<Vec<Number>, PlanError> {
    let bad = |reason: String| Err(PlanError::Configuration(reason));
    let mut own: Vec<Number> = Vec::new();
    let queues = section.queues.iter().map(|queue| ("simulated.queues", queue));
    let points = section.route_points.iter().map(|point| ("simulated.route_point", &point.number));
    for (key, number) in queues.chain(points) {
        if directory.agents.iter().any(|agent| agent.number == *number) {
            return bad(format!("{key}: {number} is the number of an agent"));
        }
        if own.contains(number) {
            return bad(format!("{key}: {number} stands twice among queues and route points"));
        }
        own.push(number.clone());
    }
    match section.route_points.iter().find(|point| !section.queues.contains(&point.queue)) {
        Some(point) => bad(format!("simulated.route_point: {} is no queue of simulated.queues", point.queue)),
        None => Ok(own),
    }
}
