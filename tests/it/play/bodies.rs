//! The bodies of operations, whoever sends them.

use serde_json::{Value, json};

use super::life::{AGENTS, OTHERS};
use super::run::Dice;

/// What a body may say of the call that it is for.
pub(super) struct About {
    /// The numbers of the others on it.
    pub others: Vec<String>,
    /// The other call of the main call and its consult call.
    pub pair: Option<String>,
}

impl About {
    /// For a call of which nothing is known.
    pub(super) fn nothing() -> Self {
        Self { others: vec![AGENTS[0].to_owned()], pair: Some("NONE".to_owned()) }
    }
}

/// A number that may be dialled, whatever comes of it.
pub(super) fn some_number(dice: &mut Dice) -> &'static str {
    if dice.below(4) > 0 { AGENTS[dice.below(AGENTS.len())] } else { OTHERS[dice.below(OTHERS.len())] }
}

/// One datum, with any key.
pub(super) fn some_data(dice: &mut Dice) -> Value {
    json!({KEYS[dice.below(KEYS.len())]: dice.below(9)})
}

/// The body of an operation on a call; `None` if the call has nothing of which it could be said.
pub(super) fn body(dice: &mut Dice, name: &str, About { others, pair }: &About) -> Option<Value> {
    let mut body = json!({"operationName": name});
    match name {
        "AttachUserData" | "UpdateUserData" => body["userData"] = some_data(dice),
        "DeleteUserDataPair" => body["key"] = KEYS[dice.below(KEYS.len())].into(),
        "InitiateConference" | "InitiateTransfer" | "SingleStepConference" | "SingleStepTransfer" => {
            body["destination"] = json!({"phoneNumber": some_number(dice)});
        }
        "RemoveParticipantFromConference" if others.is_empty() => return None,
        "RemoveParticipantFromConference" => {
            body["participant"] = others[dice.below(others.len())].clone().into();
        }
        "SendDtmf" => body["digits"] = "12#".into(),
        "SwapCalls" => {
            let other = pair.as_ref()?;
            body["otherCallUri"] = format!("http://localhost/api/v2/me/calls/{other}").into();
        }
        _ => {}
    }
    Some(body)
}

/// Whether it is accepted quietly of who is on the call in this state with so many others, because desktops send it all
/// the same.
pub(super) fn is_quiet(name: &str, state: &str, others: usize) -> bool {
    match name {
        "ClearCall" => matches!(state, "Established" | "Held") && others > 1,
        "Hangup" => state == "Ringing",
        _ => false,
    }
}

const KEYS: [&str; 3] = ["a", "b", "FirstConferencePartyDN"];

/// Whatever can be done to a call.
pub(super) const NAMES: [&str; 30] = [
    "Accept",
    "Answer",
    "AttachUserData",
    "ClearCall",
    "CompleteConference",
    "CompleteTransfer",
    "Decline",
    "DeleteUserData",
    "DeleteUserDataPair",
    "Hangup",
    "Hold",
    "InitiateConference",
    "InitiateTransfer",
    "MuteCall",
    "PauseCallRecording",
    "Reject",
    "RemoveParticipantFromConference",
    "ResumeCallRecording",
    "Retrieve",
    "SendDtmf",
    "SingleStepConference",
    "SingleStepTransfer",
    "StartCallRecording",
    "StopCallRecording",
    "SwapCalls",
    "SwitchToBargeIn",
    "SwitchToCoach",
    "SwitchToListenIn",
    "UnmuteCall",
    "UpdateUserData",
];
