//! An agent of the real server with its desktops: what it reads, and what each of them was told.

use partyline::clock;
use partyline::directory::Feature;
use serde_json::{Value, json};

use super::bodies::About;
use super::desktop::{View, named};
use super::ears::{Ear, End, Kind};
use super::life::AGENTS;
use super::office::{agent, features};
use super::run::Dice;
use super::wire::Wire;
use super::wishes::{Path, Wish};
use crate::harness::{Agent, Answer, PATIENCE, Server};

pub(super) struct Person {
    pub index: usize,
    pub agent: Agent,
    wire: Wire,
    device: String,
    /// Its desktops. The first one acknowledges.
    pub ears: Vec<Ear>,
    /// What it read when all that its desktops were told was last found to add up to it.
    pub seen: View,
    /// As of which position that was.
    pub position: u64,
    /// The calls of it, oldest first.
    pub calls: Vec<String>,
    /// What it reads of itself besides, which never changes.
    account: Value,
}

/// What an agent reads at one moment.
pub(super) struct Read {
    /// As of which position.
    pub position: u64,
    pub view: View,
    /// The ids of its calls, oldest first.
    pub calls: Vec<String>,
}

impl Person {
    pub(super) fn new(server: &Server, index: usize) -> Self {
        let agent = agent(server, AGENTS[index]);
        let kinds: &[Kind] = match index {
            0 => &[Kind::Acknowledges, Kind::Plain, Kind::Socket],
            1 => &[Kind::Socket],
            2 => &[Kind::Acknowledges, Kind::Acknowledges],
            3 => &[Kind::Socket, Kind::Plain],
            _ => &[Kind::Acknowledges],
        };
        let ears = kinds.iter().map(|kind| Ear::open(server, agent.clone(), *kind)).collect();
        let device = agent.device();
        let (seen, calls) = (View::default(), Vec::new());
        Self { index, agent, wire: Wire::default(), device, ears, seen, position: 0, calls, account: Value::Null }
    }

    pub(super) fn may(&self, feature: Feature) -> bool {
        features(self.index).contains(&feature)
    }

    /// Sends what it wants.
    pub(super) fn send(&self, wish: &Wish, key: Option<&str>) -> Answer {
        let path = match &wish.path {
            Path::Call(call) => format!("me/calls/{call}"),
            Path::Channel => "me/channels/voice".to_owned(),
            Path::Device => format!("me/devices/{}", self.device),
            Path::Dial => format!("me/devices/{}/calls", self.device),
            Path::Me => "me".to_owned(),
        };
        self.wire.post(&self.agent, &path, &wish.body, key)
    }

    /// Lets all desktops hear, and says whether each that acknowledges has then heard all up to this position, and no more.
    pub(super) fn hears_up_to(&mut self, position: u64) -> bool {
        let reached: Vec<_> = self.ears.iter_mut().map(|ear| (ear.acknowledges(), ear.hear())).collect();
        reached.iter().all(|(acknowledges, reached)| *reached == acknowledges.then_some(position))
    }

    /// What each desktop was told adds up to what is read, and all were told the same; how many messages that was. To be
    /// called when all of it is as of one position.
    pub(super) fn compare(&mut self, Read { position, view, calls }: Read) -> usize {
        let begins = self.ears.iter().any(|ear| ear.told.is_none());
        for ear in &mut self.ears {
            let told = ear.told.get_or_insert_with(|| view.clone());
            told.channel = listed(&told.channel);
            let differences = told.differences(&view);
            assert!(*told == view, "{} was told, and reads at {position}: {differences:#?}", self.agent.name);
        }
        (self.seen, self.position, self.calls) = (view, position, calls);
        self.heard(begins)
    }

    /// Reads, and hears until both are as of one position; what moves meanwhile is looked at again.
    pub(super) fn look(&mut self, dice: &mut Dice) -> usize {
        let deadline = clock::now() + PATIENCE;
        loop {
            assert!(clock::now() < deadline, "{} never reads what is as of one position", self.agent.name);
            let read = self.read();
            if self.hears_up_to(read.position) && self.reads_again(dice, &read) {
                return self.compare(read);
            }
        }
    }

    /// Each of the desktops was told the same, unless one of them just began; how many messages that were.
    fn heard(&mut self, begins: bool) -> usize {
        let heard: Vec<Vec<Value>> = self.ears.iter_mut().map(|ear| std::mem::take(&mut ear.heard)).collect();
        for other in &heard {
            let is_same = begins || *other == heard[0];
            assert!(is_same, "{}'s desktops were told {:#?} and {other:#?}", self.agent.name, heard[0]);
        }
        heard.iter().map(Vec::len).sum()
    }

