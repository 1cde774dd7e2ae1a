//! Records of every version there has been are read for ever.

use std::path::Path;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::agents;
use crate::agents::{
    CustomMode, CustomState, DoNotDisturb, MonitorCalls, MonitorKind, Monitoring, Phone, Presence, Shift, State, Voice,
    Watched, WorkMode,
};
use crate::bayeux::{Channel, Error, Pattern};
use crate::calls::{
    Arrived, Ask, AskId, AskKind, Call, CallType, Consult, Datum, Endpoint, Entered, Entry, Event, EventKind,
    Extension, Failure, Family, Heard, Home, Joining, Location, Monitor, MonitorMode, MonitorScope, Mute, Party,
    PartyState, Purpose, Recording, Right, Rights, Term, UserData,
};
use crate::ids::{
    AgentId, CallId, ConnId, CookieHash, DeviceId, Fingerprint, IdempotencyKey, LoginId, Number, Position, SessionId,
    WallTime, hex,
};
use crate::log::{Expected, Kind, NewRecord, Record, Subject};
use crate::records::{
    AgentCause, AgentChanged, CallChanged, Cause, ChannelPublished, CommandKey, Direct, Keep, LoginEnded, OwedPage,
    Reached, Replay, Rest, SessionEnded, SessionState, Start, decode,
};

use super::round_trip::{HERE, ID, TIME, placed};

#[test]
fn today_every_kind_is_written_as_the_golden_file_has_it() {
    let written: String = samples().iter().map(|record| format!("{}\n", line(record))).collect();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path(), &written).unwrap();
    }
    assert_eq!(written, golden());
}

#[test]
fn every_line_of_the_golden_file_is_read() {
    let read: Vec<_> = golden().lines().map(|line| decode(&parse(line)).unwrap()).collect();
    assert_eq!(read.len(), samples().len());
    expect_test::expect_file!["../../../tests/data/log/records-v1.expected"].assert_debug_eq(&read);
}

fn golden() -> String {
    std::fs::read_to_string(path()).unwrap()
}

fn path() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/log/records-v1.jsonl")
}

fn line(record: &NewRecord) -> String {
    let mut line = json!({ "kind": record.kind.0, "version": record.version, "subject": record.subject.as_str(), "ends": record.ends });
    match std::str::from_utf8(&record.payload) {
        Ok(text) if record.kind != Kind(30) => line["text"] = text.into(),
        Ok(_) | Err(_) => line["hex"] = hex(&record.payload).into(),
    }
    line.to_string()
}

