//! A simulated switch, and what it is asked and tells.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::calls::{Ask, AskId, AskKind, Home, PartyState, Report, ReportKind, Term};
use crate::clock;
use crate::ids::{AgentId, CallId, DeviceId, Number, Position, WallTime};
use crate::switch::{CallerConfig, Leg, News, Reports, Simulated, SimulatedConfig, Switch};

pub(super) const RING: Duration = Duration::from_secs(30);

pub(super) const QUEUE: Duration = Duration::from_secs(120);

pub(super) fn simulated() -> (Box<dyn Switch>, Reports) {
    let (switch, reports) = Simulated::start(config(), Term(3));
    (Box::new(switch), reports)
}

pub(super) fn config() -> SimulatedConfig {
    SimulatedConfig {
        seed: 7,
        ring_timeout: RING,
        queue_timeout: QUEUE,
        answer_after: Duration::from_millis(200),
        devices: BTreeSet::from(["15001", "15002", "15003", "15009"].map(number)),
        unregistered: BTreeSet::from([number("15009")]),
        queues: ["6500", "6501"].map(number).into(),
        route_points: [("6600", "6501")].map(|(point, queue)| (number(point), number(queue))).into(),
        callers: CallerConfig { talk_time: RING, patience: RING },
        arrivals: None,
        previews: None,
        preview_timeout: None,
    }
}

pub(super) fn number(text: &str) -> Number {
    Number::parse(text).unwrap()
}

pub(super) fn id(index: u16) -> AskId {
    AskId { record: Position::new(9), index }
}

pub(super) fn ask(index: u16, kind: AskKind) -> Ask {
    Ask { id: id(index), call: CallId::parse("CALL").unwrap(), since: WallTime::default(), asker: None, kind }
}

/// A leg that there was before a restart.
pub(super) fn leg(index: u16, text: &str, state: PartyState) -> Leg {
    let (call, since) = (CallId::parse("CALL").unwrap(), WallTime::default());
    Leg { id: id(index), call, number: number(text), state, queue: None, since, came_in: false }
}

pub(super) fn dial(index: u16, text: &str) -> Ask {
    ask(index, AskKind::Dial { number: number(text), from: number("15000"), location: None })
}

/// An agent asks for it now.
pub(super) fn asked(ask: Ask) -> Ask {
    let asker = Home { agent: AgentId::parse("15000").unwrap(), device: DeviceId::parse("15000").unwrap() };
    Ask { since: clock::wall(), asker: Some(asker), ..ask }
}

pub(super) async fn next(reports: &mut Reports) -> (AskId, ReportKind) {
    let News::Reported(Report { leg, kind, .. }) = reports.recv().await.unwrap() else { panic!("a call came in") };
    (leg, kind)
}
