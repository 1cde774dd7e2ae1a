//! What desktops want of calls and agents, done to a call and to an agent.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use partyline::agents::{Operation as Wish, Phone, Start, Voice};
use partyline::calls::{
    Accepted, AskKind, Asker, CallType, Capability, ClearRule, Dial, Endpoint, Failure, Family, Heard, Home, MuteRule,
    Operation, PartyState, Refused, Report, ReportKind, Right, Rights, Rules, Target, Term, UserData, capabilities,
};
use partyline::directory::device_of;
use partyline::gws::{
    Base, Command, Destination, DeviceRequest, Rendering, agent_notification, call_resource, notification,
    parse_channel, parse_device, parse_operation,
};
use partyline::ids::{AgentId, CallId, ConnId, Number, Position, RecordId, WallTime};
use partyline::log::{Expected, NewRecord, Record};
use partyline::records::{AgentCause, AgentChanged, CallChanged, Cause, Payload, decode};
use serde_json::Value;

/// A byte for how far a call has come, then a line for each step: a digit for the agent, one for the call, and the body of
/// an operation on it; `d` or `v` and the body of an operation on the device or the channel of 15000; `s`, and the switch
/// does the oldest thing that it was asked. What is refused changes nothing; what is accepted was offered, or is among the
/// few things that are accepted quietly; what changed is written down as it is read again, and every agent can read what
/// it is told.
pub fn call_ops(bytes: &[u8]) -> bool {
    let Some((state, rest)) = bytes.split_first() else { return false };
    let mut play = STARTS[usize::from(*state) % STATES.len()].clone();
    for line in rest.split(|byte| *byte == b'\n').take(24) {
        match line {
            [b's', ..] => play.carry_out(),
            [b'd', body @ ..] => play.device(body),
            [b'v', body @ ..] => play.channel(body),
            [agent @ b'0'..=b'9', call @ b'0'..=b'9', body @ ..] => {
                play.call(usize::from(agent - b'0'), usize::from(call - b'0'), body);
            }
            _ => {}
        }
    }
    play.accepted
}

#[derive(Clone)]
struct Play {
    family: Family,
    voice: Voice,
    now: WallTime,
    position: u64,
    reports: u64,
    accepted: bool,
}

impl Play {
    fn new(steps: &[&str]) -> Self {
        let dial = Dial {
            root: CallId::parse("CALL").expect("a name"),
            conn: ConnId::parse("0071027198180008").expect("a name"),
            caller: endpoint(&number(NUMBERS[0])),
            target: endpoint(&number(NUMBERS[1])),
            kind: CallType::Internal,
            location: None,
            user_data: UserData::default(),
        };
        let now = WallTime::from_millis(1_000_000);
        let (agent, phone) = (agent(0), number(NUMBERS[0]));
        let device = device_of(&phone).expect("a device");
        let mut play = Self {
            family: Family::dial(now, dial).expect("two numbers"),
            voice: Voice::new(agent, Phone::new(device, phone)),
            now,
            position: 10,
            reports: 0,
            accepted: false,
        };
        play.written("Dial");
        play.change(Wish::StartContactCenterSession(Start { place: None, login_code: None, queue: None }));
        for step in steps {
            match step.split_once(' ') {
                Some((place, body)) => {
                    let place = place.as_bytes();
                    play.call(usize::from(place[0] - b'0'), usize::from(place[1] - b'0'), body.as_bytes());
                }
                None => play.carry_out(),
            }
        }
        play.accepted = false;
        play
    }

    /// `POST me/calls/{id}`
    fn call(&mut self, who: usize, which: usize, body: &[u8]) {
        let Ok(command) = parse_operation(body) else { return };
        agrees(body, &command);
        let call = match self.family.calls.get(which) {
            Some(call) => call.id.clone(),
            None => CallId::parse("ELSEWHERE").expect("a name"),
        };
        if let Some(operation) = self.operation(command) {
            self.operate(&agent(who), &call, operation);
        }
    }

    /// As the exchange makes an operation of a command. The names of consult calls are drawn there.
    fn operation(&self, command: Command) -> Option<Operation> {
        Some(match command {
            Command::Dial(_) => return None,
            Command::Initiate(purpose, destination) => Operation::Initiate {
                purpose,
                target: target(destination),
                call: CallId::parse(&format!("CONSULT{}", self.position)).expect("a name"),
                conn: ConnId::parse("0071027198180009").expect("a name"),
            },
            Command::Operation(operation) => operation,
            Command::SingleStepConference(destination) => Operation::SingleStepConference(target(destination)),
            Command::SingleStepTransfer(destination) => Operation::SingleStepTransfer(target(destination)),
        })
    }

