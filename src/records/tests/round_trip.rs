//! What was written comes back.

use std::collections::VecDeque;

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

use crate::bayeux::{Channel, Error, Pattern};
use crate::calls::{
    Arrived, Ask, AskId, AskKind, Call, CallType, Consult, Datum, Endpoint, Entered, Entry, Event, EventKind,
    Extension, Failure, Family, Heard, Home, Joining, Location, Monitor, MonitorMode, MonitorScope, Mute, Party,
    PartyState, Purpose, Recording, Right, Rights, Term, UserData,
};
use crate::ids::{
    AgentId, BrowserCookie, CallId, ClientId, ConnId, DeviceId, Epoch, Fingerprint, IdempotencyKey, Number, Position,
    RecordId, SessionId, WallTime,
};
use crate::log::{Expected, Kind, NewRecord, Record, Subject};
use crate::records::{
    CallChanged, Cause, ChannelPublished, CommandKey, Direct, Keep, Payload, SessionEnded, SessionState, Start, decode,
};

#[test]
fn random_families_come_back_as_they_were_with_this_record_settled() {
    let mut random = StdRng::seed_from_u64(15000);
    let (mut parties, mut asks, mut events, mut settled, mut over) = (0, 0, 0, 0, 0);
    for _ in 0..500 {
        let changed = random_change(&mut random);
        let record = placed(changed.record(ID, TIME, Expected::Nothing));
        let mut expected = changed;
        settled += settle_by_hand(&mut expected.family);
        parties += expected.family.calls.iter().map(|call| call.parties.len()).sum::<usize>();
        asks += expected.family.asks.len();
        events += expected.events.len();
        over += usize::from(record.ends);
        assert_eq!(decode(&record).unwrap(), Payload::CallChanged(expected));
    }
    assert!(
        parties > 1000 && asks > 500 && events > 500 && settled > 300 && over > 50,
        "{parties} {asks} {events} {settled} {over}"
    );
}

#[test]
fn a_call_ends_its_subject_when_its_last_party_has_left() {
    let mut random = StdRng::seed_from_u64(1);
    let mut changed = random_change(&mut random);
    let mut call = random_call(&mut random);
    call.parties = vec![random_party(&mut random), random_party(&mut random)];
    changed.family.calls = vec![call];
    let mut ends = |states: [PartyState; 2]| {
        for (party, state) in changed.family.calls[0].parties.iter_mut().zip(states) {
            party.state = state;
        }
        changed.record(ID, TIME, Expected::Any).ends
    };
    assert!(ends([PartyState::Released(TIME), PartyState::Released(TIME)]));
    assert!(!ends([PartyState::Released(TIME), PartyState::Held]));
    assert!(!ends([PartyState::Invited, PartyState::Released(TIME)]));
    assert!(!ends([PartyState::Preview, PartyState::Invited]));
    assert!(ends([PartyState::PreviewCancelled(TIME), PartyState::Released(TIME)]));
}

#[test]
fn a_change_takes_the_events_out_of_its_family() {
    let mut random = StdRng::seed_from_u64(2);
    let mut family = random_change(&mut random).family;
    let event = random_event(&mut random);
    family.events.push_back(event.clone());
    let changed = CallChanged::new(Cause::Timeout { ask: AskId { record: HERE, index: 0 } }, family);
    assert_eq!((changed.events.as_slice(), changed.family.events.len()), ([event].as_slice(), 0));
}

