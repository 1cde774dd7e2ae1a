//! Long random runs, in which what must always hold is looked at after each step.

use crate::calls::tests::rights::asker;
use crate::calls::tests::script::{Play, RULES, TIMEOUT, endpoint, kind, operation, shown, user_data};
use crate::calls::{
    Accepted, Ask, AskKind, Call, Capability, FIRST_CONFERENCE_PARTY, Failure, Family, LegId, MonitorMode, Operation,
    Party, PartyState, Purpose, ReportKind, Right, Seen, Target, capabilities,
};
use crate::ids::{AgentId, CallId, ConnId, Number, Position};

#[test]
fn whatever_happens_the_family_stays_sound() {
    let mut tally = Tally::default();
    for seed in 0..500 {
        run(&mut Draw(seed), &mut tally);
    }
    assert!(tally.steps >= 30_000, "{tally:?}");
    assert!(tally.changed >= 10_000, "{tally:?}");
    assert!(tally.unchanged >= 5_000, "{tally:?}");
    assert!(tally.accepted >= 5_000, "{tally:?}");
    assert!(tally.refused >= 4_000, "{tally:?}");
    assert!(tally.conferences >= 5_000, "{tally:?}");
    assert!(tally.consults >= 5_000, "{tally:?}");
    assert!(tally.merged >= 150, "{tally:?}");
    assert!(tally.swapped >= 80, "{tally:?}");
    assert!(tally.queued >= 100, "{tally:?}");
    assert!(tally.routed >= 1_000, "{tally:?}");
    assert!(tally.previews >= 200, "{tally:?}");
    assert!(tally.watched >= 1_000, "{tally:?}");
    assert!(tally.timeouts >= 25, "{tally:?}");
    assert!(tally.late >= 50, "{tally:?}");
    assert!(tally.over >= 150, "{tally:?}");
    assert!(tally.held >= 5_000, "{tally:?}");
    assert!(tally.powerless >= 1_000, "{tally:?}");
}

/// The last of the agents may do nothing.
const NUMBERS: [&str; 8] = ["15000", "15001", "15002", "15003", "15500", "15800", "7000", "8000"];

const AGENTS: usize = 6;

const OPERATIONS: [&str; 26] = [
    "accept",
    "answer",
    "attach:a=1",
    "clear",
    "complete-conference",
    "complete-transfer",
    "decline",
    "delete-data",
    "delete:a",
    "dispose:code=good",
    "hangup",
    "hold",
    "mute",
    "pause-recording",
    "reject",
    "remove:15001",
    "remove:7000",
    "resume-recording",
    "retrieve",
    "send:1",
    "start-recording",
    "stop-recording",
    "switch:barge-in",
    "switch:listen-in",
    "unmute",
    "update:a=2",
];

/// How much the runs came by.
#[derive(Debug, Default)]
struct Tally {
    steps: usize,
    changed: usize,
    unchanged: usize,
    accepted: usize,
    refused: usize,
    conferences: usize,
    consults: usize,
    merged: usize,
    swapped: usize,
    queued: usize,
    routed: usize,
    previews: usize,
    watched: usize,
    timeouts: usize,
    late: usize,
    over: usize,
    held: usize,
    powerless: usize,
}

fn run(draw: &mut Draw, tally: &mut Tally) {
    let mut play = Play::default();
    let begins = [
        "15000 dials 15001 key=value",
        "+19165550104 enters 6000",
        "15500 dials 7000",
        "15001 previews 7000 key=value",
    ];
    play.line(begins[draw.below(4)]);
    for _ in 0..100 {
        tally.steps += 1;
        let before = play.family.clone();
        step(&mut play, draw, tally);
        let family = play.family.clone().unwrap();
        if play.family == before {
            tally.unchanged += 1
        } else {
            tally.changed += 1
        }
        look(&play, &family, tally);
        if draw.below(6) == 0 {
            offers_are_kept(&play, &family);
        }
        play.transcript.clear();
        if family.is_over() && draw.below(4) == 0 {
            tally.over += 1;
            return;
        }
    }
}

