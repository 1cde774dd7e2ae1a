//! The homes as actors, by their way in.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;

use crate::bayeux::{Batch, Limits, Pattern};
use crate::broker::tests::kit::{connect, nobody, peer, publish, replay, settings, subscribe};
use crate::broker::{
    Anonymous, Binding, Broker, Delivery, Line, Outcome, Peer, Receipt, ReplayId, Rule, Rules, Settings, Shown, Store,
    Who,
};
use crate::ids::BrowserCookie;
use crate::log::{Durability, EmbeddedConfig, EmbeddedLog, Log, Retain};
use crate::metrics::Metrics;
use crate::upstream::{Asking, Endpoint, Question, Upstream};
use crate::websocket::{Decoder, Message, Role};

const HOMES: usize = 4;
const SHAKE: &str = "[{'channel':'/meta/handshake','id':'1'}]";

async fn broker() -> (Broker, Metrics) {
    let config = EmbeddedConfig { durability: Durability::Memory, ..EmbeddedConfig::default() };
    broker_on(Arc::new(EmbeddedLog::open(config, Arc::new(())).unwrap())).await
}

async fn broker_on(log: Arc<dyn Log>) -> (Broker, Metrics) {
    broker_of(log, settings()).await
}

async fn broker_of(log: Arc<dyn Log>, settings: Settings) -> (Broker, Metrics) {
    let metrics = Metrics::new();
    let settings = Settings { anonymous: Anonymous::Allow, homes: HOMES, ..settings };
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
        other @ (Outcome::Busy | Outcome::Denied | Outcome::Superseded) => panic!("{other:?}"),
    }
}