    /// What `GET me?subresources=*` shows.
    pub(super) fn read(&mut self) -> Read {
        let (position, answer) = self.get("me?subresources=*");
        let mut user = answer["user"].clone();
        let mut part = |name: &str| user.as_object_mut().unwrap().remove(name).unwrap();
        let (calls, devices, channels) = (part("calls"), part("devices"), part("channels"));
        if self.account.is_null() {
            self.account = user.clone();
        }
        assert_eq!(user, self.account, "what never changes");
        let calls: Vec<_> = calls.as_array().unwrap().iter().map(named).collect();
        let order: Vec<String> = calls.iter().map(|(id, _)| id.clone()).collect();
        let (device, channel) = (devices[0].clone(), channels.get(0).cloned().unwrap_or_default());
        let view = View { calls: calls.into_iter().collect(), device, channel };
        assert_eq!(view.calls.len(), order.len(), "a call is read twice");
        Read { position, view, calls: order }
    }

    /// Whether another read, which must show the same, is as of the same position.
    pub(super) fn reads_again(&self, dice: &mut Dice, Read { position, view: read, calls }: &Read) -> bool {
        let (reached, same) = match dice.below(6) {
            0 => {
                let (reached, answer) = self.get("me/calls?fields=*");
                let calls = answer["calls"].as_array().unwrap().iter().map(named).collect();
                (reached, read.calls == calls)
            }
            1 => {
                let (reached, answer) = self.get("me/calls");
                let uris: Vec<&Value> = calls.iter().map(|id| &read.calls[id]["uri"]).collect();
                (reached, json!(uris) == answer["uris"])
            }
            2 if !calls.is_empty() => {
                let id = &calls[dice.below(calls.len())];
                let answer = self.wire.get(&self.agent, &format!("me/calls/{id}"));
                // One that is over by now is no part of this.
                let Some(reached) = position_of(&answer) else { return false };
                (reached, read.calls[id] == named(&answer.json()["call"]).1)
            }
            3 => {
                let (reached, answer) = self.get("me/devices?fields=*");
                (reached, json!([read.device]) == answer["devices"])
            }
            4 => {
                let (reached, answer) = self.get(&format!("me/devices/{}", self.device));
                (reached, read.device == answer["device"])
            }
            _ => {
                let (reached, answer) = self.get("me/channels/voice");
                (reached, read.channel == listed(&answer["channel"]))
            }
        };
        assert!(reached != *position || same, "{} reads two things as of one position", self.agent.name);
        reached == *position
    }

    fn get(&self, path: &str) -> (u64, Value) {
        let answer = self.wire.get(&self.agent, path);
        assert_eq!(answer.status, 200, "{answer:?}");
        (position_of(&answer).unwrap(), answer.json())
    }

    /// What its first desktop was shown from when it was last looked at until now, and not before an answer that just came.
    pub(super) fn shown_since(&mut self) -> Vec<View> {
        let Read { position, .. } = self.read();
        let deadline = clock::now() + PATIENCE;
        while self.ears[0].hear().unwrap() < position {
            assert!(clock::now() < deadline, "{} does not hear", self.agent.name);
        }
        let mut shown = vec![self.seen.clone()];
        for data in &self.ears[0].heard {
            let mut next = shown.last().unwrap().clone();
            next.add(data);
            shown.push(next);
        }
        shown
    }

    /// What a body may say of one of its calls.
    pub(super) fn about(&self, id: &str) -> About {
        let call = &self.seen.calls[id];
        let parent = call["parentCallUri"].as_str().and_then(|uri| uri.rsplit('/').next()).map(str::to_owned);
        let is_side = |side: &&String| self.seen.calls[*side]["parentCallUri"] == call["uri"];
        About { others: others(call), pair: parent.or_else(|| self.calls.iter().rev().find(is_side).cloned()) }
    }

    /// Keeps no connection for what it asks: a server that ends waits for those.
    pub(super) fn hang_up(&mut self) {
        self.wire.cut();
    }

    pub(super) fn come_back(&mut self, server: &Server, end: End) {
        for ear in &mut self.ears {
            ear.come_back(server, end);
        }
    }
}

/// As of which position something was read; `None` if it was not.
fn position_of(answer: &Answer) -> Option<u64> {
    answer.header("x-partyline-position").map(|position| position.parse().unwrap())
}

/// A channel as it stands in a list, where there is none of who is logged out.
fn listed(channel: &Value) -> Value {
    if channel["userState"]["state"] == "LoggedOut" { Value::Null } else { channel.clone() }
}

/// The numbers of the others on a call.
pub(super) fn others(call: &Value) -> Vec<String> {
    let others = call["participants"].as_array().unwrap().iter();
    others.map(|other| other["phoneNumber"].as_str().unwrap().to_owned()).collect()
}

/// What may be done with a call or a device.
pub(super) fn offered(resource: &Value) -> Vec<&str> {
    resource["capabilities"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap()).collect()
}
