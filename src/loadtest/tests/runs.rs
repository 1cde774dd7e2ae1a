//! Whole runs, against a Bayeux server of a few lines that can be told to err.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::loadtest::tests::parts::plan;
use crate::loadtest::{Args, Outcome, Plan, Report, fanout, run};

/// What the server does to the message with this number, at the session that came first.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    Double(u64),
    Drop(u64),
    /// The message is held back until the next one.
    Late(u64),
    None,
    /// Every second publication is refused at first.
    Refuse,
}

struct Server {
    fault: Fault,
    hall: Mutex<Hall>,
}

#[derive(Default)]
struct Hall {
    clients: usize,
    refused: bool,
    sessions: BTreeMap<String, Session>,
    held_back: Option<Value>,
}

#[derive(Default)]
struct Session {
    owed: Vec<Value>,
    subscribed: bool,
    wake: Arc<Notify>,
}

async fn start(fault: Fault) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/cometd", listener.local_addr().unwrap());
    let server = Arc::new(Server { fault, hall: Mutex::default() });
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(Arc::clone(&server).serve(stream));
        }
    });
    url
}

impl Server {
    async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        let mut bytes = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                if body.len() == length.parse::<usize>().unwrap() {
                    bytes.clear();
                    let message: Vec<Value> = serde_json::from_str(body).unwrap();
                    let reply = self.answer(&message[0]).await.to_string();
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", reply.len());
                    if stream.write_all((head + &reply).as_bytes()).await.is_err() {
                        return;
                    }
                }
            }
            if !matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
                return;
            }
        }
    }

    async fn answer(&self, message: &Value) -> Value {
        let channel = message["channel"].as_str().unwrap();
        let client = message["clientId"].as_str().unwrap_or_default();
        let reply = json!({"channel": channel, "successful": true});
        match channel {
            "/meta/handshake" => {
                let mut hall = self.hall.lock().unwrap();
                hall.clients += 1;
                let client = format!("c{:05}", hall.clients);
                hall.sessions.insert(client.clone(), Session::default());
                json!([{"channel": channel, "successful": true, "clientId": client}])
            }
            "/meta/subscribe" => {
                self.hall.lock().unwrap().sessions.get_mut(client).unwrap().subscribed = true;
                json!([reply])
            }
            "/meta/connect" => {
                let mut out = self.take(client);
                while message["advice"]["timeout"] != 0 && out.is_empty() {
                    let wake = Arc::clone(&self.hall.lock().unwrap().sessions[client].wake);
                    wake.notified().await;
                    out = self.take(client);
                }
                out.push(reply);
                Value::Array(out)
            }
            "/meta/disconnect" => json!([reply]),
            _ => self.publish(channel, &message["data"]),
        }
    }

    fn take(&self, client: &str) -> Vec<Value> {
        std::mem::take(&mut self.hall.lock().unwrap().sessions.get_mut(client).unwrap().owed)
    }

    fn publish(&self, channel: &str, data: &Value) -> Value {
        let (mut hall, number) = (self.hall.lock().unwrap(), data["seq"].as_u64().unwrap());
        let event = json!({"channel": channel, "data": data});
        if self.fault == Fault::Refuse && number % 2 == 0 && !std::mem::take(&mut hall.refused) {
            hall.refused = true;
            return json!([{"channel": channel, "successful": false, "error": "429::limit:publish_rate"}]);
        }
        let held_back = hall.held_back.take();
        let mut hold_back = None;
        let listening = hall.sessions.values_mut().filter(|session| session.subscribed);
        for (index, session) in listening.enumerate() {
            let fault = if index == 0 { self.fault } else { Fault::None };
            match fault {
                Fault::Drop(seq) if seq == number => continue,
                Fault::Late(seq) if seq == number => {
                    hold_back = Some(event.clone());
                    continue;
                }
                Fault::Double(seq) if seq == number => session.owed.push(event.clone()),
                Fault::Double(_) | Fault::Drop(_) | Fault::Late(_) | Fault::None | Fault::Refuse => {}
            }
            session.owed.push(event.clone());
            if index == 0 {
                session.owed.extend(held_back.clone());
            }
            session.wake.notify_one();
        }
        hall.held_back = hold_back;
        json!([{"channel": channel, "successful": true}])
    }
}

