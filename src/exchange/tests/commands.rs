//! Retries, refusals and a log that takes no writes.

use std::sync::Arc;
use std::time::Duration;

use crate::calls::{AskKind, Datum, Failure, Operation, PartyState, Refused, ReportKind, UserData};
use crate::directory::demo_agents;
use crate::exchange::tests::kit::{Desk, Fickle, HANGUP, HOLD, RETRIEVE, agent, conference, dial};
use crate::exchange::{CommandError, Settings};
use crate::gws::Command;
use crate::ids::IdempotencyKey;
use crate::log::Outcome;
use crate::switch::Setup;

#[actix::test]
async fn a_retry_gets_the_first_answer_whenever_it_comes_and_nothing_is_done_twice() {
    let mut desk = Desk::new();
    let key = Some(IdempotencyKey::parse("k").unwrap());
    let me = agent("15000");
    let tries = (0..20).map(|_| desk.exchange.dial(&me, dial("15001"), key.clone()));
    let outcomes = futures_util::future::join_all(tries).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    for _ in 0..3 {
        assert_eq!(desk.exchange.dial(&me, dial("15001"), key.clone()).await, Ok(()));
    }
    assert_eq!(desk.log.changes().len(), 1);
    assert_eq!(desk.exchange.calls(&me).await.unwrap().calls.len(), 1);
    desk.asked().await;
    desk.asked().await;
    desk.assert_nothing_asked().await;
}

#[actix::test]
async fn a_key_is_the_agents_own_and_good_for_one_command() {
    let mut desk = Desk::new();
    let call = desk.establish().await;
    assert_eq!(desk.operate("15000", &call, HOLD, Some("k")).await, Ok(()));
    assert_eq!(desk.operate("15000", &call, HANGUP, Some("k")).await, Err(CommandError::KeyReused));
    assert_eq!(desk.operate("15001", &call, HANGUP, Some("k")).await, Ok(()));
    let racing = [desk.operate("15000", &call, HOLD, Some("j")), desk.operate("15000", &call, HANGUP, Some("j"))];
    let outcomes = futures_util::future::join_all(racing).await;
    assert_eq!(outcomes[1], Err(CommandError::KeyReused));
}

#[actix::test]
async fn a_refused_command_leaves_its_key_unused() {
    let mut desk = Desk::new();
    let call = desk.establish().await;
    let refused = desk.operate("15000", &call, RETRIEVE, Some("k")).await;
    assert!(matches!(refused, Err(CommandError::Refused(Refused::WrongState { .. }))), "{refused:?}");
    assert_eq!(desk.operate("15002", &call, HANGUP, None).await, Err(Refused::NotFound.into()));
    assert_eq!(desk.operate("15000", &call, HOLD, Some("k")).await, Ok(()));
}

#[actix::test]
async fn who_may_do_nothing_may_not_in_the_moment_of_its_leaving_either() {
    let mut agents = demo_agents();
    agents[2].features.clear();
    let mut desk = Desk::manned(Fickle::new(), Settings::new(Duration::from_secs(3600)), agents, Setup::default());
    let call = desk.establish().await;
    desk.operate("15000", &call, conference("15002"), None).await.unwrap();
    let leg = desk.asked().await.id;
    desk.report(&call, leg, ReportKind::Ringing).await;
    desk.until("15002", PartyState::Ringing).await;
    // That it left cannot be written down for a while: what it wants meanwhile is judged after that.
    desk.log.faults.lock().push_back(Outcome::Full);
    desk.report(&call, leg, ReportKind::Ended(Failure::NoAnswer)).await;
    while !desk.log.faults.lock().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(desk.exchange.calls(&agent("15002")).await.unwrap().calls.len(), 1);
    let update = Command::Operation(Operation::UpdateUserData(UserData::default()));
    let tries = [(update, "UpdateUserData"), (HANGUP, "Hangup")].map(async |(wanted, operation)| {
        let refused = Err(CommandError::from(Refused::NotPermitted { operation }));
        assert_eq!(desk.operate("15002", &call, wanted, None).await, refused);
    });
    futures_util::future::join_all(tries).await;
    desk.until_over("15002").await;
}

