//! A desktop: what its session was told, what that adds up to, and what it should have been told by the log.

use std::collections::BTreeMap;

use partyline::clock;
use partyline::exchange::Snapshot;
use partyline::gws::{
    Notice, Query, Rendering, agent_notification, calls_answer, channel_answer, device_answer, notification,
};
use partyline::ids::{AgentId, Position, WallTime};
use partyline::log::Log;
use partyline::records::{self, Payload};
use serde_json::{Value, json};

use super::life::Life;
use crate::kit;

/// Whether a desktop's session acknowledges.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Acknowledges,
    Plain,
}

/// A desktop with its session.
#[derive(Debug)]
pub(super) struct Desktop {
    pub agent: AgentId,
    kind: Kind,
    /// Which one it is.
    index: usize,
    client: String,
    acknowledged: u64,
    /// Up to here it was looked whether it was told what it should be.
    looked: Position,
    pub told: View,
    /// How many notifications it got.
    pub notifications: usize,
}

/// An agent's calls, device and channel, as desktops know them; without what the clock alone changes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct View {
    pub calls: BTreeMap<String, Value>,
    pub device: Value,
    pub channel: Value,
}

impl View {
    /// As the agent reads it.
    pub(super) fn read(rendering: &Rendering, snapshot: &Snapshot) -> Self {
        let seen: Vec<_> = snapshot.calls.iter().map(partyline::exchange::CallView::seen).collect();
        let answer = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).unwrap();
        let calls = answer(calls_answer(rendering, &seen, clock::wall(), &Query::parse("fields=*")));
        let device = answer(device_answer(rendering, &snapshot.voice, &Query::default()));
        let channel = answer(channel_answer(&snapshot.voice, &Query::default()));
        let calls: Vec<_> = calls["calls"].as_array().unwrap().iter().map(named).collect();
        let count = calls.len();
        let calls: BTreeMap<_, _> = calls.into_iter().collect();
        assert_eq!(calls.len(), count, "a call is read twice");
        Self { calls, device: device["device"].clone(), channel: channel["channel"].clone() }
    }

    /// Where two of them differ, for people.
    pub(super) fn differences(&self, other: &Self) -> Vec<String> {
        let whole = |view: &Self| json!({"calls": view.calls, "device": view.device, "channel": view.channel});
        let mut found = Vec::new();
        compare("", &whole(self), &whole(other), &mut found);
        found
    }

    /// Adds what a notification tells.
    pub(super) fn add(&mut self, data: &Value) {
        match data["messageType"].as_str().unwrap() {
            "CallStateChangeMessage" => {
                let (name, call) = named(&data["call"]);
                if matches!(call["state"].as_str().unwrap(), "PreviewCancelled" | "Released") {
                    assert!(self.calls.remove(&name).is_some(), "told of the end of what was not known: {call}");
                } else {
                    self.calls.insert(name, call);
                }
            }
            "ChannelStateChangeMessageV2" => self.channel = data["channels"][0].clone(),
            "DeviceStateChangeMessage" => self.device = data["devices"][0].clone(),
            "ErrorMessage" => {}
            other => panic!("told of {other}"),
        }
    }
}

fn compare(at: &str, one: &Value, other: &Value, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            for name in one.keys().chain(other.keys().filter(|name| !one.contains_key(*name))) {
                let member = |object: &serde_json::Map<_, _>| object.get(name).cloned().unwrap_or_default();
                compare(&format!("{at}/{name}"), &member(one), &member(other), found);
            }
        }
        _ if one == other => {}
        _ => found.push(format!("{at}: {one} and {other}")),
    }
}

/// A call by its name, without how long it has been.
pub(super) fn named(call: &Value) -> (String, Value) {
    let mut call = call.clone();
    let duration = call.as_object_mut().unwrap().remove("duration").unwrap();
    assert!(duration.as_str().is_some_and(|seconds| seconds.parse::<u64>().is_ok()), "{duration}");
    (call["id"].as_str().unwrap().to_owned(), call)
}

