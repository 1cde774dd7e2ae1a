//! Conferences of many: what each party's desktop reads and is told while others come, go and are refused.

use std::collections::BTreeSet;
use std::sync::Barrier;

use partyline::clock;
use serde_json::{Value, json};

use crate::harness::{Agent, Answer, Desk, PATIENCE, Server};

/// The key that names who made the call a conference.
const OWNER: &str = "FirstConferencePartyDN";

/// A server with agents whose numbers are 21000 and on.
fn office(settings: &[(&str, &str)]) -> Server {
    let mut all = vec![
        ("DIRECTORY__GENERATED__PREFIX", "p"),
        ("DIRECTORY__GENERATED__COUNT", "24"),
        ("DIRECTORY__GENERATED__FIRST_NUMBER", "21000"),
        ("DIRECTORY__GENERATED__PASSWORD", "a party"),
        // One thread connects for all desktops in turn.
        ("BAYEUX__MAX_INTERVAL", "60s"),
    ];
    all.extend_from_slice(settings);
    Server::with(&all)
}

/// An agent with a desktop.
struct Party {
    number: String,
    agent: Agent,
    desk: Desk,
    /// Each call as the desktop was told of it last, without the seconds.
    told: Vec<Value>,
    errors: Vec<String>,
}

impl Party {
    fn new(server: &Server, index: usize) -> Self {
        let number = (21_000 + index).to_string();
        let agent = server.agent_with(&format!("p{number}"), "a party");
        let desk = Desk::open(agent.clone(), true, &["/v2/me/calls", "/v2/me/devices"]);
        Self { number, agent, desk, told: Vec::new(), errors: Vec::new() }
    }

    fn conference(&self, call: &str, target: &str) -> Answer {
        let body = json!({"operationName": "SingleStepConference", "destination": {"phoneNumber": target}});
        self.agent.post(&format!("me/calls/{call}"), &body)
    }

    fn adds(&self, call: &str, target: &str) {
        assert_eq!(verdict(&self.conference(call, target)), (200, 0), "{} adds {target}", self.number);
    }

    /// What a read shows of the call.
    fn view(&self, call: &str) -> Option<Value> {
        let calls = self.agent.calls();
        let found = calls.into_iter().find(|found| found["id"] == call).map(timeless);
        // The call read by itself is the same.
        let alone = self.agent.get(&format!("me/calls/{call}"));
        match found {
            Some(found) if alone.status == 200 => Some(found),
            Some(_) | None => None,
        }
    }

