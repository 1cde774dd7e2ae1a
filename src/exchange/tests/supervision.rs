//! Supervisors: brought into the calls of whom they watch, once into each, and taken off again.

use std::sync::Arc;
use std::time::Duration;

use crate::agents::{
    AfterCall, MonitorCalls, MonitorKind, MonitorScope, Monitoring, NotAnswered, Operation, Permission, Phase, Phone,
    Refused, Right, Rules, Start, Voice, Watched,
};
use crate::calls::{
    AskKind, CallType, Dial, Endpoint, EventKind, Failure, Family, Heard, Home, LegId, MonitorMode, PartyState,
    Purpose, Report, ReportKind, Term, UserData,
};
use crate::clock;
use crate::directory::{Agent as Account, Feature, demo_agents, device_of};
use crate::exchange::tests::kit::{Desk, Fickle, HANGUP, agent, conference, destination};
use crate::exchange::{AgentRequest, CommandError, Settings};
use crate::gws::{Command, MonitorRequest, MonitorTarget};
use crate::ids::{CallId, ConnId, IdempotencyKey, Number, Position, RecordId};
use crate::log::{Expected, Log, NewRecord, Outcome};
use crate::records::{AgentCause, AgentChanged, CallChanged, Cause};
use crate::switch::Setup;

/// An office in which 15002 may watch the others.
pub(super) fn office(log: Arc<Fickle>) -> Desk {
    ruled(log, Settings::new(Duration::from_secs(3600)))
}

fn ruled(log: Arc<Fickle>, settings: Settings) -> Desk {
    let mut agents = demo_agents();
    agents[2].features.push(Feature::Monitoring.name().to_owned());
    Desk::manned(log, settings, agents, Setup::default())
}

fn request(kind: MonitorKind, calls: MonitorCalls, target: &str) -> MonitorRequest {
    let target = MonitorTarget::Number(Number::parse(target).unwrap());
    MonitorRequest { kind, scope: MonitorScope::Agent, calls, target }
}

async fn change(desk: &Desk, name: &str, operation: Operation) {
    desk.exchange.change(&agent(name), AgentRequest { operation, device: None }, None).await.unwrap();
}

pub(super) async fn log_in(desk: &Desk, name: &str) {
    change(desk, name, Operation::StartContactCenterSession(Start::default())).await;
}

/// 15002 logs in, and watches somebody.
pub(super) async fn watch(desk: &Desk, kind: MonitorKind, calls: MonitorCalls, target: &str) {
    log_in(desk, "15002").await;
    desk.exchange.monitor(&agent("15002"), request(kind, calls, target), None).await.unwrap();
}

pub(super) async fn watches(desk: &Desk) -> Option<Monitoring> {
    desk.exchange.calls(&agent("15002")).await.unwrap().voice.monitoring().cloned()
}

/// The next ask rings 15002: its leg.
async fn rung(desk: &mut Desk) -> (CallId, LegId) {
    let ask = desk.asked().await;
    let AskKind::Dial { number, .. } = &ask.kind else { panic!("{ask:?}") };
    assert_eq!(number.as_str(), "15002");
    (ask.call.clone(), ask.id)
}

/// The next ask ends a leg: which.
async fn released(desk: &mut Desk) -> LegId {
    let ask = desk.asked().await;
    let AskKind::Release(leg) = ask.kind else { panic!("{ask:?}") };
    leg
}

/// How often it was told that something failed so.
pub(super) fn told(desk: &Desk, failure: Failure) -> usize {
    let events = desk.log.changes().into_iter().flat_map(|changed| changed.events);
    events.filter(|event| event.kind == EventKind::Error(failure)).count()
}

async fn join(desk: &mut Desk) -> (CallId, LegId) {
    let (call, leg) = rung(desk).await;
    desk.report(&call, leg, ReportKind::Ringing).await;
    desk.report(&call, leg, ReportKind::Answered).await;
    desk.until("15002", PartyState::Established).await;
    (call, leg)
}

