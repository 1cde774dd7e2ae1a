//! A small language: what agents want and what the switch saw, a line each; what follows is the transcript.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use expect_test::Expect;

use crate::calls::tests::rights::asker;
use crate::calls::{
    Accepted, Arrival, Arrived, AskId, AskKind, Call, CallType, ClearRule, Datum, Dial, Endpoint, Event, EventKind,
    Failure, Family, Heard, Home, LegId, Location, Monitor, MonitorMode, MonitorScope, MuteRule, Operation, Party,
    Purpose, RecordVerb, Recording, Refused, Report, ReportKind, Right, Rights, Rules, Seen, Target, Term, UserData,
    capabilities,
};
use crate::ids::{AgentId, CallId, ConnId, DeviceId, Number, Position, WallTime};

/// Plays the script and compares its transcript. The lines of the language:
///
/// - `A dials B [key=value…]`, `A adds B [key=value…]`, `A transfers B [key=value…]`, `A consults B [key=value…]`,
///   `A answer` and the other operations by their names ([`operation`]): of agents, on the main call;
/// - `A/2 hangup`: the same on the second call of the family, and so on;
/// - `B: ringing`, `answered`, `held`, `retrieved`, `ended`, `busy`, `no-answer`: of the newest leg of that number;
///   `B/2: …`: of its newest leg on the second call;
/// - `old B: …`: the same, but sent before everything else; `again`: the last report once more;
/// - `A previews B key=value`: an agent is offered a call;
/// - `B enters Q`: a call from outside comes into a queue; `Q: queued:Q`: a number that was dialled is a queue's;
///   `route B`: the queue finds that agent;
/// - `S watches B listen-in`: a supervisor comes to listen; `S follows B listen-in`: and stays when B goes;
///   `S unwatches`: it is taken off;
/// - `refuse N` and `time out N`: of the N-th open ask; `refused`, `done`, `merged`, `swapped`, `cleared`: of the oldest
///   that is about no single leg; `wait N`: seconds;
/// - `show A`, `show A/2`: what that agent sees.
///
/// Numbers of agents begin with 15, all others are outside. Those with 155 may record, those with 158 may do nothing.
#[track_caller]
pub(super) fn check(script: &str, expected: Expect) {
    let mut play = Play::default();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let _ = writeln!(play.transcript, "> {line}");
        play.line(line);
    }
    expected.assert_eq(&play.transcript);
}

/// A family with a switch and a clock that the test moves.
pub(super) struct Play {
    pub(super) family: Option<Family>,
    pub(super) transcript: String,
    pub(super) legs: BTreeMap<String, LegId>,
    /// What each agent was told last, by the call and the number.
    pub(super) told: BTreeMap<(CallId, Number), String>,
    millis: u64,
    position: u64,
    sequence: u64,
    last: Option<Report>,
}

impl Default for Play {
    fn default() -> Self {
        Self {
            family: None,
            transcript: String::new(),
            legs: BTreeMap::new(),
            told: BTreeMap::new(),
            millis: 1_000_000,
            position: 1,
            sequence: 10,
            last: None,
        }
    }
}

impl Play {
    pub(super) fn now(&self) -> WallTime {
        WallTime::from_millis(self.millis)
    }

    pub(super) fn call(&self) -> &Call {
        &self.family.as_ref().unwrap().calls[0]
    }

