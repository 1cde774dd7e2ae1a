//! Changes of one call that race, and asks that nobody answers.

use std::sync::Arc;
use std::time::Duration;

use crate::calls::{
    AskKind, Asker, Datum, EventKind, Failure, Operation, PartyState, Refused, ReportKind, Right, UserData,
};
use crate::clock;
use crate::directory::demo_agents;
use crate::exchange::tests::kit::{Desk, Fickle, HANGUP, HOLD, RULES, agent, conference};
use crate::exchange::{CommandError, Settings};
use crate::gws::Command;
use crate::ids::{Number, RecordId};
use crate::log::{Expected, Log, Outcome};
use crate::records;
use crate::records::{CallChanged, Cause, Payload};
use crate::switch::Setup;

#[actix::test]
async fn two_agents_conference_the_same_call_at_once_and_both_are_accepted_in_the_order_of_the_log() {
    let mut desk = Desk::new();
    let call = desk.establish().await;
    let (one, other) = tokio::join!(
        desk.operate("15000", &call, conference("15002"), None),
        desk.operate("15001", &call, conference("7001"), None),
    );
    assert_eq!((one, other), (Ok(()), Ok(())));
    let (first, second) = (desk.asked().await, desk.asked().await);
    assert!(first.id.record < second.id.record);
    let newest = desk.log.changes().pop().unwrap();
    assert_eq!(newest.family.asks, [first, second]);
}

/// The call's next record, as another writer would make it: 15001 asks for hold.
fn rival(desk: &Desk, call: &crate::ids::CallId, command: Operation) -> crate::log::NewRecord {
    let record = desk.log.newest(&CallChanged::subject(call)).unwrap().unwrap();
    let Payload::CallChanged(changed) = records::decode(&record).unwrap() else { panic!("no call") };
    let mut family = changed.family;
    let asker = Asker { agent: agent("15001"), voice: Right::Granted };
    family.handle_operation(clock::wall(), RULES, &asker, call, command).unwrap();
    let cause = Cause::Operation { name: "Rival".into(), agent: agent("15001"), key: None };
    CallChanged::new(cause, family).record(RecordId::draw(), clock::wall(), Expected::At(record.position))
}

#[actix::test]
async fn a_change_that_loses_a_race_is_decided_again_on_what_the_other_wrote() {
    let mut desk = Desk::new();
    let call = desk.establish().await;
    let rival = rival(&desk, &call, Operation::Hold);
    *desk.log.rival.lock() = Some(rival);
    assert_eq!(desk.operate("15000", &call, HOLD, None).await, Ok(()));
    let newest = desk.log.changes().pop().unwrap();
    assert_eq!(newest.family.asks.len(), 2, "the other's ask is still there");
    let asks = [desk.asked().await, desk.asked().await];
    assert!(asks.iter().all(|ask| matches!(ask.kind, AskKind::Hold(_))));
}

#[actix::test]
async fn a_change_that_loses_every_race_is_refused_as_busy() {
    let mut desk = Desk::new();
    let call = desk.establish().await;
    desk.log.faults.lock().extend([Outcome::Conflict; 9]);
    assert_eq!(desk.operate("15000", &call, HOLD, None).await, Err(CommandError::Busy));
    assert_eq!(desk.operate("15000", &call, HOLD, None).await, Ok(()));
}