#[actix::test]
async fn a_supervisor_is_brought_into_the_call_that_there_is_and_into_each_that_comes() {
    let mut desk = office(Fickle::new());
    let call = desk.establish().await;
    watch(&desk, MonitorKind::Coach, MonitorCalls::All, "15001").await;
    let (there, leg) = join(&mut desk).await;
    assert_eq!(there, call);
    let changed = desk.log.changes();
    let asked = changed.iter().find(|change| change.family.watches(&agent("15002"), None).next().is_some());
    assert_eq!(asked.unwrap().cause, Cause::Operation { name: "Coach".into(), agent: agent("15002"), key: None });
    let party = desk.exchange.calls(&agent("15002")).await.unwrap().calls[0].party.clone();
    assert_eq!(party.monitor.unwrap().mode, MonitorMode::Coach);
    // It leaves, and is not rung again, whatever becomes of the call.
    desk.operate("15002", &call, HANGUP, None).await.unwrap();
    assert_eq!(released(&mut desk).await, leg);
    desk.report(&call, leg, ReportKind::Ended(Failure::None)).await;
    desk.until_over("15002").await;
    desk.operate("15000", &call, conference("7000"), None).await.unwrap();
    assert!(matches!(desk.asked().await.kind, AskKind::Dial { .. }));
    desk.assert_nothing_asked().await;
    // Of another call it hears when the agent answers, and not before.
    let (second, caller, called) = desk.dial("15000", "15001").await;
    desk.report(&second, caller, ReportKind::Answered).await;
    desk.report(&second, called, ReportKind::Ringing).await;
    desk.assert_nothing_asked().await;
    desk.report(&second, called, ReportKind::Answered).await;
    assert_eq!(rung(&mut desk).await.0, second);
    assert!(watches(&desk).await.is_some());
}

#[actix::test]
async fn of_one_call_alone_watching_is_over_with_it() {
    let mut desk = office(Fickle::new());
    watch(&desk, MonitorKind::ListenIn, MonitorCalls::Next, "15001").await;
    desk.assert_nothing_asked().await;
    let call = desk.establish().await;
    let (there, leg) = join(&mut desk).await;
    assert_eq!(there, call);
    assert!(watches(&desk).await.is_some());
    // A second call of the agent is not the one.
    let (second, caller, called) = desk.dial("15000", "15001").await;
    desk.report(&second, caller, ReportKind::Answered).await;
    desk.report(&second, called, ReportKind::Answered).await;
    desk.until("15001", PartyState::Established).await;
    desk.assert_nothing_asked().await;
    desk.operate("15002", &call, HANGUP, None).await.unwrap();
    assert_eq!(released(&mut desk).await, leg);
    desk.report(&call, leg, ReportKind::Ended(Failure::None)).await;
    while watches(&desk).await.is_some() {
        tokio::task::yield_now().await;
    }
    desk.operate("15000", &second, conference("7000"), None).await.unwrap();
    assert!(matches!(desk.asked().await.kind, AskKind::Dial { .. }));
    desk.assert_nothing_asked().await;
}

#[actix::test]
async fn who_cancels_is_taken_off_also_while_it_is_rung() {
    let mut desk = office(Fickle::new());
    desk.establish().await;
    watch(&desk, MonitorKind::BargeIn, MonitorCalls::All, "15000").await;
    let (_, leg) = join(&mut desk).await;
    change(&desk, "15002", Operation::CancelSupervisorMonitoring).await;
    assert_eq!(released(&mut desk).await, leg);
    let last = desk.log.changes().pop().unwrap();
    let name = "CancelSupervisorMonitoring".into();
    assert_eq!(last.cause, Cause::Operation { name, agent: agent("15002"), key: None });
    desk.report(&last.family.root, leg, ReportKind::Ended(Failure::None)).await;
    desk.until_over("15002").await;
    // It asks anew for the call that it was taken off, and cancels before it has answered.
    watch(&desk, MonitorKind::ListenIn, MonitorCalls::All, "15000").await;
    let (_, again) = rung(&mut desk).await;
    change(&desk, "15002", Operation::CancelSupervisorMonitoring).await;
    assert_eq!(released(&mut desk).await, again);
}

#[actix::test]
async fn who_watches_somebody_else_leaves_the_first_and_who_watches_the_same_stays() {
    let mut desk = office(Fickle::new());
    let call = desk.establish().await;
    watch(&desk, MonitorKind::ListenIn, MonitorCalls::All, "15000").await;
    let (_, leg) = join(&mut desk).await;
    watch(&desk, MonitorKind::Coach, MonitorCalls::All, "15000").await;
    desk.assert_nothing_asked().await;
    watch(&desk, MonitorKind::Coach, MonitorCalls::All, "15001").await;
    assert_eq!(released(&mut desk).await, leg);
    desk.report(&call, leg, ReportKind::Ended(Failure::None)).await;
    desk.until_over("15002").await;
}

