//! What desktops send, as bodies of the API, and how it reaches the exchange.

use partyline::calls::{Capability, PartyState, Refused, Seen, capabilities};
use partyline::exchange::{AgentRequest, CallView, CommandError, Exchange};
use partyline::gws::{
    DeviceRequest, SessionRequest, parse_channel, parse_device, parse_dial, parse_operation, parse_session,
};
use partyline::ids::{AgentId, CallId, IdempotencyKey};
use serde_json::{Value, json};

use super::life::{AGENTS, House, QUEUE};
use super::run::Dice;

/// Something that an agent wants.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub agent: AgentId,
    pub path: Path,
    pub body: Value,
}

/// Where it is sent.
#[derive(Clone, Debug)]
pub(super) enum Path {
    /// `POST me/calls/{id}`.
    Call(CallId),
    /// `POST me/channels/voice`.
    Channel,
    /// `POST me/devices/{id}`.
    Device,
    /// `POST me/devices/{id}/calls`.
    Dial,
    /// `POST me`.
    Me,
}

impl Wish {
    /// Sends it, and says how it was answered.
    pub(super) async fn send(&self, exchange: &Exchange, key: Option<IdempotencyKey>) -> Result<(), CommandError> {
        let (agent, body) = (&self.agent, self.body.to_string());
        let body = body.as_bytes();
        let request = |operation| AgentRequest { operation, device: None };
        match &self.path {
            Path::Call(call) => exchange.operate(agent, call.clone(), parse_operation(body).unwrap(), key).await,
            Path::Channel => exchange.change(agent, request(parse_channel(body, &[]).unwrap()), key).await,
            Path::Device => match parse_device(body).unwrap() {
                DeviceRequest::Disposition(call, command) => exchange.operate(agent, call, command, key).await,
                DeviceRequest::Monitor(monitor) => exchange.monitor(agent, monitor, key).await,
                DeviceRequest::Setting(operation) => exchange.change(agent, request(operation), key).await,
            },
            Path::Dial => exchange.dial(agent, parse_dial(body).unwrap(), key).await,
            Path::Me => match parse_session(body, &[]).unwrap() {
                SessionRequest::End(operation) | SessionRequest::Operation(operation) => {
                    exchange.change(agent, request(operation), key).await
                }
                SessionRequest::Start(start) => exchange.change(agent, request(start.operation), key).await,
            },
        }
    }
}

/// A number that may be dialled, whatever comes of it.
pub(super) fn some_number(dice: &mut Dice) -> &'static str {
    if dice.below(3) > 0 { AGENTS[dice.below(AGENTS.len())] } else { OTHERS[dice.below(OTHERS.len())] }
}

/// A call to somebody.
pub(super) fn dial(dice: &mut Dice, agent: AgentId) -> Wish {
    let mut body = json!({"destination": {"phoneNumber": some_number(dice)}});
    if dice.below(3) == 0 {
        body["userData"] = json!({KEYS[dice.below(KEYS.len())]: dice.below(9)});
    }
    Wish { agent, path: Path::Dial, body }
}

/// What the agent's desktop offers for the call, with parameters that suit it; `None` if there are none.
pub(super) fn offered(dice: &mut Dice, house: &House, agent: AgentId, view: &CallView) -> Option<Wish> {
    let offered = capabilities(view.seen(), house.rules);
    if offered.is_empty() {
        return None;
    }
    let mut chosen = offered[dice.below(offered.len())];
    for dull in 0..2 {
        if dull < 2 && chosen.name().contains("UserData") || chosen == Capability::Hangup {
            chosen = offered[dice.below(offered.len())];
        }
    }
    // Who is rung answers more often than not.
    if view.party.state == PartyState::Ringing && offered.contains(&Capability::Answer) && dice.below(2) == 0 {
        chosen = Capability::Answer;
    }
    let body = body(dice, chosen.name(), Some(view.seen()))?;
    Some(Wish { agent, path: Path::Call(view.call.id.clone()), body })
}

/// What the agent's desktop does not offer for the call, and is not accepted quietly either.
pub(super) fn not_offered(dice: &mut Dice, house: &House, agent: AgentId, view: &CallView) -> Option<Wish> {
    let offered: Vec<&str> = capabilities(view.seen(), house.rules).into_iter().map(Capability::name).collect();
    let state = view.party.state;
    let is_quiet = |name: &str| {
        name == "Hangup" && state == PartyState::Ringing
            || name == "ClearCall" && matches!(state, PartyState::Established | PartyState::Held)
    };
    let not: Vec<&str> = NAMES.into_iter().filter(|name| !offered.contains(name) && !is_quiet(name)).collect();
    if not.is_empty() {
        return None;
    }
    let name = not[dice.below(not.len())];
    let body = body(dice, name, Some(view.seen())).or_else(|| body(dice, name, None))?;
    Some(Wish { agent, path: Path::Call(view.call.id.clone()), body })
}

/// Any operation on a call that the agent has no part in.
pub(super) fn of_another(dice: &mut Dice, agent: AgentId, call: CallId) -> Option<Wish> {
    let name = NAMES[dice.below(NAMES.len())];
    // What is said of a call is taken from who has left it.
    let body = body(dice, name, None).filter(|_| name != "UpdateUserData")?;
    Some(Wish { agent, path: Path::Call(call), body })
}