async fn report(fault: Fault, arguments: &[&str]) -> Report {
    let url = start(fault).await;
    let mut plan = plan(arguments);
    plan.url = url;
    fanout(&plan).await.unwrap()
}

#[tokio::test]
async fn a_closed_loop_delivers_each_message_to_everybody() {
    let report = report(Fault::None, &["--clients", "20", "--messages", "50"]).await;
    assert_eq!(report.failures, Vec::<String>::new());
    let messages = report.messages;
    assert_eq!((messages.published, messages.expected, messages.received), (50, 1000, 1000));
    assert_eq!((report.clients.asked, report.clients.connected, report.clients.failed), (20, 20, 0));
    // A handshake, a subscription, a first connect, one connect a message and a held one, and the publisher's.
    assert_eq!((report.http.requests, report.http.errors), (20 * (3 + 50 + 1) + 3 + 50, 0));
    assert!(report.latency_ms.p50 > 0.0 && report.latency_ms.max >= report.latency_ms.p99);
    assert!(!report.latency_ms.corrected && report.passed && report.deliveries_per_s > 0.0);
}

#[tokio::test]
async fn a_rate_does_not_wait_for_arrivals() {
    let report = report(Fault::None, &["--clients", "5", "--messages", "40", "--rate", "2000", "--ack"]).await;
    assert_eq!(report.failures, Vec::<String>::new());
    assert_eq!(report.messages.received, 200);
    assert!(report.latency_ms.corrected && report.duration_s >= 0.019);
}

#[tokio::test]
async fn what_the_server_does_wrong_is_found() {
    let rate = ["--clients", "3", "--messages", "10", "--rate", "500"];
    let lost = report(Fault::Drop(4), &rate).await;
    assert_eq!((lost.messages.lost, lost.messages.duplicated, lost.messages.reordered), (1, 0, 0));
    assert_eq!(lost.failures, ["1 messages were lost"]);
    let doubled = report(Fault::Double(4), &rate).await;
    assert_eq!((doubled.messages.lost, doubled.messages.duplicated, doubled.messages.reordered), (0, 1, 0));
    let late = report(Fault::Late(4), &rate).await;
    assert_eq!((late.messages.lost, late.messages.duplicated, late.messages.reordered), (0, 0, 1));
    assert!(!lost.passed && !doubled.passed && !late.passed);
}

#[tokio::test]
async fn a_refused_publication_is_tried_again() {
    let report = report(Fault::Refuse, &["--clients", "2", "--messages", "4"]).await;
    assert_eq!((report.messages.published, report.messages.refused, report.messages.received), (4, 2, 8));
    assert!(report.passed);
}

#[tokio::test]
async fn the_time_is_bounded() {
    let report = report(Fault::None, &["--clients", "2", "--messages", "1000000", "--duration", "200ms"]).await;
    assert!(report.passed && report.messages.published < 1_000_000);
    assert_eq!(report.messages.received, report.messages.published * 2);
}

#[tokio::test]
async fn a_threshold_that_is_missed_is_a_failure() {
    let report = report(Fault::None, &["--clients", "2", "--messages", "5", "--max-p99", "0.000001"]).await;
    assert!(!report.passed && report.failures[0].contains("99th percentile"));
}

#[tokio::test]
async fn only_this_machine_is_loaded_and_nobody_at_home_is_told_apart() {
    let outcome = async |arguments: &[&str]| run(Args { plan: Plan::Fanout(plan(arguments)) }).await;
    assert_eq!(outcome(&["--url", "http://192.0.2.1/cometd"]).await, Outcome::BadUsage);
    assert_eq!(outcome(&["--clients", "0"]).await, Outcome::BadUsage);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/cometd", listener.local_addr().unwrap());
    drop(listener);
    assert_eq!(outcome(&["--url", &url]).await, Outcome::Unreachable);
    assert_eq!(
        [64, 1, 0, 69],
        [Outcome::BadUsage, Outcome::Failed, Outcome::Passed, Outcome::Unreachable].map(Outcome::exit_code)
    );
}
