//! Frames of one socket are carried out in their order, whatever each of them has to wait for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use expect_test::expect;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::bayeux::Pattern;
use crate::broker::line::{LineId, Out, Parcel, Shown};
use crate::broker::tests::kit::{Desk, connect, peer, publish, replay, settings, subscribe};
use crate::broker::{ReplayId, Rule, Rules, Settings, Store, Who};
use crate::log::{Log, Retain};
use crate::metrics::EndReason;
use crate::websocket::{Decoder, Message, Role};

/// A client at a socket that sends without waiting for answers.
struct Client {
    desk: Desk,
    out: Arc<Out>,
    parcels: mpsc::Receiver<Parcel>,
    waits: Vec<u64>,
    told: Vec<String>,
}

impl Client {
    fn new(settings: Settings) -> Self {
        let (out, parcels) = Out::pair(LineId(7), Shown::Cookie);
        let mut desk = Desk::with(settings);
        desk.plug(Some(&out));
        desk.shake(&peer("15000"), "one", "");
        desk.ask(&peer("15000"), &connect("one"));
        desk.plug(None);
        Self { desk, out, parcels, waits: Vec::new(), told: Vec::new() }
    }

    fn send(&mut self, body: &str) {
        let key = self.desk.send_from(&self.out, &peer("15000"), body);
        self.waits.push(key);
        self.look();
    }

    /// Takes in what has come, in the order in which it came.
    fn look(&mut self) {
        while let Ok(parcel) = self.parcels.try_recv() {
            let told = match parcel {
                Parcel::Events { frame, flow } => {
                    flow.take();
                    text(&frame)
                }
                Parcel::Answer { frame, .. } => {
                    let frame = String::from_utf8(frame.unwrap().to_vec()).unwrap();
                    let (key, answer) = frame.split_once(' ').unwrap();
                    self.waits.retain(|wait| wait.to_string() != key);
                    answer.to_owned()
                }
                other @ (Parcel::Dropped | Parcel::Last(_)) => panic!("{other:?}"),
            };
            self.told.push(told);
        }
    }

    fn step(&mut self) -> bool {
        let more = self.desk.step();
        self.look();
        more
    }

    /// All that is told from now on, a frame a line.
    fn rest(&mut self) -> String {
        while self.step() {}
        assert_eq!(self.waits, [0; 0], "no answer");
        self.told.drain(..).map(|told| format!("{told}\n")).collect()
    }
}

fn text(frame: &[u8]) -> String {
    let frame = Decoder::new(Role::Client, 1 << 20).next(&mut BytesMut::from(frame)).unwrap().unwrap();
    let Message::Text(text) = frame else { panic!("{frame:?}") };
    String::from_utf8(text.to_vec()).unwrap()
}

fn unsubscribe(pattern: &str) -> String {
    format!("[{{'channel':'/meta/unsubscribe','id':'u','clientId':'one','subscription':'{pattern}'}}]")
}

fn roomy() -> Settings {
    Settings { queue_messages: 1000, ..settings() }
}