/// The body of an operation, for who sees the call so; without a view, for no call at all.
fn body(dice: &mut Dice, name: &str, seen: Option<Seen<'_>>) -> Option<Value> {
    let mut body = json!({"operationName": name});
    match name {
        "AttachUserData" | "UpdateUserData" => {
            body["userData"] = json!({KEYS[dice.below(KEYS.len())]: dice.below(9)});
        }
        "DeleteUserDataPair" => body["key"] = KEYS[dice.below(KEYS.len())].into(),
        "InitiateConference" | "InitiateTransfer" | "SingleStepConference" | "SingleStepTransfer" => {
            body["destination"] = json!({"phoneNumber": some_number(dice)});
        }
        "RemoveParticipantFromConference" => {
            let there: Vec<String> = match seen {
                Some(seen) => seen.participants().iter().map(|other| other.number.to_string()).collect(),
                None => vec![AGENTS[0].to_owned()],
            };
            if there.is_empty() {
                return None;
            }
            body["participant"] = there[dice.below(there.len())].clone().into();
        }
        "SendDtmf" => body["digits"] = "12#".into(),
        "SwapCalls" => {
            let other = match seen {
                Some(seen) => seen.pair()?.call.id.to_string(),
                None => "NONE".to_owned(),
            };
            body["otherCallUri"] = format!("http://localhost/api/v2/me/calls/{other}").into();
        }
        _ => {}
    }
    Some(body)
}

/// Whether it was refused for a parameter, of which the buttons say nothing.
pub(super) fn is_for_a_parameter(error: &CommandError) -> bool {
    matches!(error, CommandError::Refused(Refused::AlreadyPresent(_) | Refused::TooMany(_)))
}

/// A change of the agent's own state, or of its device's.
pub(super) fn of_the_agent(dice: &mut Dice, agent: AgentId) -> Wish {
    // Most agents stay for a while.
    let (path, name) = match STATES[dice.below(STATES.len())] {
        (_, "EndContactCenterSession" | "Offline") if dice.below(2) > 0 => (Path::Channel, "Ready"),
        (0, name) => (Path::Channel, name),
        (1, name) => (Path::Device, name),
        (_, name) => (Path::Me, name),
    };
    let mut body = json!({"operationName": name});
    match name {
        "BargeIn" | "Coach" | "ListenIn" => {
            body["phoneNumber"] = AGENTS[dice.below(AGENTS.len())].into();
            body["supervisorMonitoringScope"] = ["Agent", "Call"][dice.below(2)].into();
            body["supervisorMonitoringMode"] = ["NextCall", "AllCalls"][dice.below(2)].into();
        }
        "ForwardCallsOn" => body["destination"] = some_number(dice).into(),
        "NotReady" if dice.below(2) == 0 => body["reason"] = "Tea".into(),
        "Ready" => body["workmode"] = ["", "", "AutoIn", "ManualIn"][dice.below(4)].into(),
        "StartContactCenterSession" => body["channels"] = json!(["voice"]),
        _ => {}
    }
    Wish { agent, path, body }
}

/// The agent begins its shift.
pub(super) fn log_in(agent: AgentId) -> Wish {
    let body = json!({"operationName": "StartContactCenterSession", "channels": ["voice"]});
    Wish { agent, path: Path::Me, body }
}

/// The agent ends its shift.
pub(super) fn log_out(agent: AgentId) -> Wish {
    Wish { agent, path: Path::Me, body: json!({"operationName": "EndContactCenterSession"}) }
}

/// The agent is on the call no more.
pub(super) fn leave(agent: AgentId, view: &CallView) -> Wish {
    let name = if view.party.state == PartyState::Preview { "Decline" } else { "Hangup" };
    Wish { agent, path: Path::Call(view.call.id.clone()), body: json!({"operationName": name}) }
}

/// Says how a call went.
pub(super) fn disposition(dice: &mut Dice, agent: AgentId, call: &CallId) -> Wish {
    let body = json!({
        "operationName": "SetCallDisposition",
        "callUri": format!("http://localhost/api/v2/me/calls/{call}"),
        "disposition": dice.below(9),
    });
    Wish { agent, path: Path::Device, body }
}

/// Numbers that are no agents': a queue, two that answer, a busy one, one that never answers, and one that does not exist.
const OTHERS: [&str; 6] = [QUEUE, "7001", "7002", "8001", "9001", "4444"];

const KEYS: [&str; 3] = ["a", "b", "FirstConferencePartyDN"];

const NAMES: [&str; 30] = [
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

/// Changes of the agent's own: of its channel, of its device, and of its session.
const STATES: [(u8, &str); 18] = [
    (0, "AfterCallWork"),
    (0, "AuxWork"),
    (0, "NotReady"),
    (0, "Offline"),
    (0, "Ready"),
    (0, "Ready"),
    (1, "BargeIn"),
    (1, "CancelSupervisorMonitoring"),
    (1, "Coach"),
    (1, "DoNotDisturbOff"),
    (1, "DoNotDisturbOn"),
    (1, "ForwardCallsOff"),
    (1, "ForwardCallsOn"),
    (1, "ListenIn"),
    (2, "EndContactCenterSession"),
    (2, "StartContactCenterSession"),
    (2, "StartContactCenterSession"),
    (2, "StartContactCenterSession"),
];
