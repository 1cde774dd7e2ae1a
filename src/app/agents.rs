//! `agents`: what becomes of agents by itself, and the states that the operator makes up.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::agents::{AfterCall, CustomMode, CustomState, NotAnswered, Rules};
use crate::exchange;
use crate::gws::is_free_state_name;

use super::config::Config;
use super::error::ConfigError;
use super::plan::PlanError;
use super::reader::{Entry, Reader};
use super::telephony::call_rules;

/// `agents`: what becomes of agents by itself, and the states that the operator makes up.
#[derive(Clone, Debug)]
pub struct AgentsSection {
    /// After which calls there is work.
    pub after_call_work: AfterCall,
    /// How long it takes; `None` for until the agent says so.
    pub after_call_time: Option<Duration>,
    /// What becomes of an agent that lets a call of a queue ring.
    pub not_answered: NotAnswered,
    /// The states that the operator makes up.
    pub states: Vec<CustomState>,
}

impl AgentsSection {
    pub(super) fn read(from: &mut Reader) -> Result<Self, ConfigError> {
        let states = from.entries("agents.state", "tables of operation, display_name, id, work_mode and reason")?;
        Ok(Self {
            after_call_work: from.choice(
                "agents.after_call_work",
                &[("never", AfterCall::Never), ("received", AfterCall::Received), ("always", AfterCall::Always)],
            )?,
            after_call_time: Some(from.duration("agents.after_call_time")?).filter(|time| !time.is_zero()),
            not_answered: from
                .choice("agents.not_answered", &[("stay", NotAnswered::Stay), ("not-ready", NotAnswered::NotReady)])?,
            states: states.into_iter().map(state).collect::<Result<_, _>>()?,
        })
    }
}

fn state(mut entry: Entry) -> Result<CustomState, ConfigError> {
    let expected = "the name of an operation, none of the fixed ones, such as \"OutToLunch\"";
    let is_name = |t: &str| !t.is_empty() && t.len() <= 64 && t.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let operation: Arc<str> =
        entry.parsed("operation", expected, |t| (is_name(t) && is_free_state_name(t)).then(|| t.into()))?;
    let display_name = entry.text_or("display_name", &operation)?;
    let drawn = Uuid::new_v5(&STATES, operation.as_bytes()).to_string().to_uppercase();
    let reason = entry.text_or("reason", "")?;
    let mode = match entry.field("work_mode") {
        None => None,
        Some(field) => match field.text(WORK_MODE)?.as_str() {
            "AfterCallWork" => Some(CustomMode::AfterCallWork),
            "AuxWork" => Some(CustomMode::AuxWork),
            _ => return Err(field.bad(WORK_MODE)),
        },
    };
    let state = CustomState {
        id: entry.text_or("id", &drawn)?.into(),
        operation,
        display_name: display_name.into(),
        mode,
        reason: (!reason.is_empty()).then(|| reason.into()),
    };
    entry.finish()?;
    Ok(state)
}

/// How commands are carried out, and what becomes of agents.
///
/// # Errors
/// [`PlanError`] if two states have the same name.
pub(super) fn exchange_settings(config: &Config) -> Result<exchange::Settings, PlanError> {
    let agents = &config.agents;
    for (place, state) in agents.states.iter().enumerate() {
        if agents.states.iter().skip(place + 1).any(|other| other.operation == state.operation) {
            return Err(PlanError::Configuration(format!("agents.state: {} stands twice", state.operation)));
        }
    }
    Ok(exchange::Settings {
        ask_timeout: config.switch.ask_timeout,
        call_rules: call_rules(&config.gws),
        rules: Rules {
            after_call: agents.after_call_work,
            after_call_time: agents.after_call_time,
            not_answered: agents.not_answered,
        },
    })
}

const WORK_MODE: &str = "\"AuxWork\" or \"AfterCallWork\"";

/// The namespace of the states' UUIDs. Part of what desktops may have stored: it must not change.
const STATES: Uuid = Uuid::from_u128(0x2f6b_81d0_47ce_4a19_9c35_e8d2_106f_7b4a);
