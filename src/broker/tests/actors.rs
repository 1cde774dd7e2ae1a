//! The homes as actors, by their way in.

use std::sync::Arc;

use actix::Arbiter;
use bytes::Bytes;
use futures_util::FutureExt;

use crate::bayeux::{Batch, Limits};
use crate::broker::tests::kit::{connect, nobody, peer, publish, settings, subscribe};
use crate::broker::{Anonymous, Broker, Outcome, Peer, Receipt, Settings};
use crate::log::{Durability, EmbeddedConfig, EmbeddedLog};
use crate::metrics::Metrics;

const HOMES: usize = 4;
const SHAKE: &str = "[{'channel':'/meta/handshake','id':'1'}]";

async fn broker() -> (Broker, Metrics) {
    let config = EmbeddedConfig { durability: Durability::Memory, ..EmbeddedConfig::default() };
    let log = Arc::new(EmbeddedLog::open(config, Arc::new(())).unwrap());
    let metrics = Metrics::new();
    let settings = Settings { anonymous: Anonymous::Allow, homes: HOMES, ..settings() };
    let broker = Broker::start(settings, metrics.clone(), log, vec![Arbiter::current(); HOMES]);
    while !broker.is_ready().await {
        tokio::task::yield_now().await;
    }
    (broker, metrics)
}

fn batch(body: &str) -> Batch {
    let limits = Limits { batch_messages: 64, json_depth: 32, subscriptions: 128 };
    Batch::decode(&Bytes::from(body.replace('\'', "\"")), &limits).unwrap()
}

async fn take(broker: &Broker, peer: &Peer, body: &str) -> (String, Option<Receipt>) {
    match broker.take(peer.clone(), batch(body)).await {
        Outcome::Answer { body, receipt } => (String::from_utf8(body).unwrap(), receipt),
        other @ (Outcome::Busy | Outcome::Superseded) => panic!("{other:?}"),
    }
}

async fn shake(broker: &Broker, peer: &Peer) -> String {
    let (body, _) = take(broker, peer, SHAKE).await;
    body.split(r#""clientId":""#).nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[actix::test]
async fn a_session_lives_where_its_client_id_leads_also_if_nobody_is_logged_in() {
    let (broker, _) = broker().await;
    for _ in 0..20 {
        let client = shake(&broker, &nobody()).await;
        let (body, _) = take(&broker, &nobody(), &connect(&client)).await;
        assert!(body.contains(r#""successful":true"#), "{body}");
    }
}

#[actix::test]
async fn what_a_dropped_body_carried_comes_again_and_what_was_written_does_not() {
    let (broker, metrics) = broker().await;
    let me = peer("15000");
    let client = shake(&broker, &me).await;
    take(&broker, &me, &subscribe(&client, "/demo/a")).await;
    let (body, receipt) = take(&broker, &me, &publish(&client, "/demo/a", "1")).await;
    assert!(body.contains(r#""data":1"#), "{body}");
    drop(receipt.expect("a receipt"));
    let (again, receipt) = take(&broker, &me, &connect(&client)).await;
    assert!(again.contains(r#""data":1"#), "{again}");
    receipt.expect("a receipt").written();
    assert!(broker.take(me, batch(&connect(&client))).now_or_never().is_none(), "nothing is owed");
    assert!(metrics.render().contains("partyline_redeliveries_total{cause=\"lost\"} 1\n"));
}

#[actix::test]
async fn a_client_that_stops_waiting_gives_its_parked_connect_up() {
    let (broker, metrics) = broker().await;
    let me = peer("15000");
    let client = shake(&broker, &me).await;
    take(&broker, &me, &subscribe(&client, "/demo/a")).await;
    take(&broker, &me, &connect(&client)).await;
    let parked = broker.take(me.clone(), batch(&connect(&client)));
    assert!(parked.now_or_never().is_none());
    let (body, _) = take(&broker, &me, &publish(&client, "/demo/a", "1")).await;
    assert!(body.contains(r#""data":1"#), "it rides along with the next answer: {body}");
    assert!(metrics.render().contains("partyline_connects_total{outcome=\"lost\"} 1\n"));
}