#[actix::test]
async fn an_ask_that_the_switch_leaves_unanswered_is_told_to_who_asked() {
    let log = Fickle::new();
    let mut patient = Desk::over(Arc::clone(&log), Duration::from_secs(3600));
    let call = patient.establish().await;
    assert!(patient.counts("partyline_switch_asks_total{outcome=\"done\"} 2"));
    let mut desk = Desk::over(log, Duration::from_millis(40));
    assert_eq!(desk.operate("15000", &call, conference("15002"), None).await, Ok(()));
    let asked = desk.asked().await;
    let AskKind::Release(leg) = desk.asked().await.kind else { panic!("the leg is not given up") };
    assert_eq!(leg, asked.id);
    let changes = desk.log.changes();
    let timeouts: Vec<&CallChanged> =
        changes.iter().filter(|changed| matches!(changed.cause, Cause::Timeout { ask } if ask == asked.id)).collect();
    assert_eq!(timeouts.len(), 1, "once");
    let told: Vec<EventKind> = timeouts[0].events.iter().map(|event| event.kind).collect();
    assert_eq!(told, [EventKind::Error(Failure::Timeout)]);
    assert_eq!(timeouts[0].events[0].to.agent, agent("15000"));
    assert!(desk.counts("partyline_switch_asks_total{outcome=\"timed_out\"} 1"));
}

#[actix::test]
async fn an_ask_that_was_open_when_the_server_ended_is_given_up_by_the_next() {
    let log = Fickle::new();
    let mut desk = Desk::over(Arc::clone(&log), Duration::from_secs(3600));
    let call = desk.establish().await;
    assert_eq!(desk.operate("15000", &call, conference("15002"), None).await, Ok(()));
    let asked = desk.asked().await;
    drop(desk);
    let mut desk = Desk::over(log, Duration::from_millis(200));
    assert_eq!(desk.asked().await.id, asked.id, "it is asked again, under the same name");
    assert!(matches!(desk.asked().await.kind, AskKind::Release(leg) if leg == asked.id));
    drop(desk);
}

#[actix::test]
async fn a_report_is_written_down_once_the_log_takes_writes_again() {
    let mut desk = Desk::new();
    let call = desk.establish().await;
    assert_eq!(desk.operate("15000", &call, HOLD, None).await, Ok(()));
    let AskKind::Hold(leg) = desk.asked().await.kind else { panic!("not asked to hold") };
    desk.log.faults.lock().push_back(Outcome::Full);
    desk.report(&call, leg, ReportKind::Held).await;
    desk.until("15000", PartyState::Held).await;
    assert!(desk.log.faults.lock().is_empty());
}

#[actix::test]
async fn an_agent_is_offered_one_call_at_a_time_and_nobody_is_asked_for_it_before_it_accepts() {
    let mut desk = Desk::new();
    desk.offer("7000", "7001").await;
    desk.offer("15000", "7001").await;
    desk.until("15000", PartyState::Preview).await;
    desk.offer("15000", "7002").await;
    desk.offer("15001", "7003").await;
    desk.until("15001", PartyState::Preview).await;
    desk.assert_nothing_asked().await;
    let calls = desk.exchange.calls(&agent("15000")).await.unwrap().calls;
    assert_eq!(calls.len(), 1);
    let call = calls[0].call.id.clone();
    // A start knows it, and has no leg restored for it.
    let mut later = Desk::over(Arc::clone(&desk.log), Duration::from_secs(3600));
    later.until("15000", PartyState::Preview).await;
    later.assert_nothing_asked().await;
    later.operate("15000", &call, Command::Operation(Operation::Accept), None).await.unwrap();
    assert!(matches!(later.asked().await.kind, AskKind::Connect(_)));
    let ask = later.asked().await;
    assert!(matches!(&ask.kind, AskKind::Dial { number, .. } if number.as_str() == "7001"), "{ask:?}");
    let other = later.exchange.calls(&agent("15001")).await.unwrap().calls[0].call.id.clone();
    later.operate("15001", &other, Command::Operation(Operation::Decline), None).await.unwrap();
    later.until_over("15001").await;
    later.assert_nothing_asked().await;
}

#[actix::test]
async fn an_agent_is_offered_no_second_call_while_the_first_one_is_on_its_way() {
    let log = Fickle::new();
    // What is written down is not seen.
    *log.is_silent.lock() = true;
    let mut desk = Desk::over(Arc::clone(&log), Duration::from_secs(3600));
    for (name, customer) in [("15000", "7001"), ("15000", "7002"), ("15001", "7003")] {
        desk.offer(name, customer).await;
        desk.assert_nothing_asked().await;
    }
    let customers =
        || log.changes().into_iter().map(|changed| changed.family.calls[0].parties[1].endpoint.number.clone());
    assert_eq!(customers().map(|number| number.to_string()).collect::<Vec<_>>(), ["7001", "7003"]);
}

