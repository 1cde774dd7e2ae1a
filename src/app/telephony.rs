//! What the configuration says of telephony.

use crate::calls::{ClearRule, MuteRule, Rules};
use crate::directory::DirectoryConfig;
use crate::ids::Number;
use crate::switch::{ArrivalConfig, SimulatedConfig};

use super::plan::{PlanError, bad};
use super::sections::{GwsConfig, SimulatedSection};

/// What agents may do with calls.
pub(super) const fn call_rules(gws: &GwsConfig) -> Rules {
    Rules {
        mute: if gws.two_party_mute { MuteRule::TwoParty } else { MuteRule::Conference },
        clear: if gws.clear_call { ClearRule::Any } else { ClearRule::Conference },
    }
}

/// How the simulated switch behaves.
pub(super) fn simulated_config(
    section: &SimulatedSection,
    directory: &DirectoryConfig,
) -> Result<SimulatedConfig, PlanError> {
    let queues: Vec<Number> = section
        .queues
        .iter()
        .map(|queue| Number::parse(queue).map_err(|error| bad(&error)))
        .collect::<Result<_, _>>()?;
    let arrivals = match (queues.first(), section.arrivals.is_zero()) {
        (_, true) => None,
        (None, false) => {
            let reason = "simulated.arrivals lets calls come in, and simulated.queues names no queue for them";
            return Err(PlanError::Configuration(reason.to_owned()));
        }
        (Some(queue), false) => Some(ArrivalConfig {
            queue: queue.clone(),
            every: section.arrivals,
            talk_time: section.talk_time,
            patience: section.patience,
        }),
    };
    let devices = directory.agents.iter().map(|agent| agent.number.clone()).collect();
    if let Some(queue) = queues.iter().find(|queue| directory.agents.iter().any(|agent| agent.number == **queue)) {
        return Err(PlanError::Configuration(format!("simulated.queues: {queue} is the number of an agent")));
    }
    Ok(SimulatedConfig {
        seed: section.seed,
        ring_timeout: section.ring_timeout,
        answer_after: section.answer_after,
        devices,
        unregistered: section.unregistered.iter().cloned().collect(),
        queues: queues.into_iter().collect(),
        arrivals,
        previews: (!section.previews.is_zero()).then_some(section.previews),
    })
}
