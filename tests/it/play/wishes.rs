//! What desktops send, as bodies of the API, and how it reaches the exchange.

use partyline::calls::{Capability, Refused, Seen, capabilities};
use partyline::exchange::{AgentRequest, CallView, CommandError, Exchange};
use partyline::gws::{
    DeviceRequest, SessionRequest, parse_channel, parse_device, parse_dial, parse_operation, parse_session,
};
use partyline::ids::{AgentId, CallId, IdempotencyKey};
use serde_json::{Value, json};

use super::bodies::{About, NAMES, body, is_quiet, some_data, some_number};
use super::life::{AGENTS, House};
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
    /// What is wanted.
    pub(super) fn name(&self) -> &str {
        self.body["operationName"].as_str().unwrap_or("Dial")
    }

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

/// A call to somebody.
pub(super) fn dial(dice: &mut Dice, agent: AgentId) -> Wish {
    let mut body = json!({"destination": {"phoneNumber": some_number(dice)}});
    if dice.below(3) == 0 {
        body["userData"] = some_data(dice);
    }
    Wish { agent, path: Path::Dial, body }
}

/// What the agent's desktop offers for the call, with parameters that suit it; `None` if there are none.
pub(super) fn offered(dice: &mut Dice, house: &House, agent: AgentId, view: &CallView) -> Option<Wish> {
    let offered = capabilities(view.seen(), house.rules);
    if offered.is_empty() {
        return None;
    }
    // Who is rung answers more often than not, and calls of many are worth more than calls of two.
    let telling = [(Capability::Accept, 2), (Capability::Answer, 2), (Capability::SingleStepConference, 5)];
    let telling = telling.into_iter().find(|(wanted, _)| offered.contains(wanted));
    let chosen = match telling {
        Some((wanted, times)) if dice.below(times) == 0 => wanted,
        Some(_) | None => offered[dice.below(offered.len())],
    };
    offered_as(dice, chosen, agent, view)
}

/// This of what the agent's desktop offers for the call.
pub(super) fn offered_as(dice: &mut Dice, chosen: Capability, agent: AgentId, view: &CallView) -> Option<Wish> {
    let body = body(dice, chosen.name(), &about(view.seen()))?;
    Some(Wish { agent, path: Path::Call(view.call.id.clone()), body })
}

/// Whatever the agent's desktop does not offer for the call, and is not accepted quietly either.
pub(super) fn not_offered(dice: &mut Dice, house: &House, agent: &AgentId, view: &CallView) -> Vec<Wish> {
    let offered: Vec<&str> = capabilities(view.seen(), house.rules).into_iter().map(Capability::name).collect();
    let (state, others) = (view.party.state, view.seen().participants().len());
    let not = NAMES.into_iter().filter(|name| !offered.contains(name) && !is_quiet(name, state.name(), others));
    let about = about(view.seen());
    let bodies = not.filter_map(|name| body(dice, name, &about).or_else(|| body(dice, name, &About::nothing())));
    bodies.map(|body| Wish { agent: agent.clone(), path: Path::Call(view.call.id.clone()), body }).collect()
}

/// Any operation on a call that the agent has no part in.
pub(super) fn of_another(dice: &mut Dice, agent: AgentId, call: CallId) -> Option<Wish> {
    let name = NAMES[dice.below(NAMES.len())];
    // What is said of a call is taken from who has left it.
    let body = body(dice, name, &About::nothing()).filter(|_| name != "UpdateUserData")?;
    Some(Wish { agent, path: Path::Call(call), body })
}

/// What the body of an operation may say of a call that is seen so.
fn about(seen: Seen<'_>) -> About {
    About {
        others: seen.participants().iter().map(|other| other.number.to_string()).collect(),
        pair: seen.pair().map(|pair| pair.call.id.to_string()),
    }
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

/// The agent is on the call, in this state, no more.
pub(super) fn leave(agent: AgentId, call: CallId, state: &str) -> Wish {
    let name = if state == "Preview" { "Decline" } else { "Hangup" };
    Wish { agent, path: Path::Call(call), body: json!({"operationName": name}) }
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

/// Changes of the agent's own: of its channel, of its device, and of its session.
const STATES: [(u8, &str); 20] = [
    (0, "AfterCallWork"),
    (0, "AuxWork"),
    (0, "NotReady"),
    (0, "Offline"),
    (0, "Ready"),
    (0, "Ready"),
    (1, "BargeIn"),
    (1, "BargeIn"),
    (1, "CancelSupervisorMonitoring"),
    (1, "Coach"),
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