    /// The newest part of this number in the main call, or in another: `15000/2`.
    pub(super) fn seen(&self, who: &str) -> Seen<'_> {
        let (number, place) = placed(who);
        let family = self.family.as_ref().unwrap();
        let call = &family.calls[place];
        let party = call.parties.iter().rev().find(|party| party.endpoint.number.as_str() == number);
        Seen { family, call, party: party.unwrap_or_else(|| panic!("no {who}")) }
    }

    pub(super) fn party(&self, number: &str) -> &Party {
        self.seen(number).party
    }

    pub(super) fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["wait", seconds] => self.millis += 1000 * seconds.parse::<u64>().unwrap(),
            ["show", who] => self.show(who),
            ["again"] => {
                let report = self.last.clone().unwrap();
                self.report(report);
            }
            ["route", number] => {
                let asks = &self.family.as_ref().unwrap().asks;
                let ask = asks.iter().find(|ask| matches!(ask.kind, AskKind::Route { .. })).unwrap().id;
                self.report_next(ask, ReportKind::Routed(endpoint(number)));
            }
            ["refuse", index] => {
                let ask = self.open_ask(index);
                self.report_next(ask, kind("refuse"));
            }
            [what @ ("cleared" | "done" | "merged" | "refused" | "swapped")] => {
                let ask = self.of_a_call();
                self.report_next(ask, kind(what));
            }
            ["time", "out", index] => {
                let ask = self.open_ask(index);
                let now = self.now();
                let changed = self.family.as_mut().unwrap().handle_ask_timeout(now, ask);
                self.outcome(changed);
            }
            ["old", who, what] => {
                let (leg, heard) = (self.legs[who.trim_end_matches(':')], Heard { term: Term(0), sequence: 0 });
                self.report(Report { call: call_id(), leg, heard, kind: kind(what) });
            }
            [from, "dials", to, data @ ..] => self.dial(from, to, data),
            [from, "enters", queue] => self.arrive(from, queue),
            [who, "previews", customer, data @ ..] => self.preview(who, customer, data),
            [who, "watches", target, mode] => self.watch(who, target, self::mode(mode), MonitorScope::Agent),
            [who, "follows", target, mode] => self.watch(who, target, self::mode(mode), MonitorScope::Call),
            [who, "unwatches"] => self.unwatch(who),
            [who, verb @ ("adds" | "transfers" | "consults" | "confers"), to, data @ ..] => {
                let target = Target { endpoint: endpoint(to), location: None, user_data: user_data(data) };
                let operation = match *verb {
                    "adds" => Operation::SingleStepConference(target),
                    "transfers" => Operation::SingleStepTransfer(target),
                    "confers" => self.initiate(Purpose::Conference, target),
                    _ => self.initiate(Purpose::Transfer, target),
                };
                let _ = self.operate(who, operation);
            }
            [who, name] if !who.ends_with(':') => {
                let _ = self.operate(who, operation(name));
            }
            [who, what] => self.report_next(self.legs[who.trim_end_matches(':')], kind(what)),
            _ => panic!("no such line: {line}"),
        }
    }

    fn initiate(&self, purpose: Purpose, target: Target) -> Operation {
        let count = self.family.as_ref().unwrap().calls.len() + 1;
        let call = CallId::parse(&format!("CONSULT{count}")).unwrap();
        Operation::Initiate { purpose, target, call, conn: ConnId::parse("0071027198180008").unwrap() }
    }

    pub(super) fn operate(&mut self, who: &str, operation: Operation) -> Result<Accepted, Refused> {
        let now = self.now();
        let (agent, place) = placed(who);
        let family = self.family.as_mut().unwrap();
        let Some(call) = family.calls.get(place).map(|call| call.id.clone()) else { return Err(Refused::NotFound) };
        let outcome = family.handle_operation(now, RULES, &asker(agent), &call, operation);
        match &outcome {
            Ok(Accepted::Changed) => self.outcome(true),
            Ok(Accepted::AlreadyAsked) => self.transcript.push_str("already asked\n"),
            Err(refused) => {
                let _ = writeln!(self.transcript, "refused: {refused}");
            }
        }
        outcome
    }

    pub(super) fn report_next(&mut self, leg: LegId, kind: ReportKind) {
        self.sequence += 1;
        let heard = Heard { term: Term(1), sequence: self.sequence };
        self.report(Report { call: call_id(), leg, heard, kind });
    }

    pub(super) fn report(&mut self, report: Report) {
        let now = self.now();
        self.last = Some(report.clone());
        let before = self.family.clone();
        let changed = self.family.as_mut().unwrap().handle_report(now, &report);
        assert_eq!(before != self.family, changed, "{report:?}");
        self.outcome(changed);
    }

    fn dial(&mut self, from: &str, to: &str, data: &[&str]) {
        let dial = Dial {
            root: call_id(),
            conn: ConnId::parse("0071027198180007").unwrap(),
            caller: endpoint(from),
            target: endpoint(to),
            kind: if to.starts_with("15") { CallType::Internal } else { CallType::Outbound },
            location: None,
            user_data: user_data(data),
        };
        match Family::dial(self.now(), dial) {
            Ok(family) => {
                self.family = Some(family);
                self.outcome(true);
            }
            Err(refused) => {
                let _ = writeln!(self.transcript, "refused: {refused}");
            }
        }
    }

    fn arrive(&mut self, from: &str, queue: &str) {
        let arrival = Arrival {
            handle: Arrived(7),
            caller: number(from),
            dnis: number(queue),
            queue: number(queue),
            user_data: UserData::default(),
        };
        let conn = ConnId::parse("0071027198180007").unwrap();
        self.family = Some(Family::arrive(self.now(), call_id(), conn, endpoint(from), arrival));
        self.outcome(true);
    }

    fn preview(&mut self, who: &str, customer: &str, data: &[&str]) {
        let conn = ConnId::parse("0071027198180007").unwrap();
        let both = [endpoint(who), endpoint(customer)];
        self.family = Some(Family::preview(self.now(), call_id(), conn, both, &user_data(data)));
        self.outcome(true);
    }

    fn watch(&mut self, who: &str, target: &str, mode: MonitorMode, scope: MonitorScope) {
        let now = self.now();
        let monitor = Monitor { target: number(target), mode, scope };
        match self.family.as_mut().unwrap().monitor(now, &call_id(), endpoint(who), monitor) {
            Ok(_) => self.outcome(true),
            Err(refused) => {
                let _ = writeln!(self.transcript, "refused: {refused}");
            }
        }
    }

    fn unwatch(&mut self, who: &str) {
        let now = self.now();
        let agent = AgentId::parse(who).unwrap();
        match self.family.as_mut().unwrap().unmonitor(now, &agent, None) {
            Accepted::AlreadyAsked => self.transcript.push_str("already asked\n"),
            Accepted::Changed => self.outcome(true),
        }
    }

    /// Does what a shell does after a change: writes it down, shows its events, has its asks carried out.
    pub(super) fn outcome(&mut self, changed: bool) {
        if !changed {
            self.transcript.push_str("nothing\n");
            return;
        }
        let family = self.family.as_mut().unwrap();
        let events: Vec<Event> = std::iter::from_fn(|| family.poll_event()).collect();
        let position = Position::new(self.position);
        family.settle(position);
        self.position += 1;
        for (place, call) in family.calls.iter().enumerate() {
            for party in &call.parties {
                let who = party.endpoint.number.to_string();
                self.legs.insert(if place == 0 { who } else { format!("{who}/{}", place + 1) }, party.leg);
            }
        }
        for ask in self.family.as_ref().unwrap().asks.iter().filter(|ask| ask.id.record == position) {
            let what = self.ask(&ask.kind);
            let _ = writeln!(self.transcript, "ask {}: {what}", ask.id);
        }
        for event in &events {
            let shown = self.event(event);
            self.transcript.push_str(&shown);
            self.remember(event);
        }
    }

    /// A desktop keeps what it was told last, until the call is over for it.
    fn remember(&mut self, event: &Event) {
        if matches!(event.kind, EventKind::Error(_) | EventKind::Missed) || event.passing.is_some() {
            return;
        }
        let family = self.family.as_ref().unwrap();
        let call = family.calls.iter().find(|call| call.id == event.call).unwrap();
        let mut parties = call.parties.iter().rev();
        let party = parties.find(|party| party.endpoint.number == event.number).unwrap();
        let key = (event.call.clone(), event.number.clone());
        if party.is_live() {
            let shown = shown(Seen { family, call, party });
            self.told.insert(key, shown);
        } else {
            self.told.remove(&key);
        }
    }

    fn ask(&self, kind: &AskKind) -> String {
        let of = |leg: &LegId| self.legs.iter().find(|(_, each)| *each == leg).map_or("?", |(number, _)| number);
        match kind {
            AskKind::Adopt(handle) => format!("adopt {}", handle.0),
            AskKind::Answer(leg) => format!("answer {}", of(leg)),
            AskKind::Clear => "clear".to_owned(),
            AskKind::Connect(number) => format!("connect {number}"),
            AskKind::Dial { number, from, location } => {
                let at = location.as_ref().map_or_else(String::new, |location| format!(" at {}", location.0));
                format!("dial {number} from {from}{at}")
            }
            AskKind::Dtmf { leg, digits } => format!("send {digits} from {}", of(leg)),
            AskKind::Hold(leg) => format!("hold {}", of(leg)),
            AskKind::Merge { main, side, purpose, .. } => {
                format!("merge {} and {} for a {purpose:?}", of(main), of(side))
            }
            AskKind::Monitor { leg, mode } => format!("let {} {mode:?}", of(leg)),
            AskKind::Mute(leg) => format!("mute {}", of(leg)),
            AskKind::Record { leg, to } => format!("record {}: {to:?}", of(leg)),
            AskKind::Release(leg) => format!("release {}", of(leg)),
            AskKind::Retrieve(leg) => format!("retrieve {}", of(leg)),
            AskKind::Route { queue, tried } => {
                let but = tried.as_ref().map_or_else(String::new, |number| format!(" but {number}"));
                format!("route from {queue}{but}")
            }
            AskKind::Swap { hold, retrieve } => format!("hold {} and retrieve {}", of(hold), of(retrieve)),
            AskKind::Unmute(leg) => format!("unmute {}", of(leg)),
        }
    }

    fn event(&self, event: &Event) -> String {
        let place = self.family.as_ref().unwrap().calls.iter().position(|call| call.id == event.call).unwrap();
        let who = if place == 0 { event.number.to_string() } else { format!("{}/{}", event.number, place + 1) };
        match event.kind {
            EventKind::Error(failure) => format!("{} Error {failure:?}\n", event.number),
            EventKind::Missed => format!("{who} Missed\n"),
            EventKind::AttachedDataChanged
            | EventKind::CallRecordingStateChange
            | EventKind::ParticipantsUpdated
            | EventKind::StatusChange => {
                let seen = self.seen(&who);
                let party = Party { state: event.passing.unwrap_or(seen.party.state), ..seen.party.clone() };
                let plain = match (event.kind, event.extensions.len()) {
                    (EventKind::StatusChange | EventKind::ParticipantsUpdated, 0) => " plain",
                    _ => "",
                };
                format!("{who} {:?}{plain}: {}\n", event.kind, view(Seen { party: &party, ..seen }))
            }
        }
    }

    fn show(&mut self, who: &str) {
        let seen = self.seen(who);
        let offered = capabilities(seen, RULES);
        let offered: String = offered.into_iter().map(|capability| format!(" {}", capability.name())).collect();
        let shown = format!("{}\noffered:{offered}\n", view(seen));
        self.transcript.push_str(&shown);
    }

    /// The oldest open ask that is about no single leg.
    fn of_a_call(&self) -> AskId {
        let asks = &self.family.as_ref().unwrap().asks;
        let is_it = |kind: &AskKind| {
            matches!(kind, AskKind::Clear | AskKind::Dtmf { .. } | AskKind::Merge { .. } | AskKind::Swap { .. })
        };
        let is_route = |kind: &AskKind| matches!(kind, AskKind::Route { .. });
        let first = asks.iter().find(|ask| is_it(&ask.kind));
        first.or_else(|| asks.iter().find(|ask| is_route(&ask.kind))).unwrap().id
    }

    fn open_ask(&self, index: &str) -> AskId {
        self.family.as_ref().unwrap().asks[index.parse::<usize>().unwrap()].id
    }
}

