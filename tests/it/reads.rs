//! What agents read besides their calls, of the real server.

use std::collections::BTreeSet;

use partyline::clock;
use serde_json::{Value, json};

use crate::harness::{Agent, Desk, PATIENCE, Server, request};

/// Whatever there is below `/api/v2`, of itself and of a colleague.
fn reads(own: &Value, other: &Value) -> Vec<String> {
    let id = |user: &Value| user["id"].as_str().unwrap().to_owned();
    let device = |user: &Value| id(&user["devices"][0]);
    let mut reads = vec![format!("me/devices/{}/settings/tserver", device(own))];
    for user in [own, other] {
        reads.extend(["users", "contacts"].map(|of| format!("{of}/{}", id(user))));
        reads.extend(["", "/settings/tserver"].map(|below| format!("devices/{}{below}", device(user))));
    }
    let fixed = "me me/calls me/channels me/channels/voice me/devices me/features me/groups me/settings me/settings/interaction-workspace contacts \
                 features features/api-voice services services/ON_PREMISE_ENVIRONMENT voice-environments groups workbins \
                 settings/agent-states";
    reads.extend(fixed.split(' ').map(str::to_owned));
    reads
}

fn of_the_product() -> [&'static str; 3] {
    ["me/settings", "contact-center", "business-attributes"]
}

fn user(agent: &Agent) -> Value {
    agent.get("me?subresources=*").json()["user"].clone()
}

#[test]
fn every_read_has_a_position_and_says_the_same_with_a_slash_at_its_end() {
    let server = Server::start();
    let (agent, other) = (server.agent("15000"), server.agent("15001"));
    let reads = reads(&user(&agent), &user(&other)).into_iter().map(|read| format!("/api/v2/{read}"));
    let internal = of_the_product().map(|read| format!("/internal-api/{read}"));
    for path in reads.chain(internal) {
        for query in ["", "/", "?fields=*", "/?fields=id&subresources=*&_=1"] {
            let head = format!("GET {path}{query} HTTP/1.1\r\n");
            let answer = request(server.address, &head, &[agent.authorization()], b"");
            assert_eq!((answer.status, &answer.json()["statusCode"]), (200, &json!(0)), "{path}{query}");
            assert_eq!(answer.header("content-type"), Some("application/json"), "{path}{query}");
            let position = answer.header("x-partyline-position").and_then(|text| text.parse::<u64>().ok());
            assert!(position.is_some(), "{path}{query}");
        }
        let head = format!("GET {path} HTTP/1.1\r\n");
        assert_eq!(request(server.address, &head, &[], b"").status, 403, "{path}");
    }
}

#[test]
fn what_is_asked_for_is_what_is_found() {
    let server = Server::start();
    let agent = server.agent("15000");
    agent.dial("15001");
    let found = |read: &str| agent.get(read).json();
    // By a member that the call or the device lacks now, nothing; by what is a member of none, all.
    for (read, count) in [
        ("me/calls?ani=123", 0),
        ("me/calls?parentCallUri=x", 0),
        ("me/calls?_=123", 1),
        ("me/devices?forwardTo=5", 0),
        ("me/devices?_=5", 1),
    ] {
        assert_eq!(found(read)["uris"].as_array().unwrap().len(), count, "{read}");
    }
    let all = found("contacts")["totalCount"].clone();
    assert_ne!(all, 0);
    assert_eq!(found("contacts?type=Skill,User")["totalCount"], all);
    assert_eq!(found("contacts?type=Skill,Queue")["totalCount"], 0);
    let head = "GET /internal-api/me/settings?fields=* HTTP/1.1\r\n";
    let settings = request(server.address, head, &[agent.authorization()], b"").json();
    assert_eq!(settings["resources"]["user"], json!({"settings": []}));
}

#[test]
fn every_address_that_is_handed_out_leads_somewhere() {
    let server = Server::start();
    let agent = server.agent("15000");
    agent.dial("15001");
    let (mut seen, mut found) = (BTreeSet::new(), vec![format!("http://{}/api/v2/me?subresources=*", server.address)]);
    for collection in ["contacts", "features", "services", "voice-environments", "me/calls", "me/devices"] {
        found.push(format!("http://{}/api/v2/{collection}", server.address));
    }
    while let Some(uri) = found.pop() {
        if !seen.insert(uri.clone()) {
            continue;
        }
        let answer = agent.get(uri.split_once("/api/v2/").unwrap().1);
        assert_eq!(answer.status, 200, "{uri}");
        addresses(&answer.json(), &mut found);
    }
    assert!(seen.len() > 15, "{seen:?}");
}