    /// Waits until the call is in this state and with exactly these numbers.
    fn until(&self, call: &str, state: &str, with: &BTreeSet<String>) -> Value {
        let deadline = clock::now() + PATIENCE;
        loop {
            let view = self.view(call);
            if let Some(view) = view.as_ref().filter(|view| view["state"] == state && numbers(view) == *with) {
                assert_eq!(view["participants"].as_array().unwrap().len(), with.len(), "nobody is there twice: {view}");
                return view.clone();
            }
            assert!(clock::now() < deadline, "{}: {state} with {with:?}, not {view:?}", self.number);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Connects until the desktop was told this last of the call, and once more.
    fn is_told(&mut self, call: &str, wanted: impl Fn(&Value) -> bool) {
        let deadline = clock::now() + PATIENCE;
        self.take(0);
        while !self.last(call).is_some_and(&wanted) {
            assert!(clock::now() < deadline, "{} was told last {:?}", self.number, self.last(call));
            self.take(500);
        }
        self.take(0);
        assert!(self.last(call).is_some_and(&wanted), "{} was told more: {:?}", self.number, self.last(call));
    }

    fn take(&mut self, timeout: u64) {
        let (messages, reply) = self.desk.connect(Some(timeout));
        assert_eq!(reply["successful"], true, "{reply}");
        for mut message in messages {
            let data = message["data"].take();
            if let Some(error) = data["errorMessage"].as_str() {
                self.errors.push(error.to_owned());
            } else if data["messageType"] == "CallStateChangeMessage" {
                assert_eq!(data["phoneNumber"], self.number.as_str());
                self.told.retain(|call| call["id"] != data["call"]["id"]);
                self.told.push(timeless(data["call"].clone()));
            }
        }
    }

    fn last(&self, call: &str) -> Option<&Value> {
        self.told.iter().find(|told| told["id"] == call)
    }

    /// Waits for the next thing that the desktop is told could not be done.
    fn until_error(&mut self) -> String {
        let deadline = clock::now() + PATIENCE;
        while self.errors.is_empty() {
            assert!(clock::now() < deadline, "{} hears of no error", self.number);
            self.take(500);
        }
        self.errors.remove(0)
    }
}

/// The status and the code of an answer.
fn verdict(answer: &Answer) -> (u16, i64) {
    (answer.status, answer.json()["statusCode"].as_i64().unwrap())
}

/// A call without what differs from second to second.
fn timeless(mut call: Value) -> Value {
    call.as_object_mut().unwrap().remove("duration").unwrap();
    call
}

fn numbers(call: &Value) -> BTreeSet<String> {
    let all = call["participants"].as_array().unwrap().iter();
    all.map(|one| one["phoneNumber"].as_str().unwrap().to_owned()).collect()
}

fn offers(call: &Value, capability: &str) -> bool {
    call["capabilities"].as_array().unwrap().contains(&json!(capability))
}

/// The numbers of the parties, but for one.
fn others(parties: &[Party], number: &str) -> BTreeSet<String> {
    parties.iter().map(|party| party.number.clone()).filter(|other| other != number).collect()
}

/// The first two parties talk.
fn two_talk(server: &Server) -> (Vec<Party>, String) {
    let mut parties: Vec<Party> = [0, 1].map(|index| Party::new(server, index)).into();
    let call = talk(&parties[0], &parties[1]);
    agree(&mut parties, &call, None);
    (parties, call)
}

/// One calls the other, who answers. Returns the call.
fn talk(caller: &Party, callee: &Party) -> String {
    assert_eq!(caller.agent.dial(&callee.number), json!({"statusCode": 0}));
    let id = callee.agent.until_call("Ringing", 1)["id"].as_str().unwrap().to_owned();
    callee.agent.operate(&id, "Answer");
    id
}

/// A party adds the next one, who answers.
fn grow(server: &Server, parties: &mut Vec<Party>, call: &str, by: usize) {
    let next = Party::new(server, parties.len());
    let before: Vec<Value> = parties.iter().map(|party| party.view(call).unwrap()).collect();
    parties[by].adds(call, &next.number);
    let ringing = next.until(call, "Ringing", &others(parties, &next.number));
    assert_eq!(ringing["connId"], before[0]["connId"]);
    // Nobody sees a party that only rings.
    for (party, before) in parties.iter().zip(before) {
        assert_eq!(party.view(call).unwrap(), before);
    }
    next.agent.operate(call, "Answer");
    next.until(call, "Established", &others(parties, &next.number));
    parties.push(next);
}

/// Waits until every party talks with all the others, and nobody else, and until each desktop was told just what it reads.
/// What depends on the owner is so, too.
fn agree(parties: &mut [Party], call: &str, owner: Option<&str>) {
    let is_conference = parties.len() > 2;
    let with: Vec<BTreeSet<String>> = parties.iter().map(|party| others(parties, &party.number)).collect();
    let mut connections = BTreeSet::new();
    for (party, with) in parties.iter_mut().zip(with) {
        let view = party.until(call, "Established", &with);
        party.is_told(call, |told| *told == view);
        connections.insert(view["connId"].as_str().unwrap().to_owned());
        assert_eq!(view["userData"][OWNER].as_str(), owner, "{view}");
        assert_eq!(offers(&view, "MuteCall"), is_conference, "{view}");
        let may_remove = is_conference && owner == Some(&party.number);
        assert_eq!(offers(&view, "RemoveParticipantFromConference"), may_remove, "{view}");
    }
    assert_eq!(connections.len(), 1);
}

/// A party hangs up, and the desktop is told.
fn leave(parties: &mut Vec<Party>, call: &str, index: usize) -> Party {
    parties[index].agent.operate(call, "Hangup");
    let mut gone = parties.remove(index);
    is_out(&mut gone, call);
    gone
}

/// The call is over for the party.
fn is_out(party: &mut Party, call: &str) {
    party.is_told(call, |told| told["state"] == "Released" && told["capabilities"] == json!([]));
    assert_eq!(party.view(call), None);
}

#[test]
fn twenty_parties_added_by_different_agents_all_see_all_the_others() {
    let server = office(&[]);
    let (mut parties, call) = two_talk(&server);
    // Who was called makes the conference, then each party in turn adds one.
    let owner = parties[1].number.clone();
    while parties.len() < 20 {
        let by = parties.len() - 1;
        grow(&server, &mut parties, &call, by);
        agree(&mut parties, &call, Some(&owner));
    }
    // They go, first in, first out: the owner is the second to go.
    while parties.len() > 2 {
        leave(&mut parties, &call, 0);
        let owner = (parties.len() > 2).then_some(owner.as_str());
        agree(&mut parties, &call, owner);
    }
    leave(&mut parties, &call, 0);
    is_out(&mut parties[0], &call);
}

#[test]
fn a_conference_that_its_owner_left_is_nobodys_until_two_are_left_and_one_adds_another() {
    let server = office(&[]);
    let (mut parties, call) = two_talk(&server);
    for by in [0, 2, 1] {
        grow(&server, &mut parties, &call, by);
    }
    agree(&mut parties, &call, Some("21000"));
    leave(&mut parties, &call, 0);
    agree(&mut parties, &call, Some("21000"));
    let remove = json!({"operationName": "RemoveParticipantFromConference", "participant": "21002"});
    assert_eq!(verdict(&parties[0].agent.post(&format!("me/calls/{call}"), &remove)), (400, 2));
    agree(&mut parties, &call, Some("21000"));
    leave(&mut parties, &call, 2);
    agree(&mut parties, &call, Some("21000"));
    leave(&mut parties, &call, 0);
    agree(&mut parties, &call, None);
    // Two are left: 21002 and 21004. Now it is another's.
    let back = Party::new(&server, 0);
    parties[1].adds(&call, &back.number);
    back.until(&call, "Ringing", &others(&parties, &back.number));
    back.agent.operate(&call, "Answer");
    parties.push(back);
    agree(&mut parties, &call, Some("21004"));
}

#[test]
fn an_owner_removes_parties_until_two_are_left_and_then_no_more() {
    let server = office(&[]);
    let (mut parties, call) = two_talk(&server);
    for by in [0, 1] {
        grow(&server, &mut parties, &call, by);
    }
    agree(&mut parties, &call, Some("21000"));
    let remove = |party: &Party, number: &str| {
        let body = json!({"operationName": "RemoveParticipantFromConference", "participant": number});
        verdict(&party.agent.post(&format!("me/calls/{call}"), &body))
    };
    assert_eq!(remove(&parties[1], "21003"), (400, 2));
    assert_eq!(remove(&parties[0], "21000").0, 400);
    assert_eq!(remove(&parties[0], "21009").0, 400);
    agree(&mut parties, &call, Some("21000"));
    for (number, owner) in [("21001", Some("21000")), ("21003", None)] {
        assert_eq!(remove(&parties[0], number), (200, 0));
        let index = parties.iter().position(|party| party.number == number).unwrap();
        let mut gone = parties.remove(index);
        is_out(&mut gone, &call);
        agree(&mut parties, &call, owner);
    }
    assert_eq!(remove(&parties[0], "21002"), (400, 2));
    assert_eq!(
        verdict(&parties[1].agent.post(&format!("me/calls/{call}"), &json!({"operationName": "MuteCall"}))),
        (400, 2)
    );
    agree(&mut parties, &call, None);
}

#[test]
fn a_party_on_hold_adds_another_and_stays_on_hold() {
    let server = office(&[]);
    let (mut parties, call) = two_talk(&server);
    parties[0].agent.operate(&call, "Hold");
    parties[0].until(&call, "Held", &others(&parties, "21000"));
    let next = Party::new(&server, 2);
    parties[0].adds(&call, &next.number);
    next.until(&call, "Ringing", &others(&parties, &next.number));
    next.agent.operate(&call, "Answer");
    parties.push(next);
    let held = parties[0].until(&call, "Held", &others(&parties, "21000"));
    parties[0].is_told(&call, |told| *told == held);
    assert!(offers(&held, "Retrieve") && !offers(&held, "MuteCall"), "{held}");
    // The party that talks on adds one as well: who is on hold sees it.
    grow(&server, &mut parties, &call, 1);
    let held = parties[0].until(&call, "Held", &others(&parties, "21000"));
    parties[0].is_told(&call, |told| *told == held);
    parties[0].agent.operate(&call, "Retrieve");
    agree(&mut parties, &call, Some("21000"));
}

#[test]
fn numbers_that_cannot_be_added_leave_a_conference_as_it_was() {
    let server = office(&[]);
    let (mut parties, call) = two_talk(&server);
    grow(&server, &mut parties, &call, 1);
    agree(&mut parties, &call, Some("21001"));
    let (stranger, shut_off) = (Party::new(&server, 8), Party::new(&server, 9));
    let shut = json!({"operationName": "DoNotDisturbOn"});
    let session = json!({"operationName": "StartContactCenterSession", "channels": ["voice"]});
    for (path, body) in [("me".to_owned(), session), (format!("me/devices/{}", shut_off.agent.device()), shut)] {
        assert_eq!(verdict(&shut_off.agent.post(&path, &body)), (200, 0));
    }
    // The switch finds out: accepted, and told to who asked.
    for (number, error) in [("80", "busy"), ("21009", "busy"), ("60", "valid")] {
        parties[2].adds(&call, number);
        let told = parties[2].until_error().to_lowercase();
        assert!(told.contains(error), "{number}: {told}");
        agree(&mut parties, &call, Some("21001"));
    }
    // Known at once: refused.
    for (number, refused) in [("21000", (400, 2)), ("21001", (400, 2)), ("21002", (400, 2)), ("", (400, 1))] {
        assert_eq!(verdict(&parties[2].conference(&call, number)), refused, "{number:?}");
    }
    assert_eq!(verdict(&parties[2].conference("01RCC3N118B1V0SL807GK2LAES000007", "21005")), (404, 6));
    assert_eq!(verdict(&stranger.conference(&call, "21005")), (404, 6));
    // Who was asked for and never rung is a stranger still, and changes nothing.
    assert_eq!(verdict(&shut_off.conference(&call, "21005")), (404, 6));
    let update = json!({"operationName": "UpdateUserData", "userData": {"from": "a stranger"}});
    assert_eq!(verdict(&shut_off.agent.post(&format!("me/calls/{call}"), &update)), (404, 6));
    let disposition = json!({"operationName": "SetCallDisposition", "callUuid": call, "disposition": "done"});
    let device = format!("me/devices/{}", shut_off.agent.device());
    assert_eq!(verdict(&shut_off.agent.post(&device, &disposition)), (404, 6));
    agree(&mut parties, &call, Some("21001"));
    assert!(parties.iter_mut().all(|party| party.errors.is_empty()));
    assert_eq!(shut_off.agent.calls(), Vec::<Value>::new());
}

#[test]
fn numbers_where_nobody_answers_leave_the_call_as_it_was() {
    let server = office(&[("SIMULATED__ANSWER_AFTER", "10ms"), ("SIMULATED__RING_TIMEOUT", "300ms")]);
    let (mut asker, mut target) = (Party::new(&server, 0), Party::new(&server, 1));
    assert_eq!(asker.agent.dial("70"), json!({"statusCode": 0}));
    let call = asker.agent.until_call("Established", 1)["id"].as_str().unwrap().to_owned();
    let before = asker.view(&call).unwrap();
    asker.is_told(&call, |told| *told == before);
    for number in ["90", "21001"] {
        asker.adds(&call, number);
        assert!(asker.until_error().to_lowercase().contains("answer"));
        assert_eq!(asker.view(&call).unwrap(), before);
        assert_eq!(asker.last(&call), Some(&before));
    }
    is_out(&mut target, &call);
    // It can be asked again.
    asker.adds(&call, "7001");
    let grown = asker.until(&call, "Established", &["70", "7001"].map(str::to_owned).into());
    asker.is_told(&call, |told| *told == grown);
}

#[test]
fn a_target_that_declines_is_told_to_who_asked_and_to_nobody_else() {
    let server = office(&[]);
    let (mut parties, call) = two_talk(&server);
    grow(&server, &mut parties, &call, 0);
    agree(&mut parties, &call, Some("21000"));
    let mut target = Party::new(&server, 3);
    parties[1].adds(&call, &target.number);
    target.until(&call, "Ringing", &others(&parties, &target.number));
    // It rings already, and is not rung twice.
    assert_eq!(verdict(&parties[2].conference(&call, &target.number)), (400, 2));
    target.agent.operate(&call, "Hangup");
    is_out(&mut target, &call);
    assert!(parties[1].until_error().to_lowercase().contains("answer"));
    agree(&mut parties, &call, Some("21000"));
    assert!(parties.iter().all(|party| party.errors.is_empty()));
}

#[test]
fn two_agents_that_add_at_the_same_instant_both_succeed() {
    let server = office(&[]);
    let (mut parties, call) = two_talk(&server);
    let mut owner = None;
    for _ in 0..6 {
        let count = parties.len();
        let next = [count, count + 1].map(|index| Party::new(&server, index));
        let start = Barrier::new(2);
        std::thread::scope(|scope| {
            for (party, target) in [(&parties[0], &next[0]), (&parties[1], &next[1])] {
                let (start, call) = (&start, &call);
                scope.spawn(move || {
                    start.wait();
                    party.adds(call, &target.number);
                });
            }
        });
        for target in &next {
            target.agent.until_call("Ringing", count);
        }
        // They answer at the same instant, too.
        std::thread::scope(|scope| {
            for target in &next {
                let (start, call) = (&start, &call);
                scope.spawn(move || {
                    start.wait();
                    target.agent.operate(call, "Answer");
                });
            }
        });
        parties.extend(next);
        let with = others(&parties, "21000");
        let view = parties[0].until(&call, "Established", &with);
        // Whose target answered first made it a conference.
        let made = owner.get_or_insert_with(|| view["userData"][OWNER].as_str().unwrap().to_owned());
        assert!(["21000", "21001"].contains(&made.as_str()), "{made}");
        agree(&mut parties, &call, Some(made));
    }
    assert_eq!(parties.len(), 14);
}

#[test]
fn of_two_agents_that_add_the_same_number_at_the_same_instant_one_succeeds() {
    let server = office(&[]);
    let (mut parties, call) = two_talk(&server);
    for _ in 0..6 {
        let count = parties.len();
        let next = Party::new(&server, count);
        let start = Barrier::new(2);
        let mut verdicts = std::thread::scope(|scope| {
            let asked = [&parties[0], &parties[1]].map(|party| {
                let (start, call, number) = (&start, &call, &next.number);
                scope.spawn(move || {
                    start.wait();
                    verdict(&party.conference(call, number))
                })
            });
            asked.map(|asked| asked.join().unwrap())
        });
        verdicts.sort_unstable();
        assert_eq!(verdicts, [(200, 0), (400, 2)]);
        next.until(&call, "Ringing", &others(&parties, &next.number));
        next.agent.operate(&call, "Answer");
        parties.push(next);
        let owner = parties[count].until(&call, "Established", &others(&parties, &parties[count].number));
        agree(&mut parties, &call, owner["userData"][OWNER].as_str());
    }
}

#[test]
fn a_target_that_talks_on_another_call_has_it_on_hold_and_comes_in() {
    let server = office(&[]);
    let (mut parties, call) = two_talk(&server);
    let (mut target, mut peer) = (Party::new(&server, 2), Party::new(&server, 3));
    let other = talk(&target, &peer);
    target.until(&other, "Established", &["21003".to_owned()].into());
    parties[1].adds(&call, &target.number);
    target.until(&call, "Ringing", &others(&parties, &target.number));
    target.until(&other, "Established", &["21003".to_owned()].into());
    target.agent.operate(&call, "Answer");
    let held = target.until(&other, "Held", &["21003".to_owned()].into());
    target.is_told(&other, |told| *told == held);
    let far = peer.until(&other, "Established", &["21002".to_owned()].into());
    peer.is_told(&other, |told| *told == far);
    parties.push(target);
    agree(&mut parties, &call, Some("21001"));
    // Back to the other call, which ends without the conference's noticing. The two are no main call and its consult call:
    // it is Retrieve that goes to the other.
    let target = &parties[2];
    assert!(offers(&held, "Retrieve") && !offers(&held, "SwapCalls"), "{held}");
    target.agent.operate(&other, "Retrieve");
    target.until(&other, "Established", &["21003".to_owned()].into());
    target.until(&call, "Held", &others(&parties, "21002"));
    peer.agent.operate(&other, "Hangup");
    is_out(&mut peer, &other);
    let target = &mut parties[2];
    is_out(target, &other);
    target.agent.operate(&call, "Retrieve");
    agree(&mut parties, &call, Some("21001"));
}