fn step(play: &mut Play, draw: &mut Draw, tally: &mut Tally) {
    match draw.below(18) {
        0..6 => {
            let who = draw.agent(play);
            let operation = draw.offered(play, &who).unwrap_or_else(|| draw.operation(play));
            match play.operate(&who, operation) {
                Ok(Accepted::AlreadyAsked | Accepted::Changed) => tally.accepted += 1,
                Err(_) => tally.refused += 1,
            }
        }
        6 => play.line("wait 6"),
        7 => {
            let now = play.now();
            for ask in play.family.as_ref().unwrap().due_asks(now, TIMEOUT).into_iter().take(1) {
                tally.timeouts += 1;
                let changed = play.family.as_mut().unwrap().handle_ask_timeout(now, ask);
                play.outcome(changed);
            }
        }
        8 if draw.below(4) == 0 => {
            let asks = &play.family.as_ref().unwrap().asks;
            if let Some(ask) = asks.get(draw.below(asks.len().max(1))).map(|ask| ask.id) {
                play.report_next(ask, ReportKind::Refused(Failure::Failed));
            }
        }
        9 => play.line(&format!("old {}: {}", draw.leg(play).0, ["ended", "ringing", "answered"][draw.below(3)])),
        10 => {
            let leg = draw.leg(play).1;
            let often = ["answered", "held", "retrieved", "ringing", "muted", "recorded", "forwards:15003"];
            let rarely = ["busy", "ended", "no-answer"];
            let what = if draw.below(8) == 0 { rarely[draw.below(3)] } else { often[draw.below(7)] };
            play.report_next(leg, kind(what));
        }
        11 if draw.below(4) == 0 => {
            let verb = ["watches", "follows"][draw.below(2)];
            let line = format!("15003 {verb} {} {}", NUMBERS[draw.below(3)], ["listen-in", "coach"][draw.below(2)]);
            play.line(&line);
        }
        // The switch does what it was asked.
        _ => carry_out(play, draw, tally),
    }
}

fn carry_out(play: &mut Play, draw: &mut Draw, tally: &mut Tally) {
    let Family { mut asks, late, .. } = play.family.clone().unwrap();
    let open = asks.len();
    // Some of it only when nobody waits for it any more.
    asks.extend(late);
    if asks.is_empty() {
        return;
    }
    let place = draw.below(asks.len());
    let ask = &asks[place];
    if matches!(ask.kind, AskKind::Clear | AskKind::Merge { .. } | AskKind::Swap { .. }) {
        tally.late += usize::from(place >= open);
        if place < open && draw.below(4) == 0 {
            let now = play.now();
            let changed = play.family.as_mut().unwrap().handle_ask_timeout(now, ask.id);
            return play.outcome(changed);
        }
    }
    let (leg, kind) = match &ask.kind {
        AskKind::Adopt(_) | AskKind::Connect(_) => (ask.id, ReportKind::Answered),
        AskKind::Answer(leg) => (*leg, ReportKind::Answered),
        AskKind::Clear => (ask.id, ReportKind::Cleared),
        AskKind::Dial { .. } if draw.below(8) == 0 => {
            tally.queued += 1;
            (ask.id, kind("queued:6000"))
        }
        AskKind::Dial { .. } => (ask.id, [ReportKind::Ringing, ReportKind::Answered][draw.below(2)].clone()),
        AskKind::Dtmf { .. } => (ask.id, ReportKind::Done),
        AskKind::Hold(leg) => (*leg, ReportKind::Held),
        AskKind::Merge { .. } => {
            tally.merged += 1;
            (ask.id, ReportKind::Merged)
        }
        AskKind::Monitor { leg, mode } => (*leg, ReportKind::Monitoring(*mode)),
        AskKind::Mute(leg) => (*leg, ReportKind::Muted),
        AskKind::Record { leg, to } => (*leg, ReportKind::Recording(*to)),
        AskKind::Release(leg) => (*leg, ReportKind::Ended(Failure::None)),
        AskKind::Retrieve(leg) => (*leg, ReportKind::Retrieved),
        AskKind::Route { .. } => {
            tally.routed += 1;
            if draw.below(2) == 0 { (ask.id, ReportKind::Ringing) } else { (ask.id, routed(draw)) }
        }
        AskKind::Swap { .. } => {
            tally.swapped += 1;
            (ask.id, ReportKind::Swapped)
        }
        AskKind::Unmute(leg) => (*leg, ReportKind::Unmuted),
    };
    play.report_next(leg, kind);
}