    fn operate(&mut self, agent: &AgentId, call: &CallId, operation: Operation) {
        let (before, name) = (self.family.clone(), operation.name());
        let seen = self.family.seen_by(agent).find(|seen| seen.call.id == *call);
        let offered = seen.map(|seen| (capabilities(seen, RULES), seen.party.state));
        let asker = Asker { agent: agent.clone(), voice: Right::Granted };
        let outcome = self.family.handle_operation(self.now, RULES, &asker, call, operation);
        match &outcome {
            Ok(Accepted::Changed) => {
                assert_ne!(self.family, before);
                self.written(name);
            }
            Ok(Accepted::AlreadyAsked) | Err(_) => assert_eq!(self.family, before, "{name}: {outcome:?}"),
        }
        self.accepted |= outcome.is_ok();
        let Some((offered, state)) = offered else {
            let late = ["SetCallDisposition", "UpdateUserData"].contains(&name);
            return assert!(late || outcome.is_err(), "{name} by who is not on the call");
        };
        let is_offered = offered.iter().any(|capability: &Capability| capability.name() == name);
        match outcome {
            Ok(_) => {
                let quiet = matches!(
                    (name, state),
                    ("SetCallDisposition", _)
                        | ("Hangup", PartyState::Ringing)
                        | ("ClearCall", PartyState::Established | PartyState::Held)
                );
                assert!(is_offered || quiet, "{name} is accepted and was not offered");
            }
            Err(Refused::NotFound | Refused::NotPermitted { .. } | Refused::WrongState { .. }) => {
                assert!(!is_offered, "{name} was offered and is refused: {outcome:?}");
            }
            // The operation is right, and what it names is not.
            Err(Refused::AlreadyPresent(_) | Refused::NotPaired | Refused::NotPresent(_) | Refused::TooMany(_)) => {}
        }
    }

    /// What changed is written down, and told.
    fn written(&mut self, name: &str) {
        self.position += 1;
        let cause = Cause::Operation { name: name.into(), agent: agent(0), key: None };
        let changed = CallChanged::new(cause, self.family.clone());
        let mut family = changed.family.clone();
        family.settle(Position::new(self.position));
        let expected = CallChanged { family, ..changed.clone() };
        let again = self.again(changed.record(ID, self.now, Expected::Any));
        assert_eq!(again, Payload::CallChanged(expected.clone()));
        for index in 0..expected.events.len() {
            let told = notification(&rendering(), &expected.family, &expected.events, index, self.now);
            told.into_iter().for_each(|notice| is_json(&notice.data));
        }
        self.family = expected.family;
        for agent in (0..AGENTS).map(agent) {
            for seen in self.family.seen_by(&agent) {
                let mut out = Vec::new();
                call_resource(&mut out, &rendering(), seen, self.now);
                is_json(&out);
            }
        }
    }

    fn again(&self, new: NewRecord) -> Payload {
        let NewRecord { id, subject, kind, version, time, volatile, ends, payload, .. } = new;
        let position = Position::new(self.position);
        decode(&Record { position, id, subject, kind, version, time, volatile, ends, payload })
            .expect("it is read again")
    }

    /// The switch does the oldest thing that it was asked.
    fn carry_out(&mut self) {
        let Some(ask) = self.family.asks.first().cloned() else { return };
        let ringing = self.family.legs().into_iter().any(|leg| leg.id == ask.id && leg.state == PartyState::Ringing);
        let (leg, kind) = match ask.kind {
            AskKind::Adopt(_) | AskKind::Connect(_) => (ask.id, ReportKind::Answered),
            AskKind::Answer(leg) => (leg, ReportKind::Answered),
            AskKind::Clear => (ask.id, ReportKind::Cleared),
            AskKind::Dial { .. } | AskKind::Route { .. } if ringing => (ask.id, ReportKind::Answered),
            AskKind::Dial { .. } => (ask.id, ReportKind::Ringing),
            AskKind::Dtmf { .. } => (ask.id, ReportKind::Done),
            AskKind::Hold(leg) => (leg, ReportKind::Held),
            AskKind::Merge { .. } => (ask.id, ReportKind::Merged),
            AskKind::Monitor { leg, mode } => (leg, ReportKind::Monitoring(mode)),
            AskKind::Mute(leg) => (leg, ReportKind::Muted),
            AskKind::Record { leg, to } => (leg, ReportKind::Recording(to)),
            AskKind::Release(leg) => (leg, ReportKind::Ended(Failure::None)),
            AskKind::Retrieve(leg) => (leg, ReportKind::Retrieved),
            AskKind::Route { .. } => (ask.id, ReportKind::Routed(endpoint(&number(NUMBERS[2])))),
            AskKind::Swap { .. } => (ask.id, ReportKind::Swapped),
            AskKind::Unmute(leg) => (leg, ReportKind::Unmuted),
        };
        self.reports += 1;
        let heard = Heard { term: Term(1), sequence: self.reports };
        let before = self.family.clone();
        if self.family.handle_report(self.now, &Report { call: ask.call, leg, heard, kind }) {
            self.written("report");
        } else {
            assert_eq!(self.family, before);
        }
    }

    /// `POST me/channels/voice`
    fn channel(&mut self, body: &[u8]) {
        if let Ok(operation) = parse_channel(body, &[]) {
            self.change(operation);
        }
    }