#[actix::test]
async fn who_asks_the_same_anew_is_brought_into_the_call_again() {
    let mut desk = office(Fickle::new());
    let call = desk.establish().await;
    let again = request(MonitorKind::ListenIn, MonitorCalls::All, "15001");
    watch(&desk, again.kind, again.calls, "15001").await;
    // It does not answer, then it answers and leaves.
    for answers in [false, true] {
        let (there, leg) = if answers { join(&mut desk).await } else { rung(&mut desk).await };
        assert_eq!(there, call);
        // While it is there to ask anew changes nothing, and what it wants besides brings it nowhere.
        desk.exchange.monitor(&agent("15002"), again.clone(), None).await.unwrap();
        desk.assert_nothing_asked().await;
        desk.report(&call, leg, ReportKind::Ended(Failure::NoAnswer)).await;
        desk.until_over("15002").await;
        change(&desk, "15002", Operation::AuxWork).await;
        desk.assert_nothing_asked().await;
        desk.exchange.monitor(&agent("15002"), again.clone(), None).await.unwrap();
    }
    assert_eq!(rung(&mut desk).await.0, call);
    desk.assert_nothing_asked().await;
}

#[actix::test]
async fn an_ask_that_fails_is_told_and_ends_the_watching_of_one_call() {
    let mut desk = office(Fickle::new());
    let call = desk.establish().await;
    for (calls, stays) in [(MonitorCalls::All, true), (MonitorCalls::Next, false)] {
        watch(&desk, MonitorKind::ListenIn, calls, "15001").await;
        let (_, leg) = rung(&mut desk).await;
        desk.report(&call, leg, ReportKind::Ended(Failure::Busy)).await;
        while told(&desk, Failure::Busy) != if stays { 1 } else { 2 } {
            tokio::task::yield_now().await;
        }
        if !stays {
            while watches(&desk).await.is_some() {
                tokio::task::yield_now().await;
            }
        }
        desk.assert_nothing_asked().await;
        assert_eq!(watches(&desk).await.is_some(), stays);
    }
}

#[actix::test]
async fn a_target_that_logs_out_is_watched_when_it_talks_again() {
    let mut desk = office(Fickle::new());
    log_in(&desk, "15001").await;
    watch(&desk, MonitorKind::ListenIn, MonitorCalls::All, "15001").await;
    change(&desk, "15001", Operation::Offline).await;
    assert!(watches(&desk).await.is_some());
    let call = desk.establish().await;
    let (_, leg) = join(&mut desk).await;
    // The supervisor that logs out watches nobody, and stays on the call as on any other.
    change(&desk, "15002", Operation::Offline).await;
    assert_eq!(watches(&desk).await, None);
    desk.assert_nothing_asked().await;
    desk.operate("15002", &call, HANGUP, None).await.unwrap();
    assert_eq!(released(&mut desk).await, leg);
}

#[actix::test]
async fn a_start_brings_in_who_was_to_be_and_leaves_alone_who_left() {
    let log = Fickle::new();
    let call = talking(&log).await;
    // As if the process had died between the agent's record and the call's.
    watching(&log).await;
    let mut desk = office(Arc::clone(&log));
    let (_, leg) = rung(&mut desk).await;
    // It does not answer, and is not rung by the next start.
    desk.report(&call, leg, ReportKind::Ended(Failure::NoAnswer)).await;
    while log
        .changes()
        .last()
        .is_none_or(|last| last.family.calls[0].live().count() > 2 || !last.family.asks.is_empty())
    {
        tokio::task::yield_now().await;
    }
    let mut last = office(Arc::clone(&log));
    while !last.exchange.is_ready().await {
        tokio::task::yield_now().await;
    }
    last.assert_nothing_asked().await;
    assert!(watches(&last).await.is_some());
}

/// An office of the next start, with other accounts or another switch.
async fn changed(log: &Arc<Fickle>, edit: fn(&mut Account), setup: Setup) -> Desk {
    let mut agents = demo_agents();
    agents[2].features.push(Feature::Monitoring.name().to_owned());
    edit(&mut agents[2]);
    let desk = Desk::manned(Arc::clone(log), Settings::new(Duration::from_secs(3600)), agents, setup);
    while !desk.exchange.is_ready().await {
        tokio::task::yield_now().await;
    }
    desk
}

/// 15002 was brought into no call, as of all that is known now.
async fn assert_left_out(desk: &Desk) {
    // What came of the first is written down before the second is answered.
    log_in(desk, "15000").await;
    log_in(desk, "15000").await;
    let changes = desk.log.changes();
    assert!(changes.iter().all(|changed| changed.family.watches(&agent("15002"), None).next().is_none()));
}

/// How a feature is lost, and what is missing then.
type Loss = (fn(&mut Account), Permission);