fn addresses(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains("/api/v2/") => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| addresses(item, found)),
        Value::Object(members) => members.values().for_each(|member| addresses(member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn one_sees_ones_own_device_whole_and_a_colleagues_in_part() {
    let server = Server::start();
    let (agent, other) = (server.agent("15000"), server.agent("15001"));
    let own = agent.get(&format!("devices/{}", agent.device())).json();
    assert_eq!(own, agent.get(&format!("me/devices/{}", agent.device())).json());
    let seen = agent.get(&format!("devices/{}", other.device())).json()["device"].clone();
    let whole = other.get(&format!("me/devices/{}", other.device())).json()["device"].clone();
    let hidden: Vec<&String> =
        whole.as_object().unwrap().keys().filter(|name| seen.get(name.as_str()).is_none()).collect();
    assert_eq!(hidden, ["capabilities", "doNotDisturb", "dynamicPhoneNumber"]);
    assert_eq!(agent.get(&format!("me/devices/{}", other.device())).status, 404);
    assert_eq!(agent.get(&format!("me/devices/{}/settings/tserver", other.device())).status, 404);
}

#[test]
fn what_is_not_there_is_not_found() {
    let server = Server::start();
    let agent = server.agent("15000");
    let device = agent.device();
    let missing = ["users/0", "contacts/0", "devices/0", "devices/0/settings/tserver", "features/none", "services/0"];
    let below = [format!("devices/{device}/settings/none"), format!("me/devices/{device}/settings/none")];
    for path in missing.into_iter().map(str::to_owned).chain(below) {
        let answer = agent.get(&path);
        assert_eq!((answer.status, &answer.json()["statusCode"]), (404, &json!(6)), "{path}");
    }
    let answer = agent.get("contacts?limit=all");
    assert_eq!((answer.status, &answer.json()["statusCode"]), (400, &json!(10)));
}

#[test]
fn a_user_event_of_ones_own_device_is_accepted() {
    let server = Server::start();
    let (agent, other) = (server.agent("15000"), server.agent("15001"));
    let send = |name: &str, device: &str| {
        let body = json!({"operationName": name, "deviceId": device, "userData": {"GSW_REFERENCE_ID": 1}}).to_string();
        let headers = [agent.authorization(), ("Content-Type", "application/json; charset=UTF-8")];
        request(server.address, "POST /internal-api/operations HTTP/1.1\r\n", &headers, body.as_bytes()).json()
    };
    assert_eq!(send("SendUserEvent", &agent.device()), json!({"statusCode": 0}));
    assert_eq!(send("SendUserEvent", &other.device())["statusCode"], 6);
    assert_eq!(send("SendMoney", &agent.device())["statusCode"], 2);
}

/// How many calls ring at the agent and end.
const CALLS: usize = 100;

fn told(messages: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    messages
        .iter()
        .map(|message| (text(&message["data"]["call"]["id"]), text(&message["data"]["call"]["state"])))
        .collect()
}

/// All that is told of the calls, each piece with the position up to which it goes.
fn listen(mut desk: Desk) -> Vec<(u64, Vec<(String, String)>)> {
    let (mut pieces, mut count) = (Vec::new(), 0);
    let mut deadline = clock::now() + PATIENCE;
    while count < 2 * CALLS {
        let (messages, _) = desk.connect(Some(1000));
        if !messages.is_empty() {
            deadline = clock::now() + PATIENCE;
        }
        assert!(clock::now() < deadline, "{count} told, and no more");
        count += messages.len();
        pieces.push((desk.ack.unwrap(), told(&messages)));
    }
    pieces
}

#[test]
fn what_was_read_and_what_is_told_from_there_on_make_one_whole() {
    let server = Server::with(&[("BAYEUX__SESSIONS_PER_AGENT", "30")]);
    let [agent, peer] = ["15000", "15001"].map(|name| server.agent(name));
    let desk = Desk::open(agent.clone(), true, &["/v2/me/calls"]);
    let mut late = Vec::new();
    let pieces = std::thread::scope(|scope| {
        let listening = scope.spawn(|| listen(desk));
        let calling = scope.spawn(|| {
            for _ in 0..CALLS {
                assert_eq!(peer.dial("15000")["statusCode"], 0);
                let call = peer.until_call("Dialing", 1);
                peer.operate(call["id"].as_str().unwrap(), "Hangup");
                // Until then the next one would be the second that it dials.
                peer.until_calls(0);
            }
        });
        while !calling.is_finished() && late.len() < 20 {
            let read = agent.get("me/calls?fields=*");
            let position: u64 = read.header("x-partyline-position").unwrap().parse().unwrap();
            let ext = json!({"replay": {"/v2/me/calls": position}});
            let message = json!({"channel": "/meta/subscribe", "subscription": "/v2/me/calls", "ext": ext});
            let mut desk = Desk::open(agent.clone(), true, &[]);
            let reply = desk.send(&message).json();
            assert_eq!(reply[0]["successful"], true, "{reply}");
            late.push((position, read.json()["calls"].as_array().unwrap().clone(), desk));
        }
        calling.join().unwrap();
        listening.join().unwrap()
    });
    let whole: Vec<_> = pieces.iter().flat_map(|(_, piece)| piece.clone()).collect();
    let last = whole.last().unwrap();
    let mut begun = 0;
    for (position, calls, mut desk) in late {
        let told = if position < pieces.last().unwrap().0 {
            told(&desk.until(|message| told(std::slice::from_ref(message))[0] == *last))
        } else {
            Vec::new()
        };
        let before = whole.strip_suffix(told.as_slice()).expect("the end of all that was told");
        let sure = pieces.iter().filter(|(through, _)| *through <= position).map(|(_, piece)| piece.len()).sum();
        let most = pieces.iter().take_while(|(through, _)| *through <= position).count();
        let most: usize = pieces.iter().take(most + 1).map(|(_, piece)| piece.len()).sum();
        assert!((sure..=most).contains(&before.len()), "{sure} {most} {}", before.len());
        // And what was read is what had been told by then.
        let ringing = before.last().filter(|(_, state)| state == "Ringing");
        assert_eq!(calls.first().map(|call| call["id"].as_str().unwrap()), ringing.map(|(id, _)| id.as_str()));
        begun += usize::from(!told.is_empty() && !before.is_empty());
    }
    assert!(begun > 3, "{begun} read in the middle");
}
