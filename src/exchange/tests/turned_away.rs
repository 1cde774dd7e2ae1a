//! Supervisors who are not brought into the call that they were to watch.

use tokio::sync::oneshot;

use crate::agents::{MonitorCalls, MonitorKind};
use crate::calls::{Failure, Operation, Refused, UserData};
use crate::exchange::supervision::Supervision;
use crate::exchange::tests::kit::{Fickle, agent, conference};
use crate::exchange::tests::supervision::{log_in, office, told, watch, watches};
use crate::gws::Command;
use crate::ids::{Number, Position};

#[actix::test]
async fn a_supervisor_for_whom_a_call_has_no_room_is_told_once_each_time_it_asks() {
    let mut desk = office(Fickle::new());
    let call = desk.establish().await;
    for other in 3..=64 {
        desk.operate("15000", &call, conference(&format!("70{other:02}")), None).await.unwrap();
        desk.asked().await;
    }
    for (calls, times, stays) in [(MonitorCalls::All, 1, true), (MonitorCalls::Next, 2, false)] {
        watch(&desk, MonitorKind::ListenIn, calls, "15001").await;
        while told(&desk, Failure::Failed) < times || watches(&desk).await.is_some() != stays {
            tokio::task::yield_now().await;
        }
        // Whatever becomes of the call, nobody tries again.
        let attach = || Command::Operation(Operation::AttachUserData(UserData::default()));
        for _ in 0..2 {
            desk.operate("15000", &call, attach(), None).await.unwrap();
            log_in(&desk, "15000").await;
        }
        assert_eq!(told(&desk, Failure::Failed), times);
        desk.assert_nothing_asked().await;
    }
    let told: Vec<_> = desk.log.changes().into_iter().flat_map(|changed| changed.events).collect();
    assert!(told.iter().all(|event| event.to.agent != agent("15002") || event.number.as_str() == "15002"));
    assert_eq!(told.iter().filter(|event| event.to.agent == agent("15002")).count(), 2, "of the call it hears nothing");
}

#[test]
fn a_supervisor_is_on_its_way_until_that_is_applied_or_refused() {
    let (me, mut supervision) = (agent("15002"), Supervision::default());
    let (before, at) = (Position::new(4), Position::new(5));
    assert!(!supervision.is_on_its_way(&me, before));
    let outcomes = [
        (Some(Ok(Some(at))), true),
        (Some(Ok(None)), false),
        (Some(Err(Refused::NotPresent(Number::parse("15001").unwrap()).into())), false),
        (None, false),
    ];
    for (outcome, then) in outcomes {
        let (tell, told) = oneshot::channel();
        supervision.send(me.clone(), told);
        assert!(supervision.is_on_its_way(&me, before));
        match outcome {
            Some(outcome) => tell.send(outcome).unwrap(),
            None => drop(tell),
        }
        assert_eq!(supervision.is_on_its_way(&me, before), then);
        assert!(!supervision.is_on_its_way(&me, at));
    }
}