#[actix::test]
async fn who_may_not_watch_any_more_is_brought_into_no_call_and_can_cancel() {
    let losses: [Loss; 2] = [
        (|account| account.features.retain(|name| name != Feature::Monitoring.name()), Permission::Supervision),
        (|account| account.features.retain(|name| name != Feature::Voice.name()), Permission::Voice),
    ];
    for (lose, permission) in losses {
        let log = Fickle::new();
        // One call is there when it starts, another one comes.
        watching(&log).await;
        talking(&log).await;
        let mut desk = changed(&log, lose, Setup::default()).await;
        assert_left_out(&desk).await;
        desk.establish().await;
        assert_left_out(&desk).await;
        assert!(watches(&desk).await.is_some());
        change(&desk, "15002", Operation::CancelSupervisorMonitoring).await;
        assert_eq!(watches(&desk).await, None);
        let cancel = AgentRequest { operation: Operation::CancelSupervisorMonitoring, device: None };
        let again = desk.exchange.change(&agent("15002"), cancel, None).await;
        assert_eq!(again, Err(CommandError::RefusedAgent(Refused::NotPermitted(permission))));
    }
}

#[actix::test]
async fn a_supervisor_whose_device_is_not_registered_is_brought_in_when_it_is_again() {
    let log = Fickle::new();
    watching(&log).await;
    let call = talking(&log).await;
    let unregistered = [Number::parse("15002").unwrap()].into();
    assert_left_out(&changed(&log, |_| (), Setup { unregistered, ..Setup::default() }).await).await;
    let mut desk = changed(&log, |_| (), Setup::default()).await;
    assert_eq!(rung(&mut desk).await.0, call);
}

fn phone(name: &str) -> Phone {
    let number = Number::parse(name).unwrap();
    Phone::new(device_of(&number).unwrap(), number)
}

async fn append(log: &Fickle, record: NewRecord) -> Position {
    let Outcome::Appended(position) = log.append(record).await else { panic!("it was not taken") };
    position
}

/// 15002 watches 15001, with no exchange about.
async fn watching(log: &Fickle) {
    let me = Phone { supervision: Right::Granted, ..phone("15002") };
    let mut voice = Voice::new(agent("15002"), me);
    let target = Watched { device: phone("15001").device, number: Number::parse("15001").unwrap() };
    let (kind, scope, calls) = (MonitorKind::ListenIn, MonitorScope::Call, MonitorCalls::All);
    for operation in [
        Operation::StartContactCenterSession(Start::default()),
        Operation::Monitor(Monitoring { target, kind, scope, calls }),
    ] {
        voice.handle_operation(clock::wall(), operation).unwrap();
    }
    let cause = AgentCause::Operation { name: "ListenIn".into(), key: None };
    append(log, AgentChanged::new(cause, voice).record(RecordId::draw(), clock::wall(), Expected::Any)).await;
}

/// 15000 and 15001 talk, with no exchange about.
async fn talking(log: &Fickle) -> CallId {
    let endpoint = |name: &str| {
        let Phone { device, number, .. } = phone(name);
        Endpoint::new(number, Some(Home { agent: agent(name), device }))
    };
    let dial = Dial {
        root: CallId::draw(),
        conn: ConnId::draw(),
        caller: endpoint("15000"),
        target: endpoint("15001"),
        kind: CallType::Internal,
        location: None,
        user_data: UserData::default(),
    };
    let family = Family::dial(clock::wall(), dial).unwrap();
    let dialled = CallChanged::new(Cause::Operation { name: "Dial".into(), agent: agent("15000"), key: None }, family);
    let position = append(log, dialled.record(RecordId::draw(), clock::wall(), Expected::Nothing)).await;
    let mut family = dialled.family;
    family.settle(position);
    for index in [0, 1] {
        let (call, leg) = (family.root.clone(), LegId { record: position, index });
        let heard = Heard { term: Term(0), sequence: u64::from(index) };
        family.handle_report(clock::wall(), &Report { call, leg, heard, kind: ReportKind::Answered });
    }
    let call = family.root.clone();
    let changed = CallChanged::new(Cause::Arrived, family);
    append(log, changed.record(RecordId::draw(), clock::wall(), Expected::At(position))).await;
    call
}