#[test]
fn a_session_comes_back_with_its_starts_settled_and_without_its_secrets() {
    let (client, cookie) = (ClientId::draw(Epoch::new(7)), BrowserCookie::draw());
    let pattern = |text: &str| Pattern::parse(text).unwrap();
    let state = SessionState {
        session: client.session(),
        agent: Some(AgentId::parse("15000").unwrap()),
        login: None,
        cookie: Some(cookie.hash()),
        desktop: true,
        ack: true,
        since: Start::Here,
        home: "node-1".into(),
        patterns: vec![(pattern("/v2/me/*"), Start::At(Position::new(812))), (pattern("/demo/**"), Start::Here)],
        replays: Vec::new(),
        begun: Some(vec![u64::MAX, 7]),
        catch_up: vec![(Pattern::parse("/v2/me/*").unwrap(), Position::new(7))],
        cursor: Some(Position::new(900)),
    };
    let record = placed(state.record(ID, TIME, Expected::Nothing));
    assert_eq!((record.subject.to_string(), record.ends), (format!("session/{}", client.session()), false));
    let said = format!("{:?}{}", record, String::from_utf8_lossy(&record.payload));
    assert!(!said.contains(client.reveal()) && !said.contains(cookie.reveal()), "{said}");
    let mut expected = state;
    expected.since = Start::At(HERE);
    expected.patterns[1].1 = Start::At(HERE);
    assert_eq!(decode(&record).unwrap(), Payload::SessionState(expected));

    let ended = SessionEnded { session: client.session(), reason: "expired".into() };
    let record = placed(ended.record(ID, TIME, Expected::At(HERE)));
    assert!(record.ends);
    assert_eq!(decode(&record).unwrap(), Payload::SessionEnded(ended));
}