#[actix::test]
async fn a_retry_of_what_had_nothing_to_change_changes_nothing_either() {
    let mut desk = Desk::new();
    let call = desk.establish().await;
    let delete = || Command::Operation(Operation::DeleteUserDataPair("a".into()));
    assert_eq!(desk.operate("15000", &call, delete(), Some("k")).await, Ok(()));
    let data = UserData(vec![("a".into(), Datum("1".into()))]);
    let attach = Command::Operation(Operation::AttachUserData(data));
    assert_eq!(desk.operate("15001", &call, attach, None).await, Ok(()));
    let changes = desk.log.changes().len();
    assert_eq!(desk.operate("15000", &call, delete(), Some("k")).await, Ok(()));
    assert_eq!(desk.operate("15000", &call, HOLD, Some("k")).await, Err(CommandError::KeyReused));
    assert_eq!(desk.log.changes().len(), changes);
}

#[actix::test]
async fn while_the_log_takes_no_writes_a_command_is_refused_and_nothing_is_asked() {
    let mut desk = Desk::new();
    desk.log.faults.lock().push_back(Outcome::Full);
    assert_eq!(desk.exchange.dial(&agent("15000"), dial("15001"), None).await, Err(CommandError::LogFull));
    desk.assert_nothing_asked().await;
    assert!(desk.exchange.calls(&agent("15000")).await.unwrap().calls.is_empty());
    let call = desk.establish().await;
    let answered = desk.log.changes().len();
    desk.log.faults.lock().push_back(Outcome::Full);
    assert_eq!(desk.operate("15000", &call, conference("15002"), None).await, Err(CommandError::LogFull));
    assert_eq!(desk.log.changes().len(), answered);
    desk.asked_nothing_then_conference(&call).await;
}

impl Desk {
    async fn asked_nothing_then_conference(&mut self, call: &crate::ids::CallId) {
        self.assert_nothing_asked().await;
        assert_eq!(self.operate("15000", call, conference("15002"), None).await, Ok(()));
        assert!(matches!(self.asked().await.kind, AskKind::Dial { .. }));
    }
}

#[actix::test]
async fn a_report_for_a_call_that_is_over_changes_nothing_and_stops_nothing() {
    let mut desk = Desk::new();
    let (call, caller, called) = desk.dial("15000", "15001").await;
    desk.report(&call, caller, ReportKind::Ended(Failure::None)).await;
    desk.until_over("15000").await;
    let changes = desk.log.changes().len();
    desk.report(&call, called, ReportKind::Answered).await;
    desk.report(&call, called, ReportKind::Held).await;
    let too_late = Refused::WrongState { operation: "Hangup", state: "Released" };
    assert_eq!(desk.operate("15000", &call, HANGUP, None).await, Err(too_late.into()));
    assert_eq!(desk.operate("15002", &call, HANGUP, None).await, Err(Refused::NotFound.into()));
    while !matches!(desk.asked().await.kind, AskKind::Release(_)) {}
    let call = desk.establish().await;
    assert_eq!(desk.operate("15000", &call, HOLD, None).await, Ok(()));
    desk.until("15000", PartyState::Established).await;
    assert!(desk.log.changes()[changes..].iter().all(|changed| changed.family.root == call));
}

#[actix::test]
async fn the_same_operation_with_other_arguments_is_another_command() {
    let desk = Desk::new();
    let me = agent("15000");
    let key = Some(IdempotencyKey::parse("k").unwrap());
    assert_eq!(desk.exchange.dial(&me, dial("15001"), key.clone()).await, Ok(()));
    assert_eq!(desk.exchange.dial(&me, dial("15002"), key.clone()).await, Err(CommandError::KeyReused));
    assert_eq!(desk.exchange.dial(&me, dial("15001"), key).await, Ok(()));
    assert_eq!(desk.exchange.calls(&me).await.unwrap().calls.len(), 1);
}

#[actix::test]
async fn whoever_was_told_of_a_call_can_read_it_and_act_on_it_however_late_the_exchange_is_woken() {
    let log = Fickle::new();
    let me = agent("15000");
    *log.is_silent.lock() = true;
    let late = Desk::over(Arc::clone(&log), Duration::from_secs(3600));
    assert_eq!(late.exchange.calls(&me).await.unwrap().calls.len(), 0);
    *log.is_silent.lock() = false;
    let mut desk = Desk::over(log, Duration::from_secs(3600));
    let (call, ..) = desk.dial("15000", "15001").await;
    let refused = late.operate("15000", &call, HOLD, None).await;
    assert!(matches!(refused, Err(CommandError::Refused(Refused::WrongState { .. }))), "{refused:?}");
    assert_eq!(late.exchange.calls(&me).await.unwrap().calls.len(), 1);
}