fn routed(draw: &mut Draw) -> ReportKind {
    ReportKind::Routed(endpoint(NUMBERS[draw.below(AGENTS)]))
}

fn look(play: &Play, family: &Family, tally: &mut Tally) {
    assert!(family.asks.iter().all(|ask| ask.id.record != Position::ZERO));
    assert!(family.events.is_empty());
    assert_eq!(family.is_over(), family.legs().is_empty());
    let legs: std::collections::BTreeSet<_> = family.legs().into_iter().map(|leg| leg.id).collect();
    assert_eq!(legs.len(), family.legs().len(), "no two live parties have one leg");
    let keys: std::collections::BTreeSet<_> = family.asks.iter().map(|ask| ask.id).collect();
    assert_eq!(keys.len(), family.asks.len(), "no two asks bear one name");
    tally.consults += usize::from(family.calls.iter().filter(|call| call.live().next().is_some()).count() > 1);
    for call in &family.calls {
        look_at_call(family, call, tally);
        everything_was_told(play, family, call);
    }
}

fn look_at_call(family: &Family, call: &Call, tally: &mut Tally) {
    assert_eq!(call.owner.is_some(), call.user_data.find(FIRST_CONFERENCE_PARTY).is_some());
    let visible: Vec<&Party> = call.live().filter(|party| is_visible(party)).collect();
    assert!(visible.len() != 1, "nobody is left alone: {call:?}");
    let is_ours = |party: &&Party| party.endpoint.home.is_some() || party.queue.is_some();
    assert!(visible.is_empty() || visible.iter().any(is_ours), "none of ours is left: {call:?}");
    for queue in call.live().filter(|party| party.queue.as_ref() == Some(&party.endpoint.number)) {
        let is_route =
            |ask: &Ask| ask.id == queue.leg && ask.call == call.id && matches!(ask.kind, AskKind::Route { .. });
        assert!(family.asks.iter().any(is_route), "a queue looks for an agent: {family:?}");
    }
    assert!(!visible.is_empty() || call.live().next().is_none(), "nobody waits for nobody: {call:?}");
    tally.conferences += usize::from(visible.len() > 2);
    tally.held += visible.iter().filter(|party| party.state == PartyState::Held).count();
    tally.previews += call.live().filter(|party| party.state == PartyState::Preview).count();
    tally.powerless += call.live().filter(|party| party.endpoint.rights.voice == Right::Withheld).count();
    tally.watched += call.live().filter(|party| party.monitor.is_some()).count();
    for viewer in &visible {
        let seen = Seen { family, call, party: viewer }.participants();
        assert_eq!(seen.len(), visible.len() - 1);
        for other in visible.iter().filter(|other| other.leg != viewer.leg) {
            assert!(seen.contains(&&other.endpoint));
        }
    }
    for party in call.live().filter(|party| !is_visible(party)) {
        assert_eq!(Seen { family, call, party }.participants().len(), visible.len());
    }
}

fn is_visible(party: &Party) -> bool {
    let listens = party.monitor.as_ref().is_some_and(|monitor| monitor.mode != MonitorMode::BargeIn);
    party.joining.is_none() && !listens
}

