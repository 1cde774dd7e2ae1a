//! The homes as actors, by their way in.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;

use crate::bayeux::{Batch, Limits};
use crate::broker::tests::kit::{connect, nobody, peer, publish, settings, subscribe};
use crate::broker::{Anonymous, Broker, Outcome, Peer, Receipt, Settings};
use crate::log::{Durability, EmbeddedConfig, EmbeddedLog, Log};
use crate::metrics::Metrics;

const HOMES: usize = 4;
const SHAKE: &str = "[{'channel':'/meta/handshake','id':'1'}]";

async fn broker() -> (Broker, Metrics) {
    let config = EmbeddedConfig { durability: Durability::Memory, ..EmbeddedConfig::default() };
    broker_on(Arc::new(EmbeddedLog::open(config, Arc::new(())).unwrap())).await
}

async fn broker_on(log: Arc<dyn Log>) -> (Broker, Metrics) {
    let metrics = Metrics::new();
    let settings = Settings { anonymous: Anonymous::Allow, homes: HOMES, ..settings() };
    let broker = Broker::new(settings, metrics.clone(), log);
    assert!(!broker.is_ready().await, "nobody has opened its homes");
    (0..=HOMES).for_each(|_| broker.open_here());
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

#[actix::test]
async fn a_stop_waits_for_word_of_what_is_on_its_way_and_takes_nothing_more() {
    let config = EmbeddedConfig { durability: Durability::Memory, ..EmbeddedConfig::default() };
    let log: Arc<dyn Log> = Arc::new(EmbeddedLog::open(config, Arc::new(())).unwrap());
    let (broker, _) = broker_on(Arc::clone(&log)).await;
    let me = peer("15000");
    let client = shake(&broker, &me).await;
    take(&broker, &me, &subscribe(&client, "/demo/a")).await;
    let (body, receipt) = take(&broker, &me, &publish(&client, "/demo/a", "1")).await;
    assert!(body.contains(r#""data":1"#), "{body}");
    let stopping = broker.clone();
    let stop = actix::spawn(async move { stopping.stop().await });
    while let Outcome::Answer { .. } = broker.take(me.clone(), batch(&subscribe(&client, "/demo/a"))).await {}
    assert!(!stop.is_finished(), "nobody knows what became of the response");
    receipt.expect("a receipt").written();
    stop.await.unwrap();

    let (broker, _) = broker_on(log).await;
    take(&broker, &me, &publish(&client, "/demo/a", "2")).await;
    let (body, _) = take(&broker, &me, &connect(&client)).await;
    assert!(body.contains(r#""data":2"#) && !body.contains(r#""data":1"#), "{body}");
}
