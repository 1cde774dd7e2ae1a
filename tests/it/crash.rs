//! Kills at many moments: what was answered is there after the restart, and a session that acknowledges carries on
//! with no gap, in order, and with nobody else's messages.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Agent, Desk, Server};

/// What one agent was told, in order, and by which position each reply was acknowledged.
struct Watch {
    desk: Desk,
    told: Vec<Value>,
}

impl Watch {
    fn new(agent: Agent) -> Self {
        let mut desk = Desk::open(agent, true, &["/v2/me/*"]);
        desk.connect(None);
        Self { desk, told: Vec::new() }
    }

    /// Takes what is owed now. `acknowledge` says whether the server will hear that it came.
    fn take(&mut self, acknowledge: bool) {
        let before = self.desk.ack;
        let (messages, reply) = self.desk.connect(Some(0));
        assert_eq!(reply["successful"], true, "the session carries on: {reply}");
        if acknowledge {
            self.told.extend(messages);
        } else {
            // As if the network had lost the answer: it must come again.
            self.desk.ack = before;
        }
    }

    fn until(&mut self, kind: &str, state: &str) {
        let seen = |told: &Value| told["data"]["notificationType"] == kind && told["data"]["call"]["state"] == state;
        if self.told.iter().any(seen) {
            return;
        }
        let messages = self.desk.until(seen);
        self.told.extend(messages);
    }

    fn story(&self) -> Vec<String> {
        let line = |told: &Value| {
            let (data, call) = (&told["data"], &told["data"]["call"]);
            format!("{} {}", data["notificationType"].as_str().unwrap_or("-"), call["state"].as_str().unwrap_or("-"))
        };
        self.told.iter().map(line).collect()
    }
}

/// Kills the server after `moment` steps of a conference, and again with what was owed unacknowledged.
fn conference_with_a_kill_after(moment: usize) {
    let mut server = Server::start();
    let agents = ["15000", "15001", "15002"].map(|name| server.agent(name));
    let mut watches = agents.clone().map(Watch::new);
    let mut step = 0;
    let mut id = String::new();
    let mut pause = |server: &mut Server, watches: &mut [Watch; 3]| {
        if step == moment {
            for watch in watches.iter_mut() {
                watch.take(false);
            }
            server.kill();
            server.restart();
        }
        step += 1;
    };

    pause(&mut server, &mut watches);
    assert_eq!(agents[0].dial("15001"), json!({"statusCode": 0}));
    pause(&mut server, &mut watches);
    let ringing = agents[1].until_call("Ringing", 1);
    id.push_str(ringing["id"].as_str().unwrap());
    pause(&mut server, &mut watches);
    agents[1].operate(&id, "Answer");
    pause(&mut server, &mut watches);
    agents[0].until_call("Established", 1);
    pause(&mut server, &mut watches);
    let conference = json!({"operationName": "SingleStepConference", "destination": {"phoneNumber": "15002"},
        "userData": {"AccountNumber": "12345"}});
    let path = format!("me/calls/{id}");
    assert_eq!(agents[0].post(&path, &conference).json(), json!({"statusCode": 0}));
    pause(&mut server, &mut watches);
    agents[2].until_call("Ringing", 2);
    agents[2].operate(&id, "Answer");
    pause(&mut server, &mut watches);
    agents[0].until_call("Established", 2);
    agents[1].operate(&id, "Hangup");
    pause(&mut server, &mut watches);
    agents[0].until_call("Established", 1);
    agents[0].operate(&id, "Hangup");
    pause(&mut server, &mut watches);

    watches[0].until("StatusChange", "Released");
    watches[1].until("StatusChange", "Released");
    watches[2].until("StatusChange", "Released");
    let caller = [
        "StatusChange Dialing",
        "StatusChange Established",
        "AttachedDataChanged Established",
        "ParticipantsUpdated Established",
        "AttachedDataChanged Established",
        "ParticipantsUpdated Established",
        "StatusChange Released",
    ];
    let callee = [
        "StatusChange Ringing",
        "StatusChange Established",
        "AttachedDataChanged Established",
        "ParticipantsUpdated Established",
        "StatusChange Released",
    ];
    let target = [
        "StatusChange Ringing",
        "StatusChange Established",
        "AttachedDataChanged Established",
        "ParticipantsUpdated Established",
        "StatusChange Released",
    ];
    assert_eq!(watches[0].story(), caller, "15000, killed at {moment}");
    assert_eq!(watches[1].story(), callee, "15001, killed at {moment}");
    assert_eq!(watches[2].story(), target, "15002, killed at {moment}");
    for watch in &watches {
        let numbers: BTreeSet<&str> =
            watch.told.iter().filter_map(|told| told["data"]["phoneNumber"].as_str()).collect();
        assert_eq!(numbers, BTreeSet::from([watch.desk.agent.name.as_str()]), "nobody is told what is another's");
    }
}