#[test]
fn what_is_published_after_subscribes_is_heard_by_them() {
    let mut client = Client::new(roomy());
    for channel in ["/demo/a", "/demo/b", "/demo/c"] {
        client.send(&subscribe("one", channel));
    }
    client.send(&publish("one", "/demo/c", "1"));
    expect![[r#"
        [{"channel":"/meta/subscribe","id":"s","subscription":"/demo/a","successful":true}]
        [{"channel":"/meta/subscribe","id":"s","subscription":"/demo/b","successful":true}]
        [{"channel":"/meta/subscribe","id":"s","subscription":"/demo/c","successful":true}]
        [{"data":1,"channel":"/demo/c"}]
        [{"channel":"/demo/c","id":"p","successful":true}]
    "#]]
    .assert_eq(&client.rest());
    client.send(&unsubscribe("/demo/a"));
    client.send(&publish("one", "/demo/c", "2"));
    client.send(&unsubscribe("/demo/c"));
    client.send(&publish("one", "/demo/c", "3"));
    expect![[r#"
        [{"channel":"/meta/unsubscribe","id":"u","subscription":"/demo/a","successful":true}]
        [{"data":2,"channel":"/demo/c"}]
        [{"channel":"/demo/c","id":"p","successful":true}]
        [{"channel":"/meta/unsubscribe","id":"u","subscription":"/demo/c","successful":true}]
        [{"channel":"/demo/c","id":"p","successful":true}]
    "#]]
    .assert_eq(&client.rest());
    client.desk.assert_idle();
}

#[test]
fn a_frame_of_several_messages_is_whole_before_the_next() {
    let mut client = Client::new(roomy());
    let subscribes = [subscribe("one", "/demo/a"), subscribe("one", "/demo/b")].concat().replace("][", ",");
    client.send(&subscribes);
    client.send(&publish("one", "/demo/b", "1"));
    client.send(&unsubscribe("/demo/b"));
    client.send(&publish("one", "/demo/b", "2"));
    expect![[r#"
        [{"channel":"/meta/subscribe","id":"s","subscription":"/demo/a","successful":true},{"channel":"/meta/subscribe","id":"s","subscription":"/demo/b","successful":true}]
        [{"data":1,"channel":"/demo/b"}]
        [{"channel":"/demo/b","id":"p","successful":true}]
        [{"channel":"/meta/unsubscribe","id":"u","subscription":"/demo/b","successful":true}]
        [{"channel":"/demo/b","id":"p","successful":true}]
    "#]]
    .assert_eq(&client.rest());
}

#[test]
fn who_has_left_publishes_no_more() {
    let mut client = Client::new(roomy());
    client.send("[{'channel':'/meta/disconnect','id':'d','clientId':'one'}]");
    client.send(&publish("one", "/demo/a", "1"));
    expect![[r#"
        [{"channel":"/meta/disconnect","id":"d","successful":true}]
        [{"channel":"/demo/a","id":"p","successful":false,"error":"402::session_unknown"}]
    "#]]
    .assert_eq(&client.rest());
    client.desk.assert_idle();
}

#[test]
fn replies_come_in_order_also_where_the_server_ends_the_session_meanwhile() {
    let mut client = Client::new(roomy());
    client.send(&subscribe("one", "/demo/a"));
    client.send(&publish("one", "/demo/a", "1"));
    client.send(&subscribe("one", "/demo/b"));
    let session = client.desk.sessions.live.iter().next().unwrap().1.state.session;
    assert!(client.desk.sessions.handle_end(client.desk.now, session, EndReason::Ended));
    client.desk.work();
    client.look();
    let told = client.rest();
    let channels: Vec<&str> = told.lines().filter_map(|line| line.split('"').nth(3)).collect();
    assert_eq!(channels, ["/meta/subscribe", "/demo/a", "/meta/subscribe"], "{told}");
    client.desk.assert_idle();
}

#[test]
fn a_connect_and_what_comes_another_way_wait_for_nothing() {
    let mut client = Client::new(roomy());
    client.send(&subscribe("one", "/demo/a"));
    client.send(&subscribe("one", "/demo/b"));
    let before = client.desk.log.head();
    client.desk.send(&peer("15000"), &publish("one", "/demo/b", "1"));
    assert_eq!(client.desk.log.head().get(), before.get() + 1, "it is written down at once");
    client.send("[{'channel':'/meta/connect','id':'c','clientId':'one','advice':{'timeout':0}}]");
    assert!(client.told.last().is_some_and(|told| told.contains("/meta/connect")), "{:?}", client.told);
}

#[test]
fn a_publication_waits_for_a_page_of_history_only_behind_a_subscribe() {
    let rule = Rule {
        pattern: Pattern::parse("/demo/**").unwrap(),
        subscribe: Who::Agents,
        publish: Who::Agents,
        create: Who::Agents,
        store: Store::Durable { retain: Retain { age: Duration::MAX, records: 100 }, replay_id: ReplayId::InExt },
        lazy: None,
        upstream: None,
        broadcast_to_publisher: None,
    };
    let mut client = Client::new(Settings { rules: Rules::new(vec![rule]), ..roomy() });
    client.desk.publish("/demo/a", "0");
    client.send(&replay("one", "['/demo/a']", "{'/demo/a':-2}"));
    client.step();
    // The page is on its way to the log.
    let before = client.desk.log.head();
    client.send(&publish("one", "/demo/b", "1"));
    assert_eq!(client.desk.log.head().get(), before.get() + 1, "it is written down at once");
    client.send(&subscribe("one", "/demo/b"));
    client.send(&publish("one", "/demo/b", "2"));
    let told = client.rest();
    assert!(told.contains("[{\"data\":2,") && !told.contains("{\"data\":1,"), "{told}");
}

const PATTERNS: [&str; 4] = ["/demo/a", "/demo/b", "/demo/c", "/demo/*"];

#[test]
fn random_frames_are_carried_out_as_they_were_sent() {
    let (mut heard, mut missed, mut waited) = (0, 0, 0);
    for seed in 0..40 {
        let mut dice = StdRng::seed_from_u64(seed);
        let mut client = Client::new(roomy());
        let mut patterns = BTreeSet::new();
        let mut wanted = Vec::new();
        for n in 0..120 {
            let messages: Vec<String> = (0..dice.random_range(1..4))
                .map(|place| {
                    let pattern = PATTERNS[dice.random_range(0..4)];
                    match dice.random_range(0..4) {
                        0 => {
                            patterns.insert(pattern);
                            subscribe("one", pattern)
                        }
                        1 => {
                            patterns.remove(pattern);
                            unsubscribe(pattern)
                        }
                        _ => {
                            let channel = PATTERNS[dice.random_range(0..3)];
                            if patterns.contains(channel) || patterns.contains("/demo/*") {
                                wanted.push(n * 10 + place);
                            } else {
                                missed += 1;
                            }
                            publish("one", channel, &(n * 10 + place).to_string())
                        }
                    }
                })
                .collect();
            client.send(&messages.concat().replace("][", ","));
            waited += usize::from(!client.desk.sessions.live.iter().next().unwrap().1.waiting.is_empty());
            for _ in 0..dice.random_range(0..4) {
                client.step();
            }
        }
        client.rest_is(seed, &wanted);
        heard += wanted.len();
    }
    assert!(heard > 1500 && missed > 1000 && waited > 1500, "{heard} {missed} {waited}");
}

impl Client {
    fn rest_is(&mut self, seed: u64, wanted: &[u64]) {
        let events = |line: &str| serde_json::from_str::<Vec<Value>>(line).unwrap();
        let told: Vec<u64> =
            self.rest().lines().flat_map(events).filter_map(|message| message["data"].as_u64()).collect();
        assert_eq!(told, wanted, "seed {seed}");
        self.desk.assert_idle();
    }
}