/// What an agent sees is what it was told last.
fn everything_was_told(play: &Play, family: &Family, call: &Call) {
    for party in call.live().filter(|party| party.endpoint.home.is_some() && party.state != PartyState::Invited) {
        let told = play.told.get(&(call.id.clone(), party.endpoint.number.clone()));
        assert_eq!(told, Some(&shown(Seen { family, call, party })), "{}", play.transcript);
    }
}

/// What is offered is accepted, and nothing else is, but for what the table says is accepted quietly.
fn offers_are_kept(play: &Play, family: &Family) {
    for call in &family.calls {
        for party in call.live() {
            let Some(home) = &party.endpoint.home else { continue };
            if call.party_of(&home.agent).map(|found| found.leg) != Some(party.leg) {
                continue;
            }
            let seen = Seen { family, call, party };
            let offered = capabilities(seen, RULES);
            for (capability, operation) in every_operation(seen, "7999", "NEW") {
                let accepted = accepts(play, family.clone(), &home.agent, &call.id, operation);
                let is_quiet = matches!(
                    (capability, party.state),
                    (Capability::Hangup, PartyState::Ringing)
                        | (Capability::ClearCall, PartyState::Established | PartyState::Held)
                );
                assert!(
                    offered.contains(&capability) == accepted || (is_quiet && accepted),
                    "{capability:?} of {party:?} in {family:#?}"
                );
            }
        }
    }
}

/// Every operation, with arguments that suit it.
pub(super) fn every_operation(seen: Seen<'_>, number: &str, call: &str) -> Vec<(Capability, Operation)> {
    let target = || Target { endpoint: endpoint(number), location: None, user_data: user_data(&[]) };
    let initiate = |purpose| Operation::Initiate {
        purpose,
        target: target(),
        call: CallId::parse(call).unwrap(),
        conn: ConnId::parse("NEW").unwrap(),
    };
    let other = seen.pair().map_or_else(|| CallId::parse("NONE").unwrap(), |pair| pair.call.id.clone());
    let victim = seen.participants().first().map_or_else(|| Number::parse("1").unwrap(), |other| other.number.clone());
    let mut all = vec![
        (Capability::SwapCalls, Operation::Swap { other }),
        (Capability::InitiateConference, initiate(Purpose::Conference)),
        (Capability::InitiateTransfer, initiate(Purpose::Transfer)),
        (Capability::SingleStepConference, Operation::SingleStepConference(target())),
        (Capability::SingleStepTransfer, Operation::SingleStepTransfer(target())),
        (Capability::RemoveParticipantFromConference, Operation::RemoveParticipant(victim)),
    ];
    let plain = [
        (Capability::Accept, "accept"),
        (Capability::Answer, "answer"),
        (Capability::AttachUserData, "attach:a=1"),
        (Capability::ClearCall, "clear"),
        (Capability::CompleteConference, "complete-conference"),
        (Capability::CompleteTransfer, "complete-transfer"),
        (Capability::Decline, "decline"),
        (Capability::DeleteUserData, "delete-data"),
        (Capability::DeleteUserDataPair, "delete:a"),
        (Capability::Hangup, "hangup"),
        (Capability::Hold, "hold"),
        (Capability::MuteCall, "mute"),
        (Capability::PauseCallRecording, "pause-recording"),
        (Capability::Reject, "reject"),
        (Capability::ResumeCallRecording, "resume-recording"),
        (Capability::Retrieve, "retrieve"),
        (Capability::SendDtmf, "send:1"),
        (Capability::StartCallRecording, "start-recording"),
        (Capability::StopCallRecording, "stop-recording"),
        (Capability::SwitchToBargeIn, "switch:barge-in"),
        (Capability::SwitchToCoach, "switch:coach"),
        (Capability::SwitchToListenIn, "switch:listen-in"),
        (Capability::UnmuteCall, "unmute"),
        (Capability::UpdateUserData, "update:a=2"),
    ];
    all.extend(plain.map(|(capability, name)| (capability, operation(name))));
    all
}