#[test]
fn the_data_of_a_publication_is_shared_and_not_copied() {
    let published = ChannelPublished {
        channel: Channel::parse("/demo/a").unwrap(),
        data: Bytes::from_static(br#"{ "text" : "as it came" }"#),
        binary: Some(Bytes::from_static(b"{}")),
        publisher: Some(SessionId::parse("00112233445566778899aabbccddeeff").unwrap()),
        key: Some(IdempotencyKey::parse(&"ß".repeat(128)).unwrap()),
    };
    let record = placed(published.record(ID, TIME, Keep::Volatile));
    assert_eq!((record.subject.as_str(), record.volatile, record.ends), ("channel/demo/a", true, false));
    let Payload::ChannelPublished(read) = decode(&record).unwrap() else { panic!("another kind") };
    assert_eq!(read, published);
    assert!(record.payload.as_ptr_range().contains(&read.data.as_ptr()));
    let plain = ChannelPublished { binary: None, publisher: None, key: None, ..published };
    assert!(!plain.record(ID, TIME, Keep::Stored).volatile);
    assert_eq!(decode(&placed(plain.record(ID, TIME, Keep::Stored))).unwrap(), Payload::ChannelPublished(plain));
}

#[test]
fn a_message_for_one_session_comes_back_with_its_refusal_or_without() {
    for error in [None, Error::parse("503:a:upstream_busy").ok()] {
        let direct = Direct {
            session: SessionId::new([3; 16]),
            channel: Channel::parse("/service/a").unwrap(),
            data: Bytes::from_static(b"{\"a\":1}"),
            id: Some(Bytes::from_static(b"\"7\"")),
            error,
        };
        for keep in [Keep::Stored, Keep::Volatile] {
            let new = direct.record(RecordId::draw(), WallTime::default(), keep);
            assert_eq!((new.volatile, new.ends), (keep == Keep::Volatile, true));
            assert_eq!(decode(&placed(new)).unwrap(), Payload::Direct(direct.clone()));
        }
    }
}

#[test]
fn what_is_not_known_is_passed_over_within_a_payload_and_refused_as_a_kind_or_version() {
    let record = |kind: u16, version: u8, subject: &str, payload: &[u8]| Record {
        kind: Kind(kind),
        version,
        subject: Subject::new(subject),
        payload: Bytes::copy_from_slice(payload),
        ..placed(ended().record(ID, TIME, Expected::Any))
    };
    let json = br#"{"later":[1],"session":"00112233445566778899aabbccddeeff","reason":"expired"}"#;
    assert_eq!(decode(&record(21, 1, "session/x", json)).unwrap(), Payload::SessionEnded(ended()));
    let field = b"\0\x04\x09\0\x01x{}";
    assert!(
        matches!(decode(&record(30, 1, "channel/a", field)).unwrap(), Payload::ChannelPublished(p) if &*p.data == b"{}")
    );
    assert_eq!(decode(&record(1, 9, "log/epoch", b"")).unwrap(), Payload::LogOpened);

    let why = |kind, version, subject, payload: &[u8]| {
        decode(&record(kind, version, subject, payload)).unwrap_err().to_string()
    };
    let refused = [
        why(99, 1, "x", b"{}"),
        why(21, 2, "session/x", json),
        why(21, 1, "session/x", b"{}"),
        why(20, 1, "session/x", b"not json"),
        why(10, 1, "call/x", b"[]"),
        why(30, 1, "channel/a", b""),
        why(30, 1, "channel/a", b"\0\x05\x01\0\x01x"),
        why(30, 1, "channel/a", b"\0\x04\x01\0\x09x"),
        why(30, 1, "channel/a", b"\0\x04\x01\0\x01x"),
        why(30, 1, "session/a", b"\0\0{}"),
    ];
    expect_test::expect![[r#"
        record 814, kind 99, version 1: unknown kind
        record 814, kind 21, version 2: unknown version
        record 814, kind 21, version 1: missing field `session` at line 1 column 2
        record 814, kind 20, version 1: expected ident at line 1 column 2
        record 814, kind 10, version 1: invalid length 0, expected struct ChangedWire with 3 elements at line 1 column 2
        record 814, kind 30, version 1: Not enough bytes remaining in buffer to read value (requested 2 but only 0 available)
        record 814, kind 30, version 1: cut short
        record 814, kind 30, version 1: cut short
        record 814, kind 30, version 1: the publisher is not 16 bytes
        record 814, kind 30, version 1: the subject is no channel"#]].assert_eq(&refused.join("\n"));
}

#[test]
fn damaged_payloads_are_refused_or_read_but_never_panic() {
    let mut random = StdRng::seed_from_u64(3);
    let mut refused = 0;
    for _ in 0..2000 {
        let mut record = placed(random_change(&mut random).record(ID, TIME, Expected::Any));
        let mut payload = record.payload.to_vec();
        let at = random.random_range(0..payload.len());
        payload[at] = random.random();
        payload.truncate(random.random_range(at..=payload.len()));
        record.payload = payload.into();
        refused += usize::from(decode(&record).is_err());
        record.kind = Kind(30);
        refused += usize::from(decode(&record).is_err());
    }
    assert!(refused > 2000, "{refused}");
}

pub(super) fn placed(new: NewRecord) -> Record {
    Record {
        position: HERE,
        id: new.id,
        subject: new.subject,
        kind: new.kind,
        version: new.version,
        time: new.time,
        volatile: new.volatile,
        ends: new.ends,
        payload: new.payload,
    }
}

fn ended() -> SessionEnded {
    SessionEnded { session: SessionId::parse("00112233445566778899aabbccddeeff").unwrap(), reason: "expired".into() }
}

fn settle_by_hand(family: &mut Family) -> usize {
    let mut names: Vec<&mut AskId> = Vec::new();
    for call in &mut family.calls {
        for party in &mut call.parties {
            names.push(&mut party.leg);
            if let Some(Joining { entry: Entry::InPlaceOf(leg), .. }) = &mut party.joining {
                names.push(leg);
            }
        }
        if let Some(Consult { main, side, .. }) = &mut call.consult {
            names.extend([main, side]);
        }
    }
    for ask in &mut family.asks {
        names.push(&mut ask.id);
        match &mut ask.kind {
            AskKind::Answer(leg)
            | AskKind::Dtmf { leg, .. }
            | AskKind::Hold(leg)
            | AskKind::Monitor { leg, .. }
            | AskKind::Mute(leg)
            | AskKind::Record { leg, .. }
            | AskKind::Release(leg)
            | AskKind::Retrieve(leg)
            | AskKind::Unmute(leg) => names.push(leg),
            AskKind::Merge { main, side, .. } => names.extend([main, side]),
            AskKind::Swap { hold, retrieve } => names.extend([hold, retrieve]),
            AskKind::Adopt(_) | AskKind::Clear | AskKind::Connect(_) | AskKind::Dial { .. } | AskKind::Route { .. } => {
            }
        }
    }
    let open: Vec<_> = names.into_iter().filter(|name| name.record == Position::ZERO).collect();
    let settled = open.len();
    open.into_iter().for_each(|name| name.record = HERE);
    settled
}

fn random_change(random: &mut StdRng) -> CallChanged {
    let cause = match random.random_range(0..4) {
        0 => Cause::Operation {
            name: "Hold".into(),
            agent: AgentId::parse("15000").unwrap(),
            key: maybe(random, |_| CommandKey {
                key: IdempotencyKey::parse("ключ 1").unwrap(),
                command: Fingerprint::of(["Hold", "CALL"]),
            }),
        },
        1 => Cause::Arrived,
        2 => Cause::Report { leg: AskId { record: HERE, index: 3 }, heard: random_heard(random) },
        _ => Cause::Timeout { ask: AskId { record: HERE, index: 4 } },
    };
    CallChanged { cause, family: random_family(random), events: some(random, random_event) }
}

fn random_family(random: &mut StdRng) -> Family {
    let root = CallId::parse("01RCC3N118B1V0SL807GK2LAES000007").unwrap();
    Family {
        root,
        calls: some(random, random_call),
        asks: some(random, random_ask),
        late: some(random, random_ask),
        events: VecDeque::new(),
    }
}

fn random_call(random: &mut StdRng) -> Call {
    Call {
        id: CallId::parse("01RCC3N118B1V0SL807GK2LAES000007").unwrap(),
        conn: ConnId::parse("0071027198180007").unwrap(),
        parties: some(random, random_party),
        user_data: random_data(random),
        owner: maybe(random, random_number),
        consult: maybe(random, |random| Consult {
            parent: CallId::parse("B").unwrap(),
            main: random_ask_id(random),
            side: random_ask_id(random),
        }),
        recording: random_recording(random),
        former: some(random, |random| random_home(random).agent),
        missed: some(random, |random| random_home(random).agent),
    }
}

fn random_party(random: &mut StdRng) -> Party {
    let states = [
        PartyState::Dialing,
        PartyState::Established,
        PartyState::Held,
        PartyState::Invited,
        PartyState::Preview,
        PartyState::PreviewCancelled(WallTime::from_millis(random.random_range(0..1 << 50))),
        PartyState::Released(WallTime::from_millis(random.random_range(0..1 << 50))),
        PartyState::Ringing,
    ];
    let kinds = [CallType::Consult, CallType::Inbound, CallType::Internal, CallType::Outbound];
    Party {
        endpoint: Endpoint {
            number: random_number(random),
            home: maybe(random, random_home),
            rights: Rights {
                recording: one_of(random, &[Right::Granted, Right::Withheld]),
                voice: one_of(random, &[Right::Granted, Right::Withheld]),
            },
        },
        leg: random_ask_id(random),
        state: one_of(random, &states),
        kind: one_of(random, &kinds),
        dnis: maybe(random, random_number),
        ani: maybe(random, random_number),
        since: WallTime::from_millis(random.random()),
        joining: maybe(random, |random| Joining {
            by: random_number(random),
            user_data: random_data(random),
            entry: if random.random() { Entry::Added } else { Entry::InPlaceOf(random_ask_id(random)) },
        }),
        entered: one_of(random, &[Entered::Before, Entered::Now]),
        mute: one_of(random, &[Mute::Off, Mute::On]),
        queue: maybe(random, random_number),
        monitor: maybe(random, |random| Monitor {
            target: random_number(random),
            mode: random_mode(random),
            scope: [MonitorScope::Agent, MonitorScope::Call][random.random_range(0..2)],
        }),
        heard: maybe(random, random_heard),
    }
}

fn random_ask(random: &mut StdRng) -> Ask {
    let leg = random_ask_id(random);
    let kinds = [
        AskKind::Adopt(Arrived(random.random())),
        AskKind::Answer(leg),
        AskKind::Clear,
        AskKind::Connect(random_number(random)),
        AskKind::Dial {
            number: random_number(random),
            from: random_number(random),
            location: maybe(random, |_| Location("TServer@\"Switch\"".into())),
        },
        AskKind::Dtmf { leg, digits: "1*#".into() },
        AskKind::Hold(leg),
        AskKind::Merge {
            consult: CallId::parse("B").unwrap(),
            main: leg,
            side: random_ask_id(random),
            purpose: one_of(random, &[Purpose::Conference, Purpose::Transfer]),
        },
        AskKind::Monitor { leg, mode: random_mode(random) },
        AskKind::Mute(leg),
        AskKind::Record { leg, to: random_recording(random) },
        AskKind::Release(leg),
        AskKind::Retrieve(leg),
        AskKind::Route { queue: random_number(random), tried: maybe(random, random_number) },
        AskKind::Swap { hold: leg, retrieve: random_ask_id(random) },
        AskKind::Unmute(leg),
    ];
    Ask {
        id: random_ask_id(random),
        call: CallId::parse("A").unwrap(),
        since: WallTime::from_millis(random.random()),
        asker: maybe(random, random_home),
        kind: one_of(random, &kinds),
    }
}

fn random_event(random: &mut StdRng) -> Event {
    let failures =
        [Failure::Busy, Failure::Failed, Failure::InvalidNumber, Failure::NoAnswer, Failure::None, Failure::Timeout];
    let kinds = [
        EventKind::AttachedDataChanged,
        EventKind::CallRecordingStateChange,
        EventKind::Missed,
        EventKind::Error(one_of(random, &failures)),
        EventKind::ParticipantsUpdated,
        EventKind::StatusChange,
    ];
    Event {
        kind: one_of(random, &kinds),
        call: CallId::parse("A").unwrap(),
        to: random_home(random),
        number: random_number(random),
        passing: maybe(random, |_| PartyState::Ringing),
        extensions: some(random, |random| (Extension::BusinessCall, random.random())),
    }
}

fn random_mode(random: &mut StdRng) -> MonitorMode {
    one_of(random, &[MonitorMode::BargeIn, MonitorMode::Coach, MonitorMode::ListenIn])
}

fn random_recording(random: &mut StdRng) -> Recording {
    one_of(random, &[Recording::Paused, Recording::Recording, Recording::Stopped])
}

fn random_data(random: &mut StdRng) -> UserData {
    UserData(some(random, |random| {
        let values = ["\"12345\"", "12345", "{ \"a\" : [1.0, null] }", "\"\\ud83d\\ude00 \u{1F600}\"", "no json \u{7}"];
        (format!("key {}\u{1}\"", random.next_u32()).into(), Datum(one_of(random, &values).into()))
    }))
}

fn random_ask_id(random: &mut StdRng) -> AskId {
    let record = if random.random() { Position::ZERO } else { Position::new(random.random_range(1..1 << 53)) };
    AskId { record, index: random.random() }
}

fn random_heard(random: &mut StdRng) -> Heard {
    Heard { term: Term(random.random()), sequence: random.random() }
}

fn random_home(random: &mut StdRng) -> Home {
    let number = random.random_range(15000..15003);
    Home { agent: AgentId::parse(&format!("ägent {number}")).unwrap(), device: DeviceId::parse("device").unwrap() }
}

fn random_number(random: &mut StdRng) -> Number {
    Number::parse(&format!("+{}", random.random_range(1..10_000_000))).unwrap()
}

fn maybe<T>(random: &mut StdRng, make: impl FnOnce(&mut StdRng) -> T) -> Option<T> {
    random.random::<bool>().then(|| make(random))
}

fn some<T>(random: &mut StdRng, mut make: impl FnMut(&mut StdRng) -> T) -> Vec<T> {
    (0..random.random_range(0..4)).map(|_| make(random)).collect()
}

fn one_of<T: Clone>(random: &mut StdRng, choices: &[T]) -> T {
    choices[random.random_range(0..choices.len())].clone()
}

pub(super) const HERE: Position = Position::new(814);

pub(super) const ID: RecordId = RecordId::new([7; 16]);

pub(super) const TIME: WallTime = WallTime::from_millis(1_700_000_000_000);