pub(super) fn call_id() -> CallId {
    CallId::parse("01RCC3N118B1V0SL807GK2LAES000007").unwrap()
}

pub(super) fn number(text: &str) -> Number {
    Number::parse(text).unwrap()
}

pub(super) fn endpoint(text: &str) -> Endpoint {
    let home = || Home { agent: AgentId::parse(text).unwrap(), device: DeviceId::parse(text).unwrap() };
    if !text.starts_with("15") {
        return Endpoint::new(number(text), None);
    }
    let right = |granted| if granted { Right::Granted } else { Right::Withheld };
    let rights = Rights { recording: right(text.starts_with("155")), voice: right(!text.starts_with("158")) };
    Endpoint { rights, ..Endpoint::new(number(text), Some(home())) }
}

/// A number, and the place of the call: `15000/2` is on the second.
fn placed(who: &str) -> (&str, usize) {
    who.split_once('/').map_or((who, 0), |(number, place)| (number, place.parse::<usize>().unwrap() - 1))
}

/// What an agent sees of a call, and may do.
pub(super) fn shown(seen: Seen<'_>) -> String {
    format!("{} {:?}", view(seen), capabilities(seen, RULES))
}

/// What an agent sees of a call.
pub(super) fn view(seen: Seen<'_>) -> String {
    let others: Vec<&str> = seen.participants().into_iter().map(|other| other.number.as_str()).collect();
    let others = if others.is_empty() { "nobody".to_owned() } else { others.join(",") };
    let data = seen.user_data();
    let data: String = data.0.iter().map(|(key, datum)| format!(" {key}={}", datum.0)).collect();
    let muted = if seen.party.mute == crate::calls::Mute::On { " muted" } else { "" };
    let recorded = match seen.call.recording {
        Recording::Stopped => "",
        Recording::Paused => " paused",
        Recording::Recording => " recorded",
    };
    let watched = if seen.monitors().next().is_some() { " watched" } else { "" };
    let watches = if seen.monitors_a_muted_party() { " over a muted one" } else { "" };
    let parent = seen.parent().map_or_else(String::new, |_| " beside its main call".to_owned());
    format!("{} with {others}{muted}{recorded}{watched}{watches}{parent}{data}", seen.party.state.name())
}