fn accepts(play: &Play, mut family: Family, agent: &AgentId, call: &CallId, operation: Operation) -> bool {
    family.handle_operation(play.now(), RULES, &asker(agent.as_str()), call, operation).is_ok()
}

/// Random numbers by splitmix64.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(bound).unwrap()).unwrap()
    }

    fn leg(&mut self, play: &Play) -> (String, LegId) {
        let index = self.below(play.legs.len());
        play.legs.iter().nth(index).map(|(number, leg)| (number.clone(), *leg)).unwrap()
    }

    /// An agent on one of the calls, mostly one that is on it.
    fn agent(&mut self, play: &Play) -> String {
        let calls = &play.family.as_ref().unwrap().calls;
        let alive: Vec<usize> = (0..calls.len()).filter(|place| calls[*place].live().next().is_some()).collect();
        let place = if alive.is_empty() { 0 } else { alive[self.below(alive.len())] };
        let agents: Vec<&Party> = calls[place].live().filter(|party| party.endpoint.home.is_some()).collect();
        let number = match self.below(8) {
            0 => NUMBERS[self.below(AGENTS)].to_owned(),
            _ if agents.is_empty() => NUMBERS[self.below(AGENTS)].to_owned(),
            _ => agents[self.below(agents.len())].endpoint.number.to_string(),
        };
        format!("{number}/{}", place + 1)
    }

    /// Something that the agent's desktop offers, most of the time.
    fn offered(&mut self, play: &Play, who: &str) -> Option<Operation> {
        let (number, place) = who.split_once('/')?;
        let family = play.family.as_ref()?;
        let call = family.calls.get(place.parse::<usize>().ok()? - 1)?;
        let party = call.party_of(&AgentId::parse(number).ok()?)?;
        let seen = Seen { family, call, party };
        let offered = capabilities(seen, RULES);
        if self.below(4) == 0 || family.calls.len() > 8 {
            return None;
        }
        let name = format!("CONSULT{}", self.below(1 << 30));
        let mut all = every_operation(seen, NUMBERS[self.below(NUMBERS.len())], &name);
        all.retain(|(capability, _)| offered.contains(capability));
        // Calls that end at once teach little.
        all.retain(|(capability, _)| {
            !matches!(capability, Capability::Hangup | Capability::ClearCall | Capability::Decline)
                || self.below(8) == 0
        });
        if all.is_empty() { None } else { Some(all.swap_remove(self.below(all.len())).1) }
    }

    fn operation(&mut self, play: &Play) -> Operation {
        let calls = &play.family.as_ref().unwrap().calls;
        let target = Target {
            endpoint: endpoint(NUMBERS[self.below(NUMBERS.len())]),
            location: None,
            user_data: user_data(&[["a=1", "b=2"][self.below(2)]]),
        };
        match self.below(12) {
            0 => Operation::SingleStepConference(target),
            1 => Operation::SingleStepTransfer(target),
            2 if calls.len() < 6 => {
                let call = CallId::parse(&format!("CONSULT{}-{}", calls.len(), self.below(1 << 20))).unwrap();
                let conn = ConnId::parse("0071027198180008").unwrap();
                let purpose = [Purpose::Conference, Purpose::Transfer][self.below(2)];
                Operation::Initiate { purpose, target, call, conn }
            }
            3 => Operation::Swap { other: calls[self.below(calls.len())].id.clone() },
            4 => operation(["complete-conference", "complete-transfer"][self.below(2)]),
            5 => operation(["hold", "retrieve"][self.below(2)]),
            _ => operation(OPERATIONS[self.below(OPERATIONS.len())]),
        }
    }
}
