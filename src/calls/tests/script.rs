//! A small language: what agents want and what the switch saw, a line each; what follows is the transcript.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use expect_test::Expect;

use crate::calls::{
    Accepted, AskId, AskKind, Call, CallType, Datum, Dial, Endpoint, Event, EventKind, Failure, Family, Heard, Home,
    LegId, Location, MuteRule, Operation, Party, Refused, Report, ReportKind, Term, UserData, capabilities,
};
use crate::ids::{AgentId, CallId, ConnId, DeviceId, Number, Position, WallTime};

/// Plays the script and compares its transcript. The lines of the language:
///
/// - `A dials B [key=value…]`, `A adds B [key=value…]`, `A answer`, `A hangup`, `A hold`, `A retrieve`: of agents;
/// - `B: ringing`, `answered`, `held`, `retrieved`, `ended`, `busy`, `no-answer`: of the newest leg of that number;
/// - `old B: …`: the same, but sent before everything else; `again`: the last report once more;
/// - `refuse N` and `time out N`: of the N-th open ask; `wait N`: seconds;
/// - `show A`: what that agent sees.
///
/// Numbers of agents begin with 15, all others are outside.
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

    pub(super) fn party(&self, number: &str) -> &Party {
        self.call().parties.iter().rev().find(|party| party.endpoint.number.as_str() == number).unwrap()
    }

    pub(super) fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["wait", seconds] => self.millis += 1000 * seconds.parse::<u64>().unwrap(),
            ["show", number] => self.show(number),
            ["again"] => {
                let report = self.last.clone().unwrap();
                self.report(report);
            }
            ["refuse", index] => {
                let ask = self.open_ask(index);
                self.report_next(ask, ReportKind::Refused(Failure::Failed));
            }
            ["time", "out", index] => {
                let ask = self.open_ask(index);
                let now = self.now();
                let changed = self.family.as_mut().unwrap().handle_ask_timeout(now, ask);
                self.outcome(changed);
            }
            ["old", number, what] => {
                let leg = self.legs[number.trim_end_matches(':')];
                let heard = Heard { term: Term(0), sequence: 0 };
                self.report(Report { call: call_id(), leg, heard, kind: kind(what) });
            }
            [from, "dials", to, data @ ..] => self.dial(from, to, data),
            [agent, "adds", to, data @ ..] => {
                let (target, user_data) = (endpoint(to), user_data(data));
                let _ = self.operate(agent, Operation::SingleStepConference { target, location: None, user_data });
            }
            [agent, operation] if !agent.ends_with(':') => {
                let _ = self.operate(agent, self::operation(operation));
            }
            [number, what] => self.report_next(self.legs[number.trim_end_matches(':')], kind(what)),
            _ => panic!("no such line: {line}"),
        }
    }

    pub(super) fn operate(&mut self, agent: &str, operation: Operation) -> Result<Accepted, Refused> {
        let now = self.now();
        let family = self.family.as_mut().unwrap();
        let outcome = family.handle_operation(now, &AgentId::parse(agent).unwrap(), &call_id(), operation);
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
        for party in family.calls.iter().flat_map(|call| &call.parties) {
            self.legs.insert(party.endpoint.number.to_string(), party.leg);
        }
        for ask in self.family.as_ref().unwrap().asks.iter().filter(|ask| ask.id.record == position) {
            let what = self.ask(&ask.kind);
            let _ = writeln!(self.transcript, "ask {}: {what}", ask.id);
        }
        for event in &events {
            let shown = self.event(event);
            self.transcript.push_str(&shown);
        }
    }

    fn ask(&self, kind: &AskKind) -> String {
        let of = |leg: &LegId| self.legs.iter().find(|(_, each)| *each == leg).map_or("?", |(number, _)| number);
        match kind {
            AskKind::Answer(leg) => format!("answer {}", of(leg)),
            AskKind::Connect(number) => format!("connect {number}"),
            AskKind::Dial { number, from, location } => {
                let at = location.as_ref().map_or_else(String::new, |location| format!(" at {}", location.0));
                format!("dial {number} from {from}{at}")
            }
            AskKind::Hold(leg) => format!("hold {}", of(leg)),
            AskKind::Release(leg) => format!("release {}", of(leg)),
            AskKind::Retrieve(leg) => format!("retrieve {}", of(leg)),
        }
    }

    fn event(&self, event: &Event) -> String {
        match event.kind {
            EventKind::Error(failure) => format!("{} Error {failure:?}\n", event.number),
            EventKind::AttachedDataChanged => {
                assert!(event.extensions.is_empty());
                format!("{} AttachedDataChanged: {}\n", event.number, self.view(event.number.as_str()))
            }
            EventKind::ParticipantsUpdated | EventKind::StatusChange => {
                assert_eq!(event.extensions.len(), 1);
                format!("{} {:?}: {}\n", event.number, event.kind, self.view(event.number.as_str()))
            }
        }
    }

    fn view(&self, number: &str) -> String {
        let party = self.party(number);
        let others: Vec<&str> =
            self.call().participants_of(party).into_iter().map(|other| other.number.as_str()).collect();
        let data = self.call().user_data_of(party);
        let data: Vec<String> = data.0.iter().map(|(key, datum)| format!(" {key}={}", datum.0)).collect();
        format!("{} with {}{}", party.state.name(), others.join(","), data.concat())
    }

    fn show(&mut self, number: &str) {
        let party = self.party(number);
        let offered = capabilities(self.call(), party, MuteRule::Conference);
        let offered: String = offered.into_iter().map(|capability| format!(" {}", capability.name())).collect();
        let shown = format!("{}\noffered:{offered}\n", self.view(number));
        self.transcript.push_str(&shown);
    }

    fn open_ask(&self, index: &str) -> AskId {
        self.family.as_ref().unwrap().asks[index.parse::<usize>().unwrap()].id
    }
}

pub(super) fn call_id() -> CallId {
    CallId::parse("01RCC3N118B1V0SL807GK2LAES000007").unwrap()
}

pub(super) fn endpoint(number: &str) -> Endpoint {
    let home = number
        .starts_with("15")
        .then(|| Home { agent: AgentId::parse(number).unwrap(), device: DeviceId::parse(number).unwrap() });
    Endpoint { number: Number::parse(number).unwrap(), home }
}

pub(super) fn user_data(pairs: &[&str]) -> UserData {
    let pairs = pairs.iter().map(|pair| pair.split_once('=').unwrap());
    UserData(pairs.map(|(key, value)| (key.into(), Datum(format!("\"{value}\"").into()))).collect())
}

pub(super) fn operation(name: &str) -> Operation {
    match name {
        "answer" => Operation::Answer,
        "hangup" => Operation::Hangup,
        "hold" => Operation::Hold,
        "retrieve" => Operation::Retrieve,
        number => Operation::SingleStepConference {
            target: endpoint(number),
            location: Some(Location("switch".into())),
            user_data: UserData::default(),
        },
    }
}

pub(super) fn kind(name: &str) -> ReportKind {
    match name {
        "answered" => ReportKind::Answered,
        "busy" => ReportKind::Ended(Failure::Busy),
        "ended" => ReportKind::Ended(Failure::None),
        "held" => ReportKind::Held,
        "no-answer" => ReportKind::Ended(Failure::NoAnswer),
        "retrieved" => ReportKind::Retrieved,
        "ringing" => ReportKind::Ringing,
        _ => panic!("no such report: {name}"),
    }
}

pub(super) const TIMEOUT: Duration = Duration::from_secs(10);