#[actix::test]
async fn a_call_in_a_queue_of_which_the_switch_says_nothing_any_more_is_given_up() {
    let setup = Setup { queue_timeout: Some(Duration::ZERO), ..Setup::default() };
    let settings = Settings::new(Duration::from_secs(1));
    let mut desk = Desk::manned(Fickle::new(), settings, demo_agents(), setup);
    let (call, caller, queue) = desk.dial("15000", "6000").await;
    desk.report(&call, caller, ReportKind::Answered).await;
    desk.report(&call, queue, ReportKind::Queued(Number::parse("6000").unwrap())).await;
    desk.until_over("15000").await;
    let last = desk.log.changes().pop().unwrap();
    assert!(matches!(last.cause, Cause::Timeout { ask } if ask == queue), "{last:?}");
    assert!(last.events.iter().any(|event| event.kind == EventKind::Error(Failure::Timeout)), "{last:?}");
    // The switch is to let it go, should it know of it.
    let asked = [desk.asked().await.kind, desk.asked().await.kind];
    assert!(asked.contains(&AskKind::Release(queue)) && asked.contains(&AskKind::Release(caller)), "{asked:?}");
}

#[actix::test]
async fn a_call_that_an_agent_does_not_make_in_time_is_offered_no_more_also_after_a_restart() {
    let calm = || Settings::new(Duration::from_secs(3600));
    let patient = Desk::with(Fickle::new(), calm());
    for (name, customer) in [("15000", "7001"), ("15001", "7002")] {
        patient.offer(name, customer).await;
        patient.until(name, PartyState::Preview).await;
    }
    let setup = Setup { preview_timeout: Some(Duration::from_millis(100)), ..Setup::default() };
    let desk = Desk::manned(Arc::clone(&patient.log), calm(), demo_agents(), setup);
    desk.until_over("15000").await;
    desk.until_over("15001").await;
    let last = desk.log.changes().pop().unwrap();
    assert!(matches!(last.cause, Cause::Timeout { .. }), "{last:?}");
    assert!(matches!(last.family.calls[0].parties[0].state, PartyState::PreviewCancelled(_)), "{last:?}");
    // It is told once.
    let told = desk.log.changes().into_iter().flat_map(|changed| changed.events);
    assert_eq!(told.count(), 2 + 2);
}

#[actix::test]
async fn what_waits_while_a_call_ends_is_judged_as_of_a_call_that_is_over() {
    let mut desk = Desk::new();
    let call = desk.establish().await;
    assert_eq!(desk.operate("15000", &call, HANGUP, None).await, Ok(()));
    let AskKind::Release(leg) = desk.asked().await.kind else { panic!("not asked to release") };
    // The end of the call is written down at the second try, and what comes meanwhile waits for it.
    desk.log.faults.lock().push_back(Outcome::Full);
    desk.report(&call, leg, ReportKind::Ended(Failure::None)).await;
    while !desk.log.faults.lock().is_empty() {
        tokio::task::yield_now().await;
    }
    let (late, data, stranger) = tokio::join!(
        desk.operate("15001", &call, HANGUP, None),
        desk.operate("15001", &call, update(), None),
        desk.operate("15002", &call, HANGUP, None),
    );
    assert_eq!(late, Err(Refused::WrongState { operation: "Hangup", state: "Released" }.into()));
    assert_eq!((data, stranger), (Ok(()), Err(Refused::NotFound.into())));
    desk.until_over("15001").await;
}

/// Data that a desktop attaches by itself.
fn update() -> Command {
    let data = UserData(vec![("code".into(), Datum("1".into()))]);
    Command::Operation(Operation::UpdateUserData(data))
}
