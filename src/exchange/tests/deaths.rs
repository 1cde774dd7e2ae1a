//! Actors that die are started again, and nothing is lost with them.

use std::sync::Arc;
use std::time::Duration;

use actix::{Handler, Message};

use crate::calls::PartyState;
use crate::directory::{Agent, demo_agents, device_of};
use crate::exchange::Settings;
use crate::exchange::ingress::CommandIngress;
use crate::exchange::tests::kit::{Desk, Fickle, HOLD, agent, dial};
use crate::ids::Number;
use crate::switch::Setup;

/// Kills the ingress.
#[derive(Message)]
#[rtype(result = "()")]
struct Die;

impl Handler<Die> for CommandIngress {
    type Result = ();

    fn handle(&mut self, Die: Die, _: &mut Self::Context) {
        panic!("the ingress dies, as the test wants it to");
    }
}

#[actix::test]
async fn another_ingress_knows_the_calls_and_the_keys() {
    let mut desk = Desk::new();
    let call = desk.establish().await;
    assert_eq!(desk.operate("15000", &call, HOLD, Some("k")).await, Ok(()));
    assert!(desk.exchange.door().address().send(Die).await.is_err());
    desk.until("15000", PartyState::Established).await;
    let changes = desk.log.changes().len();
    assert_eq!(desk.operate("15000", &call, HOLD, Some("k")).await, Ok(()));
    assert_eq!(desk.log.changes().len(), changes);
    assert_eq!(desk.operate("15001", &call, HOLD, None).await, Ok(()));
    assert!(desk.counts("partyline_actor_restarts_total{actor=\"ingress\"} 1"));
}

#[actix::test]
async fn another_link_carries_out_what_is_open_and_goes_on_listening() {
    let mut desk = Desk::new();
    *desk.switch.panics.lock() = 1;
    assert_eq!(desk.exchange.dial(&agent("15000"), dial("15001"), None).await, Ok(()));
    let call = desk.exchange.calls(&agent("15000")).await.unwrap().calls[0].call.id.clone();
    let (caller, called) = (desk.asked().await.id, desk.asked().await.id);
    desk.report(&call, caller, crate::calls::ReportKind::Answered).await;
    desk.report(&call, called, crate::calls::ReportKind::Answered).await;
    desk.until("15000", PartyState::Established).await;
    assert!(desk.counts("partyline_actor_restarts_total{actor=\"switch_link\"} 1"));
}

#[actix::test]
async fn a_start_carries_out_what_is_open_in_the_order_in_which_it_was_asked() {
    let names: Vec<String> = (15_000..15_010).map(|name| name.to_string()).collect();
    let account = |name: &String| {
        let number = Number::parse(name).unwrap();
        Agent { id: agent(name), device: device_of(&number).unwrap(), number, ..demo_agents()[0].clone() }
    };
    let office = |log| {
        let settings = Settings::new(Duration::from_secs(3600));
        Desk::manned(log, settings, names.iter().map(account).collect(), Setup::default())
    };
    let mut desk = office(Fickle::new());
    let mut asked = Vec::new();
    for name in &names {
        desk.exchange.dial(&agent(name), dial("7001"), None).await.unwrap();
        asked.extend([desk.asked().await.id, desk.asked().await.id]);
    }
    let mut later = office(Arc::clone(&desk.log));
    let mut again = Vec::new();
    while again.len() < asked.len() {
        again.push(later.asked().await.id);
    }
    assert_eq!(again, asked);
}