pub(super) fn user_data(pairs: &[&str]) -> UserData {
    let pairs = pairs.iter().map(|pair| pair.split_once('=').unwrap());
    UserData(pairs.map(|(key, value)| (key.into(), Datum(format!("\"{value}\"").into()))).collect())
}

pub(super) fn operation(name: &str) -> Operation {
    match name {
        "accept" => Operation::Accept,
        "answer" => Operation::Answer,
        "clear" => Operation::ClearCall,
        "complete-conference" => Operation::Complete { purpose: Purpose::Conference, consult: None },
        "complete-transfer" => Operation::Complete { purpose: Purpose::Transfer, consult: None },
        "decline" => Operation::Decline,
        "delete-data" => Operation::DeleteUserData,
        "hangup" => Operation::Hangup,
        "hold" => Operation::Hold,
        "mute" => Operation::MuteCall,
        "pause-recording" => Operation::Record(RecordVerb::Pause),
        "reject" => Operation::Reject,
        "resume-recording" => Operation::Record(RecordVerb::Resume),
        "retrieve" => Operation::Retrieve,
        "start-recording" => Operation::Record(RecordVerb::Start),
        "stop-recording" => Operation::Record(RecordVerb::Stop),
        "swap" => Operation::Swap { other: CallId::parse("CONSULT2").unwrap() },
        "swap-back" => Operation::Swap { other: call_id() },
        "unmute" => Operation::UnmuteCall,
        _ => match name.split_once(':') {
            Some(("attach", pair)) => Operation::AttachUserData(user_data(&[pair])),
            Some(("delete", key)) => Operation::DeleteUserDataPair(key.into()),
            Some(("dispose", pair)) => Operation::SetDisposition(user_data(&[pair])),
            Some(("remove", other)) => Operation::RemoveParticipant(number(other)),
            Some(("send", digits)) => Operation::SendDtmf(digits.into()),
            Some(("switch", to)) => Operation::SwitchMonitor(mode(to)),
            Some(("update", pair)) => Operation::UpdateUserData(user_data(&[pair])),
            _ => Operation::SingleStepConference(Target {
                endpoint: endpoint(name),
                location: Some(Location("switch".into())),
                user_data: UserData::default(),
            }),
        },
    }
}