#[actix::test]
async fn who_may_not_watch_is_told_why() {
    let desk = office(Fickle::new());
    let ask = |name: &'static str, target: MonitorTarget| {
        let request = MonitorRequest { target, ..request(MonitorKind::Coach, MonitorCalls::All, "1") };
        let exchange = desk.exchange.clone();
        async move { exchange.monitor(&agent(name), request, None).await }
    };
    let number = |text: &str| MonitorTarget::Number(Number::parse(text).unwrap());
    let refused = |refused: Refused| Err(CommandError::from(refused));
    assert_eq!(ask("15000", number("15001")).await, refused(Refused::NotPermitted(Permission::Supervision)));
    let out = ask("15002", number("15001")).await;
    assert!(matches!(out, Err(CommandError::RefusedAgent(Refused::WrongState { .. }))), "{out:?}");
    log_in(&desk, "15002").await;
    assert_eq!(ask("15002", number("7000")).await, refused(Refused::NotFound));
    assert_eq!(ask("15002", number("15002")).await, refused(Refused::OwnDevice));
    let device = desk.exchange.calls(&agent("15001")).await.unwrap().voice.phone.device.clone();
    assert_eq!(ask("15002", MonitorTarget::Device(device)).await, Ok(()));
    assert_eq!(watches(&desk).await.unwrap().target.number.as_str(), "15001");
    let key = || Some(IdempotencyKey::parse("k").unwrap());
    let (first, second) = (MonitorCalls::All, MonitorCalls::Next);
    let me = agent("15002");
    desk.exchange.monitor(&me, request(MonitorKind::Coach, first, "15000"), key()).await.unwrap();
    desk.exchange.monitor(&me, request(MonitorKind::Coach, first, "15000"), key()).await.unwrap();
    let other = desk.exchange.monitor(&me, request(MonitorKind::Coach, second, "15000"), key()).await;
    assert_eq!(other, Err(CommandError::KeyReused));
}

#[actix::test]
async fn a_supervisor_is_brought_into_both_calls_of_its_agent_but_not_into_what_that_consults() {
    let mut desk = office(Fickle::new());
    watch(&desk, MonitorKind::ListenIn, MonitorCalls::All, "15000").await;
    let call = desk.establish().await;
    let (_, leg) = join(&mut desk).await;
    let consult = Command::Initiate(Purpose::Transfer, destination("7001"));
    desk.operate("15000", &call, consult, None).await.unwrap();
    let [hold, side, there] = [desk.asked().await, desk.asked().await, desk.asked().await];
    let AskKind::Hold(held) = hold.kind else { panic!("{hold:?}") };
    desk.report(&call, held, ReportKind::Held).await;
    for ask in [&side, &there] {
        desk.report(&ask.call, ask.id, ReportKind::Answered).await;
    }
    while desk
        .exchange
        .calls(&agent("15000"))
        .await
        .unwrap()
        .calls
        .iter()
        .all(|view| view.party.state != PartyState::Established)
    {
        tokio::task::yield_now().await;
    }
    desk.assert_nothing_asked().await;
    // Another call altogether is one that it hears.
    let (second, caller, called) = desk.dial("15000", "7002").await;
    desk.report(&second, caller, ReportKind::Answered).await;
    desk.report(&second, called, ReportKind::Answered).await;
    let (rings, other) = rung(&mut desk).await;
    assert_eq!(rings, second);
    desk.report(&second, other, ReportKind::Answered).await;
    while desk.exchange.calls(&agent("15002")).await.unwrap().calls.len() < 2 {
        tokio::task::yield_now().await;
    }
    // Cancelling takes it off both.
    change(&desk, "15002", Operation::CancelSupervisorMonitoring).await;
    let gone = [released(&mut desk).await, released(&mut desk).await];
    assert!(gone.contains(&leg) && gone.contains(&other), "{gone:?}");
}

#[actix::test]
async fn a_watched_call_leaves_no_work() {
    let rules = Rules { after_call: AfterCall::Always, after_call_time: None, not_answered: NotAnswered::Stay };
    let mut desk = ruled(Fickle::new(), Settings { rules, ..Settings::new(Duration::from_secs(3600)) });
    log_in(&desk, "15001").await;
    watch(&desk, MonitorKind::BargeIn, MonitorCalls::All, "15001").await;
    let call = desk.establish().await;
    let (_, leg) = join(&mut desk).await;
    let legs = |desk: &Desk| desk.log.changes().last().unwrap().family.legs();
    let watched = legs(&desk).into_iter().find(|live| live.number.as_str() == "15001").unwrap().id;
    desk.report(&call, leg, ReportKind::Ended(Failure::None)).await;
    desk.until_over("15002").await;
    desk.report(&call, watched, ReportKind::Ended(Failure::None)).await;
    let phase = async |name| desk.exchange.calls(&agent(name)).await.unwrap().voice.phase();
    while phase("15001").await != Phase::AfterCallWork {
        tokio::task::yield_now().await;
    }
    assert_eq!(phase("15002").await, Phase::Ready);
}