async fn shake(broker: &Broker, peer: &Peer) -> String {
    let (body, _) = take(broker, peer, SHAKE).await;
    body.split(r#""clientId":""#).nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// Nobody in particular, at a browser of their own.
fn somebody(n: usize) -> Peer {
    Peer { cookie: BrowserCookie::presented(&n.to_string()), ..nobody() }
}

#[actix::test]
async fn a_session_of_nobody_lives_where_its_browser_leads_or_its_client_id_if_that_is_enough() {
    let (broker, _) = broker().await;
    for n in 0..20 {
        let client = shake(&broker, &somebody(n)).await;
        let (body, _) = take(&broker, &somebody(n), &connect(&client)).await;
        assert!(body.contains(r#""successful":true"#), "{body}");
    }
    let config = EmbeddedConfig { durability: Durability::Memory, ..EmbeddedConfig::default() };
    let log = Arc::new(EmbeddedLog::open(config, Arc::new(())).unwrap());
    let (broker, _) = broker_of(log, Settings { binding: Binding::ClientId, ..settings() }).await;
    for n in 0..20 {
        let client = shake(&broker, &somebody(n)).await;
        let (body, _) = take(&broker, &somebody(n + 1), &connect(&client)).await;
        assert!(body.contains(r#""successful":true"#), "{body}");
    }
}

#[actix::test]
async fn the_tabs_of_one_browser_are_counted_together_also_if_nobody_is_logged_in() {
    let (broker, _) = broker().await;
    for browser in 0..4 {
        let mut slow = 0;
        for _ in 0..8 {
            let client = shake(&broker, &somebody(browser)).await;
            let (body, _) = take(&broker, &somebody(browser), &connect(&client)).await;
            slow += usize::from(body.contains("multiple-clients"));
        }
        assert_eq!(slow, 7, "one of eight holds its connects");
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

/// A back end that never answers.
#[derive(Debug)]
struct Silent;

impl Upstream for Silent {
    fn ask(&self, _: &Endpoint, _: Question) -> Asking {
        Box::pin(std::future::pending())
    }
}

#[actix::test]
async fn a_question_that_is_open_at_a_stop_is_answered_that_nobody_knows() {
    let rule = Rule {
        pattern: Pattern::parse("/service/crm").unwrap(),
        subscribe: Who::Nobody,
        publish: Who::Agents,
        create: Who::Nobody,
        store: Store::Volatile,
        lazy: None,
        upstream: Some(Endpoint::parse("http://crm/ask").unwrap()),
        broadcast_to_publisher: None,
    };
    let settings = Settings { rules: Rules::new(vec![rule]), upstream: Arc::new(Silent), homes: HOMES, ..settings() };
    let config = EmbeddedConfig { durability: Durability::Memory, ..EmbeddedConfig::default() };
    let log: Arc<dyn Log> = Arc::new(EmbeddedLog::open(config, Arc::new(())).unwrap());
    let start = || async {
        let broker = Broker::new(settings.clone(), Metrics::new(), Arc::clone(&log));
        (0..HOMES).for_each(|_| broker.open_here());
        while !broker.is_ready().await {
            tokio::task::yield_now().await;
        }
        broker
    };
    let broker = start().await;
    let me = peer("15000");
    let client = shake(&broker, &me).await;
    let (body, _) = take(&broker, &me, &publish(&client, "/service/crm", "1")).await;
    assert!(body.contains(r#""successful":true"#), "{body}");
    broker.stop().await;
    let broker = start().await;
    let (body, _) = take(&broker, &me, &connect(&client)).await;
    let told = r#"[{"data":null,"channel":"/service/crm","id":"p","successful":false,"error":"502:/service/crm:upstream_broken"},"#;
    assert!(body.starts_with(told), "{body}");
}

#[actix::test]
async fn once_a_page_was_written_the_next_one_is_owed_before_its_client_comes_back() {
    let retain = Retain { age: Duration::MAX, records: 100 };
    let rule = Rule {
        pattern: Pattern::parse("/kept/*").unwrap(),
        subscribe: Who::Agents,
        publish: Who::Agents,
        create: Who::Agents,
        store: Store::Durable { retain, replay_id: ReplayId::InExt },
        lazy: None,
        upstream: None,
        broadcast_to_publisher: None,
    };
    let rules = Rules::new(vec![rule]);
    let retention = Arc::new(rules.clone());
    let config = EmbeddedConfig { durability: Durability::Memory, retention, ..EmbeddedConfig::default() };
    let log: Arc<dyn Log> = Arc::new(EmbeddedLog::open(config, Arc::new(())).unwrap());
    let broker = Broker::new(Settings { rules, queue_messages: 8, ..settings() }, Metrics::new(), Arc::clone(&log));
    broker.open_here();
    while !broker.is_ready().await {
        tokio::task::yield_now().await;
    }
    let me = peer("15000");
    let client = shake(&broker, &me).await;
    for n in 0..6 {
        take(&broker, &me, &publish(&client, "/kept/a", &n.to_string())).await;
    }
    take(&broker, &me, &replay(&client, "'/kept/a'", "{'/kept/a':-2}")).await;
    let (body, receipt) = loop {
        let (body, receipt) = take(&broker, &me, &connect(&client)).await;
        if receipt.is_some() {
            break (body, receipt);
        }
    };
    assert_eq!(body.matches("\"data\"").count(), 2, "{body}");
    let before = log.head();
    receipt.expect("a receipt").written();
    while log.head() == before {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// What comes down a line next.
async fn frame(line: &mut Line) -> String {
    match std::future::poll_fn(|cx| line.poll_delivery(cx)).await {
        Delivery::Frame(frame) => {
            let message = Decoder::new(Role::Client, 1 << 20).next(&mut BytesMut::from(&*frame)).unwrap().unwrap();
            let Message::Text(text) = message else { panic!("{message:?}") };
            String::from_utf8(text.to_vec()).unwrap()
        }
        other @ (Delivery::Closing | Delivery::Last(_) | Delivery::Overloaded) => panic!("{other:?}"),
    }
}

#[actix::test]
async fn a_handshake_takes_a_socket_over_from_sessions_of_other_homes() {
    let config = EmbeddedConfig { durability: Durability::Memory, ..EmbeddedConfig::default() };
    let log = Arc::new(EmbeddedLog::open(config, Arc::new(())).unwrap());
    let (broker, _) = broker_of(log, Settings { binding: Binding::ClientId, ..settings() }).await;
    let mut line = broker.line(nobody(), Shown::Cookie);
    for n in 0..12 {
        line.take(batch(SHAKE)).unwrap();
        let shaken = frame(&mut line).await;
        let client = shaken.split(r#""clientId":""#).nth(1).unwrap().split('"').next().unwrap().to_owned();
        for body in [subscribe(&client, "/open/a"), connect(&client)] {
            line.take(batch(&body)).unwrap();
            frame(&mut line).await;
        }
        line.take(batch(&connect(&client))).unwrap();
        // Of all that subscribed here by now, the newest session alone is told.
        let (one, other) = (format!("[{{\"data\":{n},"), format!("[{{\"data\":\"next to {n}\","));
        for data in [n.to_string(), format!("'next to {n}'")] {
            take(&broker, &nobody(), &publish(&client, "/open/a", &data)).await;
        }
        let told = [frame(&mut line).await, frame(&mut line).await];
        assert!(told[0].starts_with(&one) && told[1].starts_with(&other), "{told:?}");
    }
}