    /// `POST me/devices/{id}`
    fn device(&mut self, body: &[u8]) {
        match parse_device(body) {
            Ok(DeviceRequest::Setting(operation)) => self.change(operation),
            Ok(DeviceRequest::Disposition(call, command)) => {
                if let Some(operation) = self.operation(command) {
                    self.operate(&agent(0), &call, operation);
                }
            }
            Ok(DeviceRequest::Monitor(_)) | Err(_) => {}
        }
    }

    fn change(&mut self, operation: Wish) {
        let (before, kind) = (self.voice.clone(), operation.kind());
        let outcome = self.voice.handle_operation(self.now, operation);
        assert_eq!(outcome.is_ok(), before.allows(kind).is_ok(), "{kind}");
        if outcome.is_err() {
            return assert_eq!(self.voice, before, "{kind}: {outcome:?}");
        }
        self.accepted = true;
        self.position += 1;
        let cause = AgentCause::Operation { name: kind.name().into(), key: None };
        let changed = AgentChanged::new(cause, self.voice.clone());
        let again = self.again(changed.record(ID, self.now, Expected::Any));
        assert_eq!(again, Payload::AgentChanged(changed.clone()));
        for event in &changed.events {
            let told = agent_notification(&rendering(), &changed.voice, *event);
            told.into_iter().for_each(|notice| is_json(&notice.data));
        }
        self.voice = changed.voice;
    }
}

/// What was read of a body is what any reader of JSON finds there.
fn agrees(body: &[u8], command: &Command) {
    let Ok(Value::Object(body)) = serde_json::from_slice::<Value>(body) else { return };
    let name = body["operationName"].as_str().expect("a name");
    assert_eq!(name.to_lowercase(), command.name().to_lowercase());
    let data = match command {
        Command::Operation(Operation::AttachUserData(data) | Operation::UpdateUserData(data)) => data,
        Command::Dial(Destination { user_data, .. })
        | Command::Initiate(_, Destination { user_data, .. })
        | Command::SingleStepConference(Destination { user_data, .. })
        | Command::SingleStepTransfer(Destination { user_data, .. }) => user_data,
        Command::Operation(_) => return,
    };
    let read: BTreeMap<&str, Value> =
        data.0.iter().map(|(key, value)| (&**key, serde_json::from_str(&value.0).expect("JSON"))).collect();
    let sent = body.get("userData").and_then(Value::as_object).into_iter().flatten();
    assert_eq!(read, sent.map(|(key, value)| (key.as_str(), value.clone())).collect());
    assert_eq!(read.len(), data.0.len(), "each key once");
}

fn is_json(bytes: &[u8]) {
    let told: Result<Value, _> = serde_json::from_slice(bytes);
    assert!(told.is_ok(), "no reader of JSON reads {}", String::from_utf8_lossy(bytes));
}

fn target(Destination { number, location, user_data }: Destination) -> Target {
    Target { endpoint: endpoint(&number), location, user_data }
}

/// 15000 to 15003 are agents, and 15000 may record.
fn endpoint(number: &Number) -> Endpoint {
    let home = NUMBERS.contains(&number.as_str()).then(|| Home {
        agent: AgentId::parse(number.as_str()).expect("an agent"),
        device: device_of(number).expect("a device"),
    });
    let recording = if number.as_str() == NUMBERS[0] { Right::Granted } else { Right::Withheld };
    let rights = Rights { recording, ..Rights::ORDINARY };
    Endpoint { rights, ..Endpoint::new(number.clone(), home) }
}

fn number(text: &str) -> Number {
    Number::parse(text).expect("a number")
}

/// Beyond the known ones, one that nobody knows.
fn agent(who: usize) -> AgentId {
    AgentId::parse(NUMBERS.get(who).copied().unwrap_or("nobody")).expect("an agent")
}

fn rendering() -> Rendering {
    let base = Base("http://localhost".into());
    Rendering {
        base,
        attached_data_first: true,
        rules: RULES,
        old_participants: false,
        numbering: None,
        voice_channel: true,
    }
}

static STARTS: LazyLock<Vec<Play>> = LazyLock::new(|| STATES.iter().map(|steps| Play::new(steps)).collect());

/// How far the call has come: an operation of an agent on a call, or the switch.
const STATES: [&[&str]; 7] = [
    &[],
    &["s", "s"],
    &["s", "s", "s"],
    &["s", "s", "s", r#"00 {"operationName":"Hold"}"#, "s"],
    &["s", "s", "s", r#"00 {"operationName":"SingleStepConference","destination":{"phoneNumber":"15002"}}"#, "s", "s"],
    &[
        "s",
        "s",
        "s",
        r#"00 {"operationName":"InitiateConference","destination":{"phoneNumber":"15002"}}"#,
        "s",
        "s",
        "s",
        "s",
    ],
    &[
        "s",
        "s",
        "s",
        r#"10 {"operationName":"InitiateTransfer","destination":{"phoneNumber":"+19165550104"}}"#,
        "s",
        "s",
    ],
];
const NUMBERS: [&str; AGENTS] = ["15000", "15001", "15002", "15003"];
const AGENTS: usize = 4;
const RULES: Rules = Rules { mute: MuteRule::TwoParty, clear: ClearRule::Conference };
const ID: RecordId = RecordId::new([7; 16]);