fn parse(line: &str) -> Record {
    let line: Value = serde_json::from_str(line).unwrap();
    let number = |name: &str| line[name].as_u64().unwrap();
    let payload = line["text"].as_str().map(|text| text.as_bytes().to_vec());
    let record = ended().record(ID, TIME, Expected::Any);
    Record {
        kind: Kind(number("kind").try_into().unwrap()),
        version: number("version").try_into().unwrap(),
        subject: Subject::new(line["subject"].as_str().unwrap()),
        ends: line["ends"].as_bool().unwrap(),
        payload: payload.unwrap_or_else(|| from_hex(line["hex"].as_str().unwrap())).into(),
        ..placed(record)
    }
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().map(|c| c.to_digit(16).unwrap()).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

/// One record of each kind, with something in every field.
fn samples() -> Vec<NewRecord> {
    let session = SessionId::parse("00112233445566778899aabbccddeeff").unwrap();
    let state = SessionState {
        session,
        agent: Some(AgentId::parse("15000").unwrap()),
        login: None,
        cookie: Some(CookieHash::parse("ffeeddccbbaa99887766554433221100").unwrap()),
        desktop: true,
        ack: true,
        since: Start::At(Position::new(790)),
        home: "node-1".into(),
        patterns: vec![
            (Pattern::parse("/v2/me/*").unwrap(), Start::At(Position::new(791))),
            (Pattern::parse("/demo/**").unwrap(), Start::Here),
        ],
        replays: Vec::new(),
        begun: None,
        catch_up: Vec::new(),
        cursor: Some(Position::new(812)),
    };
    let replay = |pattern: &str, from, reached| Replay {
        pattern: Pattern::parse(pattern).unwrap(),
        from: Position::new(from),
        reached,
    };
    let page = OwedPage {
        state: SessionState {
            replays: vec![
                replay("/v2/me/*", 0, Reached::UpTo(Position::new(700))),
                replay("/demo/**", 5, Reached::Live(Start::Here)),
            ],
            ..state.clone()
        },
        after: Position::new(500),
        through: Position::new(700),
        rest: Rest::More,
        positions: [501, 600, 700].map(Position::new).to_vec(),
    };
    let published = ChannelPublished {
        channel: Channel::parse("/demo/a").unwrap(),
        data: Bytes::from_static(br#"{ "text" : "as it came" }"#),
        binary: None,
        publisher: Some(session),
        key: Some(IdempotencyKey::parse("key-1").unwrap()),
    };
    let operation = Cause::Operation {
        name: "SingleStepConference".into(),
        agent: AgentId::parse("15000").unwrap(),
        key: Some(CommandKey {
            key: IdempotencyKey::parse("key-2").unwrap(),
            command: Fingerprint::of(["SingleStepConference", "15002"]),
        }),
    };
    let changed = |cause| CallChanged { cause, family: family(), events: events() };
    let heard = Heard { term: Term(4), sequence: 77 };
    let answer = |error| Direct {
        session,
        channel: Channel::parse("/service/a").unwrap(),
        data: Bytes::from_static(br#"{ "a" : 1 }"#),
        id: Some(Bytes::from_static(br#""7""#)),
        error,
    };
    let refusal = Error::parse("503:/service/a:upstream_busy").ok();
    vec![
        changed(operation).record(ID, TIME, Expected::At(Position::new(790))),
        changed(Cause::Report { leg: leg(813, 0), heard }).record(ID, TIME, Expected::At(HERE)),
        changed(Cause::Timeout { ask: leg(813, 1) }).record(ID, TIME, Expected::At(HERE)),
        state.record(ID, TIME, Expected::Nothing),
        SessionState { login: Some(LoginId::parse("0011223344556677").unwrap()), ..state }.record(
            ID,
            TIME,
            Expected::Nothing,
        ),
        ended().record(ID, TIME, Expected::Any),
        published.record(ID, TIME, Keep::Stored),
        page.record(ID, TIME, Expected::At(HERE)),
        consulting().record(ID, TIME, Expected::Nothing),
        answer(None).record(ID, TIME, Keep::Stored),
        answer(refusal).record(ID, TIME, Keep::Stored),
    ]
    .into_iter()
    .chain(agents())
    .chain(supervisors())
    .chain([customers().record(ID, TIME, Expected::At(HERE))])
    .chain(powerless())
    .chain([offline().record(ID, TIME, Expected::At(HERE))])
    .collect()
}

/// An agent in each state and for each reason, and a login that is over, and forgotten.
fn agents() -> Vec<NewRecord> {
    let operation = |key: Option<&str>| AgentCause::Operation {
        name: "NotReady".into(),
        key: key.map(|key| CommandKey {
            key: IdempotencyKey::parse(key).unwrap(),
            command: Fingerprint::of(["agent", "NotReady"]),
        }),
    };
    let at = Position::new(812);
    let custom = |mode| {
        State::Custom(CustomState {
            operation: "OutToLunch".into(),
            id: "D6A4CD6A-1F4B-4A5E-8B15-3C0E6F1B9C11".into(),
            display_name: "Out to \"Lunch\"".into(),
            mode,
            reason: Some("Lunch".into()),
        })
    };
    let states = [
        (operation(Some("key-3")), State::NotReady { reason: Some("Tea".into()) }),
        (operation(None), State::AuxWork),
        (operation(None), custom(Some(CustomMode::AuxWork))),
        (operation(None), custom(Some(CustomMode::AfterCallWork))),
        (AgentCause::NotAnswered(at), State::NotReady { reason: None }),
        (AgentCause::CallEnded(at), State::AfterCallWork { until: Some(TIME), back_to: WorkMode::AutoIn }),
        (operation(None), State::AfterCallWork { until: None, back_to: WorkMode::ManualIn }),
        (AgentCause::TimeOver, State::Ready(WorkMode::AsConfigured)),
    ];
    let shift = |state| Shift {
        place: Some("Place 1".into()),
        login_code: Some("100".into()),
        queue: Some("7001".into()),
        state,
        since: WallTime::from_millis(1_699_999_999_000),
        monitoring: None,
    };
    let voice = |presence| Voice {
        agent: AgentId::parse("15000").unwrap(),
        phone: Phone::new(home(0).device, number(0)),
        presence,
        do_not_disturb: DoNotDisturb::On,
        forward_to: Some(number(1)),
        events: [agents::Event::DeviceChanged, agents::Event::ChannelChanged].into(),
    };
    let mut changes: Vec<AgentChanged> = states
        .into_iter()
        .map(|(cause, state)| AgentChanged::new(cause, voice(Presence::LoggedIn(shift(state)))))
        .collect();
    let out = Voice {
        do_not_disturb: DoNotDisturb::Off,
        forward_to: None,
        events: [agents::Event::Error(agents::Failure::NotRegistered)].into(),
        ..voice(Presence::LoggedOut(agents::Start::NEW))
    };
    changes.push(AgentChanged::new(operation(None), out));
    let login = LoginEnded {
        login: LoginId::parse("0011223344556677").unwrap(),
        agent: AgentId::parse("15000").unwrap(),
        until: TIME,
    };
    let mut records: Vec<NewRecord> =
        changes.iter().map(|changed| changed.record(ID, TIME, Expected::At(HERE))).collect();
    records.extend([login.record(ID, TIME), login.forgotten(ID, TIME)]);
    records
}

/// An agent that went offline, and what it comes back to.
fn offline() -> AgentChanged {
    let start =
        agents::Start { place: Some("Place 1".into()), login_code: Some("100".into()), queue: Some("7001".into()) };
    let phone = Phone::new(home(0).device, number(0));
    let presence = Presence::LoggedOut(start);
    let voice = Voice { presence, ..Voice::new(AgentId::parse("15000").unwrap(), phone) };
    AgentChanged::new(AgentCause::Operation { name: "Offline".into(), key: None }, voice)
}

/// A supervisor, a call that it is on for as long as the call goes on, and calls that are offered.
fn supervisors() -> Vec<NewRecord> {
    let target = Watched { device: home(1).device, number: number(1) };
    let monitoring =
        Monitoring { target, kind: MonitorKind::Coach, scope: agents::MonitorScope::Call, calls: MonitorCalls::Next };
    let shift = Shift {
        place: None,
        login_code: None,
        queue: None,
        state: State::AuxWork,
        since: TIME,
        monitoring: Some(monitoring),
    };
    let agent = AgentId::parse("15000").unwrap();
    let phone = Phone { supervision: agents::Right::Granted, ..Phone::new(home(0).device, number(0)) };
    let watching = Voice { presence: Presence::LoggedIn(shift), ..Voice::new(agent, phone) };
    let mut call = consulting();
    for party in call.family.calls.iter_mut().flat_map(|call| &mut call.parties) {
        party.monitor = party.monitor.take().map(|monitor| Monitor { scope: MonitorScope::Call, ..monitor });
    }
    let mut looked = family();
    looked.asks.clear();
    let states = [PartyState::Preview, PartyState::PreviewCancelled(TIME)];
    for (party, state) in looked.calls.iter_mut().flat_map(|call| &mut call.parties).zip(states) {
        party.state = state;
    }
    let looked = CallChanged { cause: Cause::Arrived, family: looked, events: Vec::new() };
    vec![
        AgentChanged::new(AgentCause::Watched(Position::new(812)), watching).record(ID, TIME, Expected::At(HERE)),
        call.record(ID, TIME, Expected::At(HERE)),
        looked.record(ID, TIME, Expected::At(HERE)),
    ]
}

/// What the first version of families did not have: a consult call, what is asked for it, and all else that came later.
fn consulting() -> CallChanged {
    let party = |index: usize, state| {
        let recording = if index == 0 { Right::Granted } else { Right::Withheld };
        let rights = Rights { recording, ..Rights::ORDINARY };
        let endpoint = Endpoint { rights, ..Endpoint::new(number(index), Some(home(index))) };
        Party::new(endpoint, leg(700, index), state, CallType::Consult, WallTime::from_millis(1_699_999_948_000))
    };
    let side = party(0, PartyState::Established);
    let asked = Party { queue: Some(number(9)), mute: Mute::On, ..party(1, PartyState::Ringing) };
    let monitor = Some(Monitor { target: number(0), mode: MonitorMode::ListenIn, scope: MonitorScope::Agent });
    let watching = Party { monitor, entered: Entered::Now, ..party(2, PartyState::Established) };
    let entry = Entry::InPlaceOf(leg(700, 0));
    let joining = Some(Joining { by: number(0), user_data: UserData::default(), entry });
    let replacing = Party { joining, ..party(3, PartyState::Invited) };
    let id = CallId::parse("01RCC3N118B1V0SL807GK2LAES000008").unwrap();
    let call = Call {
        parties: vec![side, asked, watching, replacing],
        consult: Some(Consult { parent: call_id(), main: leg(600, 0), side: leg(700, 0) }),
        recording: Recording::Paused,
        former: vec![home(5).agent],
        missed: Vec::new(),
        ..Call::empty(id.clone(), ConnId::parse("0071027198180008").unwrap())
    };
    let (main, side) = (leg(600, 0), leg(700, 0));
    let kinds = [
        AskKind::Adopt(Arrived(7)),
        AskKind::Clear,
        AskKind::Dtmf { leg: side, digits: "12#".into() },
        AskKind::Merge { consult: id, main, side, purpose: Purpose::Transfer },
        AskKind::Monitor { leg: side, mode: MonitorMode::BargeIn },
        AskKind::Mute(side),
        AskKind::Record { leg: side, to: Recording::Recording },
        AskKind::Route { queue: number(9), tried: Some(number(1)) },
        AskKind::Swap { hold: side, retrieve: main },
        AskKind::Unmute(side),
    ];
    let ask = |(index, kind)| Ask { id: leg(0, index), call: call_id(), since: TIME, asker: None, kind };
    let event = |kind, passing| Event {
        kind,
        call: call_id(),
        to: home(0),
        number: number(0),
        passing,
        extensions: Vec::new(),
    };
    let family = Family {
        root: call_id(),
        calls: vec![call],
        asks: kinds.into_iter().enumerate().map(ask).collect(),
        late: Vec::new(),
        events: Default::default(),
    };
    let events = vec![
        event(EventKind::StatusChange, Some(PartyState::Ringing)),
        event(EventKind::CallRecordingStateChange, None),
        event(EventKind::Missed, None),
    ];
    CallChanged { cause: Cause::Arrived, family, events }
}

/// A call of which its parties keep who called.
fn customers() -> CallChanged {
    let mut family = family();
    family.asks.clear();
    for party in family.calls.iter_mut().flat_map(|call| &mut call.parties) {
        party.ani = (party.kind == CallType::Inbound).then(|| number(7));
    }
    CallChanged { cause: Cause::Arrived, family, events: Vec::new() }
}

/// What was later still: an agent that may do nothing, on a call, and at a device that the switch does not know.
fn powerless() -> Vec<NewRecord> {
    let mut family = family();
    family.asks.clear();
    for party in family.calls.iter_mut().flat_map(|call| &mut call.parties) {
        party.endpoint.rights.voice = if party.leg == leg(700, 0) { Right::Withheld } else { Right::Granted };
    }
    let changed = CallChanged { cause: Cause::Arrived, family, events: Vec::new() };
    let phone = Phone {
        voice: agents::Right::Withheld,
        registration: agents::Registration::Unregistered,
        ..Phone::new(home(0).device, number(0))
    };
    let voice = Voice::new(home(0).agent, phone);
    let cause = AgentCause::Operation { name: "EndContactCenterSession".into(), key: None };
    let changes = AgentChanged::new(cause, voice).record(ID, TIME, Expected::Nothing);
    vec![changed.record(ID, TIME, Expected::At(HERE)), changes]
}

fn ended() -> SessionEnded {
    SessionEnded { session: SessionId::parse("00112233445566778899aabbccddeeff").unwrap(), reason: "expired".into() }
}

fn family() -> Family {
    let data = |key: &str, value: &str| UserData(vec![(key.into(), Datum(value.into()))]);
    let states = [
        PartyState::Established,
        PartyState::Held,
        PartyState::Dialing,
        PartyState::Invited,
        PartyState::Ringing,
        PartyState::Released(WallTime::from_millis(1_699_999_999_000)),
    ];
    let kinds = [CallType::Internal, CallType::Consult, CallType::Inbound, CallType::Outbound];
    let party = |(index, state): (usize, PartyState)| Party {
        dnis: (index != 0).then(|| number(1)),
        joining: (index == 4).then(|| Joining {
            by: number(0),
            user_data: data("AccountNumber", "\"12345\""),
            entry: Entry::Added,
        }),
        heard: (index != 3).then_some(Heard { term: Term(4), sequence: 70 }),
        ..Party::new(
            Endpoint::new(number(index), (index < 3).then(|| home(index))),
            leg(if index == 5 { 0 } else { 700 }, index),
            state,
            kinds[index % kinds.len()],
            WallTime::from_millis(1_699_999_948_000),
        )
    };
    let kinds = vec![
        AskKind::Answer(leg(700, 4)),
        AskKind::Connect(number(0)),
        AskKind::Dial { number: number(5), from: number(0), location: Some(Location("Switch".into())) },
        AskKind::Hold(leg(700, 0)),
        AskKind::Release(leg(700, 1)),
        AskKind::Retrieve(leg(700, 2)),
    ];
    let ask = |(index, kind): (usize, AskKind)| Ask {
        id: leg(0, index),
        call: call_id(),
        since: TIME,
        asker: (index == 2).then(|| home(0)),
        kind,
    };
    Family {
        root: call_id(),
        calls: vec![Call {
            parties: states.into_iter().enumerate().map(party).collect(),
            user_data: data("a \"key\"", "{ \"nested\" : [1.0, null] }"),
            owner: Some(number(0)),
            ..Call::empty(call_id(), ConnId::parse("0071027198180007").unwrap())
        }],
        asks: kinds.into_iter().enumerate().map(ask).collect(),
        late: Vec::new(),
        events: Default::default(),
    }
}

fn events() -> Vec<Event> {
    let failures =
        [Failure::Busy, Failure::Failed, Failure::InvalidNumber, Failure::NoAnswer, Failure::None, Failure::Timeout];
    let kinds = [EventKind::AttachedDataChanged, EventKind::ParticipantsUpdated, EventKind::StatusChange];
    let event = |kind| Event {
        kind,
        call: call_id(),
        to: home(0),
        number: number(0),
        passing: None,
        extensions: if kind == EventKind::ParticipantsUpdated { vec![(Extension::BusinessCall, 0)] } else { vec![] },
    };
    kinds.into_iter().chain(failures.map(EventKind::Error)).map(event).collect()
}

fn call_id() -> CallId {
    CallId::parse("01RCC3N118B1V0SL807GK2LAES000007").unwrap()
}

fn number(index: usize) -> Number {
    Number::parse(&(15000 + index).to_string()).unwrap()
}

fn home(index: usize) -> Home {
    let device = DeviceId::parse("631608b3-ceb1-472b-ba05-2ae39555b0d1").unwrap();
    Home { agent: AgentId::parse(number(index).as_str()).unwrap(), device }
}

fn leg(record: u64, index: usize) -> AskId {
    AskId { record: Position::new(record), index: index.try_into().unwrap() }
}