pub(super) fn mode(name: &str) -> MonitorMode {
    match name {
        "barge-in" => MonitorMode::BargeIn,
        "coach" => MonitorMode::Coach,
        _ => MonitorMode::ListenIn,
    }
}

pub(super) fn kind(name: &str) -> ReportKind {
    match name {
        "answered" => ReportKind::Answered,
        "busy" => ReportKind::Ended(Failure::Busy),
        "cleared" => ReportKind::Cleared,
        "done" => ReportKind::Done,
        "ended" => ReportKind::Ended(Failure::None),
        "held" => ReportKind::Held,
        "merged" => ReportKind::Merged,
        "muted" => ReportKind::Muted,
        "no-answer" => ReportKind::Ended(Failure::NoAnswer),
        "paused" => ReportKind::Recording(Recording::Paused),
        "recorded" => ReportKind::Recording(Recording::Recording),
        "refuse" | "refused" => ReportKind::Refused(Failure::Failed),
        "retrieved" => ReportKind::Retrieved,
        "ringing" => ReportKind::Ringing,
        "stopped" => ReportKind::Recording(Recording::Stopped),
        "swapped" => ReportKind::Swapped,
        "unmuted" => ReportKind::Unmuted,
        _ => match name.split_once(':') {
            Some(("heard", to)) => ReportKind::Monitoring(mode(to)),
            Some(("queued", queue)) => ReportKind::Queued(number(queue)),
            Some(("forwards", to)) => ReportKind::Redirected(endpoint(to)),
            _ => panic!("no such report: {name}"),
        },
    }
}

pub(super) const RULES: Rules = Rules { mute: MuteRule::Conference, clear: ClearRule::Conference };

pub(super) const TIMEOUT: Duration = Duration::from_secs(10);
