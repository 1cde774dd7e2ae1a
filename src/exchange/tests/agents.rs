//! Agents' states: one change at a time, written before anybody hears of it, and what becomes of them by itself.

use std::sync::Arc;
use std::time::Duration;

use crate::agents::{
    AfterCall, NotAnswered, Operation, Phase, Phone, Presence, Refused, Rules, Start, Voice, WorkMode,
};
use crate::calls::{Failure, PartyState, ReportKind};
use crate::clock;
use crate::directory::{Agent as Account, demo_agents, device_of};
use crate::exchange::tests::kit::{Desk, Fickle, HANGUP, agent, dial};
use crate::exchange::{AgentRequest, CommandError, Settings};
use crate::ids::{AgentId, DeviceId, IdempotencyKey, LoginId, Number, RecordId, WallTime};
use crate::log::{Expected, Log, Outcome};
use crate::records;
use crate::records::{AgentCause, AgentChanged, Payload};
use crate::switch::Setup;

fn start() -> Operation {
    Operation::StartContactCenterSession(Start::default())
}

async fn change(desk: &Desk, name: &str, operation: Operation) -> Result<(), CommandError> {
    desk.exchange.change(&agent(name), AgentRequest { operation, device: None }, None).await
}

async fn phase(desk: &Desk, name: &str) -> Phase {
    desk.exchange.calls(&agent(name)).await.unwrap().voice.phase()
}

async fn until(desk: &Desk, name: &str, wanted: Phase) {
    while phase(desk, name).await != wanted {
        tokio::task::yield_now().await;
    }
}

fn settings(rules: Rules) -> Settings {
    Settings { rules, ..Settings::new(Duration::from_secs(3600)) }
}

fn work_after_calls(seconds: Option<u64>) -> Settings {
    settings(Rules {
        after_call: AfterCall::Always,
        after_call_time: seconds.map(Duration::from_secs),
        not_answered: NotAnswered::Stay,
    })
}

/// The records of agents so far.
fn changes(log: &Fickle) -> Vec<AgentChanged> {
    let all = log.inner.read(crate::ids::Position::ZERO, 10_000).unwrap();
    let payloads = all.iter().map(|record| records::decode(record).unwrap());
    payloads
        .filter_map(|payload| if let Payload::AgentChanged(changed) = payload { Some(changed) } else { None })
        .collect()
}

