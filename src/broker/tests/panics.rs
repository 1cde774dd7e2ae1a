//! A home whose actor panics: another takes over its sessions from the log.

use std::sync::Arc;
use std::time::Duration;

use actix::{Context, Handler, Message};
use bytes::Bytes;

use crate::bayeux::{Batch, Limits, Pattern};
use crate::broker::agents::AgentsActor;
use crate::broker::tests::kit::{connect_ack, peer, replay, settings};
use crate::broker::{Broker, Outcome, ReplayId, Rule, Rules, Settings, Store, Who};
use crate::clock;
use crate::ids::RecordId;
use crate::log::{Durability, EmbeddedConfig, EmbeddedLog, Log, Retain};
use crate::metrics::Metrics;
use crate::records::{ChannelPublished, Keep};

/// Has a home's actor panic.
#[derive(Message)]
#[rtype(result = "()")]
struct Die;

impl Handler<Die> for AgentsActor {
    type Result = ();

    fn handle(&mut self, Die: Die, _: &mut Context<Self>) {
        panic!("a test wants it so");
    }
}

async fn take(broker: &Broker, body: &str) -> String {
    let limits = Limits { batch_messages: 64, json_depth: 32, subscriptions: 128 };
    let batch = Batch::decode(&Bytes::from(body.replace('\'', "\"")), &limits).unwrap();
    match broker.take(peer("15000"), batch).await {
        Outcome::Answer { body, .. } => String::from_utf8(body).unwrap(),
        other @ (Outcome::Busy | Outcome::Denied | Outcome::Superseded) => panic!("{other:?}"),
    }
}

fn number_after(text: &str, mark: &str) -> u64 {
    let digits: String = text.rsplit(mark).next().unwrap().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

#[actix::test]
async fn sessions_of_a_home_that_died_go_on_with_their_client_ids_in_the_middle_of_their_history() {
    let retain = Retain { age: Duration::MAX, records: 1000 };
    let rule = Rule {
        pattern: Pattern::parse("/kept/**").unwrap(),
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
    let metrics = Metrics::new();
    let settings = Settings { rules, queue_messages: 20, ..settings() };
    let broker = Broker::new(settings, metrics.clone(), Arc::clone(&log));
    broker.open_here();
    while !broker.is_ready().await {
        tokio::task::yield_now().await;
    }
    let publish = |n: u32| {
        let channel = crate::bayeux::Channel::parse("/kept/a").unwrap();
        let published =
            ChannelPublished { channel, data: n.to_string().into(), binary: None, publisher: None, key: None };
        log.append(published.record(RecordId::draw(), clock::wall(), Keep::Stored))
    };
    for n in 0..20 {
        assert!(matches!(publish(n).await, crate::log::Outcome::Appended(_)));
    }
    let shaken = take(&broker, "[{'channel':'/meta/handshake','id':'1','ext':{'ack':true}}]").await;
    let client = shaken.split(r#""clientId":""#).nth(1).unwrap().split('"').next().unwrap().to_owned();
    take(&broker, &replay(&client, "'/kept/*'", "{'/kept/*':-2}")).await;
    let watch = tokio::task::spawn_local(broker.clone().watch());
    let (mut told, mut ack, mut deaths) = (Vec::new(), 0, 0);
    while told.len() < 25 {
        let page = take(&broker, &connect_ack(&client, ack)).await;
        assert!(page.contains(r#""successful":true"#), "{page}");
        if page.contains("\"data\"") && deaths < 3 {
            // The client never heard of it: the same must come again.
            deaths += 1;
            broker.address(0).unwrap().send(Die).await.unwrap_err();
            while broker.address(0).is_none_or(|address| !address.connected()) || !broker.is_ready().await {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            continue;
        }
        ack = number_after(&page, "\"ack\":");
        told.extend(
            page.split("{\"data\":").skip(1).map(|rest| number_after(rest.split(',').next().unwrap(), "\"data\":")),
        );
        if told.len() == 20 {
            for n in 20..25 {
                assert!(matches!(publish(n).await, crate::log::Outcome::Appended(_)));
            }
        }
    }
    watch.abort();
    assert_eq!(told, (0..25).collect::<Vec<u64>>());
    assert!(metrics.render().contains("partyline_actor_restarts_total{actor=\"agents\"} 3\n"));
}