impl Desktop {
    /// Opens a session. To be called when it is quiet.
    pub(super) async fn open(life: &Life, rendering: &Rendering, agent: AgentId, kind: Kind, index: usize) -> Self {
        let acknowledges = kind == Kind::Acknowledges;
        let shake = format!(r#"[{{"channel":"/meta/handshake","version":"1.0","ext":{{"ack":{acknowledges}}}}}]"#);
        let shaken = take(life, &agent, index, &shake).await;
        let client = shaken[0]["clientId"].as_str().unwrap().to_owned();
        let body = format!(r#"[{{"channel":"/meta/subscribe","clientId":"{client}","subscription":"/v2/me/*"}}]"#);
        assert_eq!(take(life, &agent, index, &body).await[0]["successful"], true);
        life.quiet().await;
        let told = View::read(rendering, &life.read(&agent).await);
        Self { agent, kind, index, client, acknowledged: 0, looked: life.log.head(), told, notifications: 0 }
    }

    /// Comes back after a kill: who does not acknowledge has to begin anew.
    pub(super) async fn come_back(&mut self, life: &Life, rendering: &Rendering) {
        if self.kind == Kind::Plain {
            let (_, reply) = self.connect(life).await;
            assert!(reply["error"].as_str().is_some_and(|error| error.starts_with("402")), "{reply}");
            let notifications = self.notifications;
            *self =
                Self { notifications, ..Self::open(life, rendering, self.agent.clone(), self.kind, self.index).await };
        }
    }

    /// Gets all that it is owed, takes it in, and sees to it that it is what the log says, each once and in order.
    pub(super) async fn settle(&mut self, life: &Life, rendering: &Rendering, news: &News) {
        let mut got = Vec::new();
        while self.acknowledged < news.through.get() {
            let (messages, reply) = self.connect(life).await;
            assert_eq!(reply["successful"], true, "{reply}");
            self.acknowledged = match self.kind {
                Kind::Acknowledges => reply["ext"]["ack"].as_u64().unwrap(),
                // It is quiet, so that it got all there is.
                Kind::Plain => news.through.get(),
            };
            got.extend(messages.into_iter().map(|message| (message["channel"].clone(), message["data"].clone())));
        }
        let owed = self.owed(rendering, news);
        assert_eq!(got, owed, "{} was told something else than the log says", self.agent);
        self.notifications += got.len();
        got.iter().for_each(|(_, data)| self.told.add(data));
    }

    /// Gets what there is, and the reply.
    async fn connect(&self, life: &Life) -> (Vec<Value>, Value) {
        let Self { client, acknowledged, .. } = self;
        let ext = match self.kind {
            Kind::Acknowledges => format!(r#""ext":{{"ack":{acknowledged}}},"#),
            Kind::Plain => String::new(),
        };
        let body = format!(r#"[{{"channel":"/meta/connect","clientId":"{client}",{ext}"advice":{{"timeout":0}}}}]"#);
        let mut messages = take(life, &self.agent, self.index, &body).await;
        let reply = messages.pop().unwrap();
        (messages, reply)
    }

    /// What the log says that the agent is told.
    fn owed(&mut self, rendering: &Rendering, news: &News) -> Vec<(Value, Value)> {
        let mut notices: Vec<Notice> = Vec::new();
        let looked = std::mem::replace(&mut self.looked, news.through);
        for (_, time, payload) in news.records.iter().filter(|(position, ..)| *position > looked) {
            if let Payload::CallChanged(changed) = payload {
                let mine = changed.events.iter().enumerate().filter(|(_, event)| event.to.agent == self.agent);
                notices.extend(
                    mine.filter_map(|(index, _)| {
                        notification(rendering, &changed.family, &changed.events, index, *time)
                    }),
                );
            }
            if let Payload::AgentChanged(changed) = payload
                && changed.voice.agent == self.agent
            {
                let events = changed.events.iter();
                notices.extend(events.filter_map(|event| agent_notification(rendering, &changed.voice, *event)));
            }
        }
        let json = |notice: Notice| (notice.channel.as_str().into(), serde_json::from_slice(&notice.data).unwrap());
        notices.into_iter().map(json).collect()
    }
}

/// What was written down since it was last looked.
#[derive(Debug)]
pub(super) struct News {
    pub records: Vec<(Position, WallTime, Payload)>,
    pub through: Position,
}

impl News {
    /// What was written down after a position.
    pub(super) fn after(after: Position, life: &Life) -> Self {
        let (mut records, through) = (Vec::new(), life.log.head());
        let mut last = after;
        while last < through {
            let page = life.log.read(last, 1000).unwrap();
            let Some(newest) = page.last() else { break };
            last = newest.position;
            let known = page.iter().map(|record| (record.position, record.time, records::decode(record).unwrap()));
            records.extend(known);
        }
        Self { records, through }
    }
}

/// What a client, each in a browser of its own, gets for a request.
async fn take(life: &Life, agent: &AgentId, index: usize, body: &str) -> Vec<Value> {
    let (answer, receipt) = kit::ask(&life.broker, agent, &format!("browser-{index}"), body).await;
    if let Some(receipt) = receipt {
        receipt.written();
    }
    serde_json::from_slice(&answer).unwrap()
}