#[actix::test]
async fn what_was_answered_is_read_and_written_down() {
    let desk = Desk::new();
    assert_eq!(phase(&desk, "15000").await, Phase::LoggedOut);
    change(&desk, "15000", start()).await.unwrap();
    assert_eq!(phase(&desk, "15000").await, Phase::Ready);
    change(&desk, "15000", Operation::AuxWork).await.unwrap();
    assert_eq!(phase(&desk, "15000").await, Phase::AuxWork);
    assert_eq!(phase(&desk, "15001").await, Phase::LoggedOut);
    assert_eq!(changes(&desk.log).len(), 2);
    assert!(desk.counts(r#"partyline_commands_total{operation="AuxWork",outcome="accepted"} 1"#));
    let position = desk.exchange.calls(&agent("15000")).await.unwrap().position;
    assert_eq!(position, desk.log.head());
}

#[actix::test]
async fn a_refusal_writes_nothing_and_a_retry_acts_once() {
    let desk = Desk::new();
    let refused = change(&desk, "15000", Operation::Offline).await;
    assert!(matches!(refused, Err(CommandError::RefusedAgent(Refused::WrongState { .. }))), "{refused:?}");
    assert!(changes(&desk.log).is_empty());
    let key = Some(IdempotencyKey::parse("k").unwrap());
    let request = |operation| AgentRequest { operation, device: None };
    let (me, start) = (agent("15000"), request(start()));
    let tries = (0..20).map(|_| desk.exchange.change(&me, start.clone(), key.clone()));
    let outcomes = futures_util::future::join_all(tries).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(changes(&desk.log).len(), 1);
    let other = desk.exchange.change(&me, request(Operation::AuxWork), key.clone()).await;
    assert_eq!(other, Err(CommandError::KeyReused));
    assert_eq!(desk.exchange.dial(&me, dial("15001"), key).await, Err(CommandError::KeyReused));
    // Also after a restart.
    let later = Desk::over(Arc::clone(&desk.log), Duration::from_secs(3600));
    let key = Some(IdempotencyKey::parse("k").unwrap());
    assert_eq!(later.exchange.change(&me, start, key).await, Ok(()));
    assert_eq!(changes(&desk.log).len(), 1);
}

#[actix::test]
async fn a_start_goes_on_where_the_agents_were() {
    let desk = Desk::new();
    change(&desk, "15000", start()).await.unwrap();
    change(&desk, "15000", Operation::NotReady { reason: Some("Tea".into()) }).await.unwrap();
    change(&desk, "15001", start()).await.unwrap();
    let later = Desk::over(Arc::clone(&desk.log), Duration::from_secs(3600));
    assert_eq!(phase(&later, "15000").await, Phase::NotReady);
    assert_eq!(phase(&later, "15001").await, Phase::Ready);
    change(&later, "15000", Operation::Ready(WorkMode::AsConfigured)).await.unwrap();
    assert_eq!(phase(&later, "15000").await, Phase::Ready);
}

#[actix::test]
async fn a_lost_race_is_decided_again_on_what_is_then() {
    let desk = Desk::new();
    change(&desk, "15000", start()).await.unwrap();
    // Somebody else logs the agent out.
    let out = Voice::new(agent("15000"), desk.exchange.calls(&agent("15000")).await.unwrap().voice.phone.clone());
    let cause = AgentCause::Operation { name: "Offline".into(), key: None };
    let rival = AgentChanged::new(cause, out).record(RecordId::draw(), clock::wall(), Expected::Any);
    *desk.log.rival.lock() = Some(rival);
    let refused = change(&desk, "15000", Operation::Offline).await;
    assert!(matches!(refused, Err(CommandError::RefusedAgent(Refused::WrongState { .. }))), "{refused:?}");
    change(&desk, "15000", start()).await.unwrap();
    // Nobody knows: it is decided again with the same id.
    desk.log.faults.lock().push_back(Outcome::Unknown);
    change(&desk, "15000", Operation::AuxWork).await.unwrap();
    assert_eq!(phase(&desk, "15000").await, Phase::AuxWork);
    desk.log.faults.lock().extend([Outcome::Full]);
    assert_eq!(change(&desk, "15000", Operation::Offline).await, Err(CommandError::LogFull));
    assert_eq!(phase(&desk, "15000").await, Phase::AuxWork);
}

#[actix::test]
async fn who_talked_has_work_after_its_last_call() {
    let mut desk = Desk::with(Fickle::new(), work_after_calls(None));
    for name in ["15000", "15001"] {
        change(&desk, name, start()).await.unwrap();
    }
    change(&desk, "15001", Operation::Ready(WorkMode::AutoIn)).await.unwrap();
    let call = desk.establish().await;
    // A second call that nobody answers leaves no work, and the end of one of two neither.
    let (second, ..) = desk.dial("15001", "15002").await;
    desk.operate("15001", &second, HANGUP, None).await.unwrap();
    let leg = desk.asked().await.id;
    desk.operate("15000", &call, HANGUP, None).await.unwrap();
    let ask = desk.asked().await;
    let _ = leg;
    let crate::calls::AskKind::Release(leg) = ask.kind else { panic!("{ask:?}") };
    desk.report(&call, leg, ReportKind::Ended(Failure::None)).await;
    until(&desk, "15000", Phase::AfterCallWork).await;
    let cause = changes(&desk.log).pop().unwrap().cause;
    assert!(matches!(cause, AgentCause::CallEnded(_)), "{cause:?}");
    assert_eq!(phase(&desk, "15001").await, Phase::Ready);
}

#[actix::test]
async fn who_is_on_another_call_has_no_work_yet_and_who_only_rang_none_at_all() {
    let mut desk = Desk::with(Fickle::new(), work_after_calls(None));
    change(&desk, "15001", start()).await.unwrap();
    let (call, caller, called) = desk.dial("15000", "15001").await;
    desk.report(&call, caller, ReportKind::Answered).await;
    desk.report(&call, called, ReportKind::Ringing).await;
    desk.until("15001", PartyState::Ringing).await;
    desk.report(&call, called, ReportKind::Ended(Failure::NoAnswer)).await;
    desk.until_over("15001").await;
    assert_eq!(phase(&desk, "15001").await, Phase::Ready);
}

#[actix::test]
async fn what_a_crash_kept_from_being_written_of_a_call_is_written_at_the_start() {
    let mut desk = Desk::with(Fickle::new(), settings(Settings::new(Duration::ZERO).rules));
    change(&desk, "15000", start()).await.unwrap();
    let call = desk.establish().await;
    desk.operate("15000", &call, HANGUP, None).await.unwrap();
    let ask = desk.asked().await;
    let crate::calls::AskKind::Release(leg) = ask.kind else { panic!("{ask:?}") };
    desk.report(&call, leg, ReportKind::Ended(Failure::None)).await;
    desk.until_over("15000").await;
    assert_eq!(phase(&desk, "15000").await, Phase::Ready);
    // The same log under a rule: as if the process had died between the two records.
    let later = Desk::with(Arc::clone(&desk.log), work_after_calls(Some(3600)));
    until(&later, "15000", Phase::AfterCallWork).await;
    // And once more: what is written is not written again.
    change(&later, "15000", Operation::Ready(WorkMode::AsConfigured)).await.unwrap();
    let last = Desk::with(Arc::clone(&desk.log), work_after_calls(Some(3600)));
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(phase(&last, "15000").await, Phase::Ready);
}

#[actix::test]
async fn time_ends_the_work_also_of_an_agent_that_was_in_it_at_the_start() {
    let log = Fickle::new();
    let phone = Phone::new(DeviceId::parse("d").unwrap(), Number::parse("15000").unwrap());
    let mut voice = Voice::new(agent("15000"), phone);
    voice.handle_operation(WallTime::default(), start()).unwrap();
    let rules = Rules { after_call_time: Some(Duration::from_millis(1)), ..work_after_calls(None).rules };
    assert!(voice.handle_call_ended(clock::wall(), &rules, crate::agents::Direction::Made));
    let ended = AgentChanged::new(AgentCause::TimeOver, voice);
    assert!(matches!(
        log.append(ended.record(RecordId::draw(), clock::wall(), Expected::Any)).await,
        Outcome::Appended(_)
    ));
    let desk = Desk::over(Arc::clone(&log), Duration::from_secs(3600));
    until(&desk, "15000", Phase::Ready).await;
    let last = changes(&log).pop().unwrap();
    assert_eq!(last.cause, AgentCause::TimeOver);
    assert!(last.voice.is_ready());
}

#[actix::test]
async fn a_device_that_the_switch_does_not_know_fails_and_says_so_twice() {
    let setup = Setup { unregistered: [Number::parse("15000").unwrap()].into(), ..Setup::default() };
    let desk = Desk::manned(Fickle::new(), Settings::new(Duration::from_secs(3600)), demo_agents(), setup);
    let failed = change(&desk, "15000", Operation::NotReady { reason: None }).await;
    assert_eq!(failed, Err(CommandError::SwitchRefused("Device '15000' is not registered.".into())));
    let told = changes(&desk.log);
    assert_eq!(told[0].events, [crate::agents::Event::Error(crate::agents::Failure::NotRegistered)]);
    // So does a call from it, and what it sends to others.
    let dialled = desk.exchange.dial(&agent("15000"), dial("15001"), None).await;
    let sent = desk.exchange.reach(&agent("15000"), "SendUserEvent").await;
    assert_eq!((&dialled, &sent), (&failed, &failed));
    assert_eq!(desk.exchange.reach(&agent("15001"), "SendUserEvent").await, Ok(()));
    let names = changes(&desk.log).into_iter().map(|changed| (changed.cause, changed.events));
    let expected = ["NotReady", "Dial", "SendUserEvent"].map(|name| {
        let told = vec![crate::agents::Event::Error(crate::agents::Failure::NotRegistered)];
        (AgentCause::Operation { name: name.into(), key: None }, told)
    });
    assert_eq!(names.collect::<Vec<_>>(), expected);
    assert!(desk.log.changes().is_empty());
    assert_eq!(phase(&desk, "15000").await, Phase::LoggedOut);
    change(&desk, "15000", Operation::EndContactCenterSession).await.unwrap();
    change(&desk, "15001", start()).await.unwrap();
}

#[actix::test]
async fn no_agent_gets_the_device_or_place_of_another() {
    let desk = Desk::new();
    let other = desk.exchange.calls(&agent("15001")).await.unwrap().voice.phone.device.clone();
    let own = desk.exchange.calls(&agent("15000")).await.unwrap().voice.phone.device.clone();
    let ask = |device: Option<DeviceId>, place: Option<&str>| {
        let operation =
            Operation::StartContactCenterSession(Start { place: place.map(Into::into), ..Start::default() });
        let exchange = desk.exchange.clone();
        async move { exchange.change(&agent("15000"), AgentRequest { operation, device }, None).await }
    };
    assert_eq!(ask(Some(other), None).await, Err(Refused::InUse("15001".into()).into()));
    assert_eq!(ask(Some(DeviceId::parse("no").unwrap()), None).await, Err(Refused::NotFound.into()));
    assert_eq!(ask(None, Some("15001")).await, Err(Refused::InUse("15001".into()).into()));
    assert_eq!(ask(None, Some("15000")).await, Ok(()));
    assert_eq!(ask(Some(own), Some("Place / 7")).await, Ok(()));
    let nobody = AgentId::parse("nobody").unwrap();
    let request = AgentRequest { operation: start(), device: None };
    assert_eq!(desk.exchange.change(&nobody, request, None).await, Err(Refused::NotFound.into()));
    assert_eq!(desk.exchange.calls(&nobody).await.err(), Some(Refused::NotFound.into()));
}

#[actix::test]
async fn a_login_that_ended_is_known_until_its_cookie_is_worth_nothing() {
    let desk = Desk::new();
    let me = agent("15000");
    let (short, long) = (LoginId::draw(), LoginId::draw());
    let now = clock::wall();
    let hour = WallTime::from_millis(now.millis() + 3_600_000);
    desk.exchange.end_login(&me, long.clone(), hour).await.unwrap();
    assert!(desk.exchange.ended_logins().contains(&long));
    desk.exchange.end_login(&me, short.clone(), now).await.unwrap();
    desk.log.faults.lock().push_back(Outcome::Unknown);
    desk.exchange.end_login(&me, long.clone(), hour).await.unwrap();
    desk.log.faults.lock().push_back(Outcome::Full);
    assert_eq!(desk.exchange.end_login(&me, LoginId::draw(), hour).await, Err(CommandError::LogFull));
    // A start knows the one, and has the log forget the other.
    let later = Desk::over(Arc::clone(&desk.log), Duration::from_secs(3600));
    while !later.exchange.is_ready().await || desk.log.subjects("login/").len() > 1 {
        tokio::task::yield_now().await;
    }
    assert!(later.exchange.ended_logins().contains(&long));
    assert!(!later.exchange.ended_logins().contains(&short));
}

#[actix::test]
async fn the_place_that_an_agent_comes_back_to_may_be_anothers_by_then() {
    let start = |place: Option<&str>| {
        Operation::StartContactCenterSession(Start { place: place.map(Into::into), ..Start::default() })
    };
    let desk = Desk::new();
    change(&desk, "15000", start(Some("5002"))).await.unwrap();
    change(&desk, "15000", Operation::Offline).await.unwrap();
    // The next start knows an agent by that number.
    let mut agents = demo_agents();
    agents[1].number = Number::parse("5002").unwrap();
    let settings = Settings::new(Duration::from_secs(3600));
    let later = Desk::manned(Arc::clone(&desk.log), settings, agents, Setup::default());
    let in_use = Err(CommandError::RefusedAgent(Refused::InUse("5002".into())));
    for operation in [Operation::AuxWork, Operation::Ready(WorkMode::AutoIn), start(None)] {
        assert_eq!(change(&later, "15000", operation).await, in_use);
    }
    change(&later, "15000", start(Some("5003"))).await.unwrap();
    change(&later, "15000", Operation::Offline).await.unwrap();
    change(&later, "15000", Operation::AuxWork).await.unwrap();
    let Presence::LoggedIn(shift) = changes(&desk.log).pop().unwrap().voice.presence else { panic!("logged out") };
    assert_eq!(shift.place.as_deref(), Some("5003"));
}

#[actix::test]
async fn the_switch_is_told_of_the_device_and_the_rights_that_an_agent_has_now() {
    let log = Fickle::new();
    let desk = Desk::over(Arc::clone(&log), Duration::from_secs(3600));
    change(&desk, "15000", start()).await.unwrap();
    assert_eq!(lines(&desk).await, [("15000".to_owned(), true)]);
    let later = |edit: fn(&mut Account), setup: Setup| {
        let mut agents = demo_agents();
        edit(&mut agents[0]);
        Desk::manned(Arc::clone(&log), Settings::new(Duration::from_secs(3600)), agents, setup)
    };
    // An agent that may do nothing any more could not even say that it is not ready.
    let desk = later(|account| account.features.clear(), Setup::default());
    assert_eq!(lines(&desk).await, [("15000".to_owned(), false)]);
    let unregistered = [Number::parse("15000").unwrap()].into();
    let desk = later(|_| (), Setup { unregistered, ..Setup::default() });
    assert_eq!(lines(&desk).await, [("15000".to_owned(), false)]);
    let elsewhere = |account: &mut Account| {
        account.number = Number::parse("15009").unwrap();
        account.device = device_of(&account.number).unwrap();
    };
    assert_eq!(lines(&later(elsewhere, Setup::default())).await, [("15009".to_owned(), true)]);
    let nobody = later(|account| account.id = agent("other"), Setup::default());
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    assert!(nobody.exchange.is_ready().await && nobody.switch.lines.lock().is_empty());
}

/// The devices that the switch is told of, and whether they take calls of queues.
async fn lines(desk: &Desk) -> Vec<(String, bool)> {
    while desk.switch.lines.lock().is_empty() {
        tokio::task::yield_now().await;
    }
    let lines = desk.switch.lines.lock();
    lines.iter().map(|(number, line)| (number.to_string(), line.ready)).collect()
}