#[test]
fn a_conference_survives_a_kill_at_any_of_its_steps() {
    for moment in 0..=8 {
        conference_with_a_kill_after(moment);
    }
}

#[test]
fn what_was_accepted_just_before_a_kill_is_there_after_it() {
    let mut server = Server::start();
    let agent = server.agent("15000");
    let mut accepted = 0;
    for round in 0..6 {
        let dialler = {
            let agent = agent.clone();
            let path = format!("me/devices/{}/calls", agent.device());
            std::thread::spawn(move || {
                let dial = json!({"operationName": "Dial", "destination": {"phoneNumber": "15001"}});
                (0..200).filter(|_| try_post(&agent, &path, &dial)).count()
            })
        };
        std::thread::sleep(Duration::from_millis(20 + 15 * round));
        server.kill();
        accepted += dialler.join().unwrap();
        server.restart();
        let there = agent.calls().len();
        assert!(there >= accepted, "{accepted} calls were accepted, {there} are there");
        // Written down, but killed before it could say so: that may have happened to one command a round.
        assert!(there <= accepted + usize::try_from(round).unwrap() + 1, "{there} calls, {accepted} accepted");
    }
    assert!(accepted > 0, "the kills left time for nothing");
}

/// Posts, and says whether it was accepted; a server that is gone did not accept.
fn try_post(agent: &Agent, path: &str, body: &Value) -> bool {
    let head = format!("POST /api/v2/{path} HTTP/1.1\r\n");
    let headers = [agent.authorization()];
    crate::harness::try_request(agent.address, &head, &headers, body.to_string().as_bytes())
        .is_ok_and(|answer| answer.status == 200 && answer.body == r#"{"statusCode":0}"#)
}

#[test]
fn a_publication_on_a_durable_channel_outlives_a_kill_once_it_was_answered() {
    let rule = "[{pattern='/kept/**',subscribe='agents',publish='agents',create='agents',durable=true}]";
    let mut server = Server::with(&[("CHANNEL", rule)]);
    let mut desk = Desk::open(server.agent("15000"), true, &["/kept/*"]);
    desk.connect(None);
    let mut publisher = Desk::open(server.agent("15001"), false, &[]);
    for number in 0..20 {
        let answer = publisher.send(&json!({"channel": "/kept/a", "data": number}));
        assert_eq!(answer.json()[0]["successful"], true, "{answer:?}");
    }
    server.kill();
    server.restart();
    let (told, reply) = desk.connect(Some(0));
    assert_eq!(reply["successful"], true, "{reply}");
    let numbers: Vec<&Value> = told.iter().map(|told| &told["data"]).collect();
    assert_eq!(numbers, (0..20).map(|number| json!(number)).collect::<Vec<_>>().iter().collect::<Vec<_>>());
}

#[test]
fn a_device_whose_second_call_was_accepted_just_before_a_kill_talks_on_that_one_alone() {
    let mut server = Server::with(&[("SIMULATED__ANSWER_AFTER", "100ms")]);
    let agent = server.agent("15000");
    let to = |operation: &str| json!({"operationName": operation, "destination": {"phoneNumber": "7002"}});
    for round in 0..8 {
        assert_eq!(agent.dial("7001"), json!({"statusCode": 0}));
        let first = agent.until_call("Established", 1)["id"].as_str().unwrap().to_owned();
        let (path, body) = match round % 2 {
            0 => (format!("me/devices/{}/calls", agent.device()), to("Dial")),
            _ => (format!("me/calls/{first}"), to("InitiateConference")),
        };
        assert_eq!(agent.post(&path, &body).json(), json!({"statusCode": 0}));
        server.kill();
        server.restart();
        assert_eq!(agent.until_call("Held", 1)["id"], first.as_str(), "round {round}");
        let second = agent.until_call("Established", 1)["id"].clone();
        assert_ne!(second, first.as_str(), "round {round}");
        for call in [second.as_str().unwrap(), &first] {
            agent.operate(call, "Hangup");
        }
        agent.until_calls(0);
    }
}
