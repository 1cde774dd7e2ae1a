//! What is true of what desktops see and send.

mod agents;
mod answers;
mod calls;
mod catalog;
mod numbering;
mod operations;
mod people;
mod requests;

use std::collections::VecDeque;

use crate::agents::{Phone, Voice};
use crate::calls::{
    AskId, Call, CallType, ClearRule, Datum, Endpoint, Event, EventKind, Extension, FIRST_CONFERENCE_PARTY, Family,
    Home, MuteRule, Party, PartyState, Rules, UserData,
};
use crate::directory::{Agent, demo_agents};
use crate::gws::{Base, Rendering};
use crate::ids::{AgentId, CallId, ConnId, DeviceId, Number, Position, WallTime};

/// A call that 15000 made to 15001, and to which it added 15002 after 12 seconds.
fn conference(id: &str, conn: &str, data: &[(&str, &str)]) -> Family {
    let root = CallId::parse(id).unwrap();
    let owner = [(FIRST_CONFERENCE_PARTY, "\"15000\"")];
    let data = data.iter().chain(&owner).map(|(key, value)| ((*key).into(), Datum((*value).into()))).collect();
    let call = Call {
        parties: vec![
            party("15000", 0, BEGAN, PartyState::Established),
            party("15001", 1, BEGAN, PartyState::Established),
            party("15002", 2, WallTime::from_millis(BEGAN.millis() + 12_000), PartyState::Established),
        ],
        user_data: UserData(data),
        owner: Some(number("15000")),
        ..Call::empty(root.clone(), ConnId::parse(conn).unwrap())
    };
    Family { root, calls: vec![call], asks: Vec::new(), late: Vec::new(), events: VecDeque::new() }
}

fn party(who: &str, leg: u16, since: WallTime, state: PartyState) -> Party {
    let endpoint = Endpoint::new(number(who), Some(home(who)));
    let leg = AskId { record: Position::new(790), index: leg };
    let dnis = Some(number(if who == "15002" { "15002" } else { "15001" }));
    Party { dnis, ..Party::new(endpoint, leg, state, CallType::Internal, since) }
}

fn event(family: &Family, kind: EventKind, who: &str) -> Event {
    let extensions = if kind == EventKind::AttachedDataChanged { vec![] } else { vec![(Extension::BusinessCall, 0)] };
    Event { kind, call: family.root.clone(), to: home(who), number: number(who), passing: None, extensions }
}

fn number(text: &str) -> Number {
    Number::parse(text).unwrap()
}

fn home(who: &str) -> Home {
    Home { agent: AgentId::parse(who).unwrap(), device: DeviceId::parse(DEVICE).unwrap() }
}

fn agent() -> Agent {
    demo_agents().swap_remove(0)
}

/// Its agent's state, before it ever logged in.
fn voice() -> Voice {
    let Agent { id, device, number, .. } = agent();
    Voice::new(id, Phone::new(device, number))
}

fn rendering() -> Rendering {
    Rendering {
        base: Base("http://127.0.0.1:8080".into()),
        attached_data_first: true,
        rules: Rules { mute: MuteRule::Conference, clear: ClearRule::Conference },
        old_participants: false,
        numbering: None,
        voice_channel: true,
    }
}

/// JSON without the space between its tokens.
fn compact(json: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let keep = |c: &char| {
        let kept = quoted || !c.is_whitespace();
        quoted ^= *c == '"' && !escaped;
        escaped = quoted && *c == '\\' && !escaped;
        kept
    };
    json.chars().filter(keep).collect()
}

fn text(json: &[u8]) -> String {
    serde_json::from_slice::<serde_json::Value>(json).unwrap();
    String::from_utf8(json.to_vec()).unwrap()
}

const DEVICE: &str = "631608b3-ceb1-472b-ba05-2ae39555b0d1";

const BEGAN: WallTime = WallTime::from_millis(1_700_000_000_000);
