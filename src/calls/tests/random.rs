//! Long random runs, in which what must always hold is looked at after each step.

use crate::calls::tests::script::{Play, TIMEOUT, endpoint, kind, operation};
use crate::calls::{
    Accepted, Capability, FIRST_CONFERENCE_PARTY, Failure, Family, LegId, MuteRule, PartyState, ReportKind,
    capabilities,
};
use crate::ids::{AgentId, Position};

#[test]
fn whatever_happens_the_family_stays_sound() {
    let mut tally = Tally::default();
    for seed in 0..1500 {
        run(&mut Draw(seed), &mut tally);
    }
    assert!(tally.steps >= 20_000, "{tally:?}");
    assert!(tally.changed >= 5_000, "{tally:?}");
    assert!(tally.unchanged >= 2_000, "{tally:?}");
    assert!(tally.accepted >= 2_000, "{tally:?}");
    assert!(tally.refused >= 2_000, "{tally:?}");
    assert!(tally.conferences >= 500, "{tally:?}");
    assert!(tally.timeouts >= 100, "{tally:?}");
    assert!(tally.over >= 100, "{tally:?}");
    assert!(tally.held >= 200, "{tally:?}");
}

const NUMBERS: [&str; 6] = ["15000", "15001", "15002", "15003", "7000", "8000"];

/// How much the runs came by.
#[derive(Debug, Default)]
struct Tally {
    steps: usize,
    changed: usize,
    unchanged: usize,
    accepted: usize,
    refused: usize,
    conferences: usize,
    timeouts: usize,
    over: usize,
    held: usize,
}

fn run(draw: &mut Draw, tally: &mut Tally) {
    let mut play = Play::default();
    play.line("15000 dials 15001 key=value");
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
        look(&family, tally);
        offers_are_kept(&play, &family);
        if family.is_over() && draw.below(4) == 0 {
            tally.over += 1;
            return;
        }
    }
}

fn step(play: &mut Play, draw: &mut Draw, tally: &mut Tally) {
    match draw.below(12) {
        0..4 => {
            let agent = NUMBERS[draw.below(4)];
            let name =
                ["answer", "hangup", "hold", "retrieve", NUMBERS[draw.below(6)], NUMBERS[draw.below(6)]][draw.below(6)];
            match play.operate(agent, operation(name)) {
                Ok(Accepted::AlreadyAsked | Accepted::Changed) => tally.accepted += 1,
                Err(_) => tally.refused += 1,
            }
        }
        4 => play.line("wait 4"),
        5 => {
            let now = play.now();
            for ask in play.family.as_ref().unwrap().due_asks(now, TIMEOUT) {
                tally.timeouts += 1;
                let changed = play.family.as_mut().unwrap().handle_ask_timeout(now, ask);
                play.outcome(changed);
            }
        }
        6 if draw.below(4) == 0 => {
            let asks = &play.family.as_ref().unwrap().asks;
            if let Some(ask) = asks.get(draw.below(asks.len().max(1))).map(|ask| ask.id) {
                play.report_next(ask, ReportKind::Refused(Failure::Failed));
            }
        }
        7 => play.line(&format!("old {}: {}", draw.leg(play).0, ["ended", "ringing", "answered"][draw.below(3)])),
        8 => {
            let (number, _) = draw.leg(play);
            play.line(&format!("{number}: ringing"));
            play.line("again");
        }
        _ => {
            let leg = draw.leg(play).1;
            let often = ["answered", "answered", "held", "retrieved", "ringing"];
            let what = if draw.below(12) == 0 { ["busy", "ended"][draw.below(2)] } else { often[draw.below(5)] };
            play.report_next(leg, kind(what));
        }
    }
}

fn look(family: &Family, tally: &mut Tally) {
    assert!(family.asks.iter().all(|ask| ask.id.record != Position::ZERO));
    assert!(family.events.is_empty());
    assert_eq!(family.is_over(), family.legs().is_empty());
    let call = &family.calls[0];
    assert_eq!(call.owner.is_some(), call.user_data.find(FIRST_CONFERENCE_PARTY).is_some());
    let visible: Vec<_> = call.parties.iter().filter(|p| p.is_live() && p.joining.is_none()).collect();
    assert_ne!(visible.len(), 1, "nobody is left alone");
    tally.conferences += usize::from(visible.len() > 2);
    tally.held += visible.iter().filter(|party| party.state == PartyState::Held).count();
    for viewer in &visible {
        let seen = call.participants_of(viewer);
        assert_eq!(seen.len(), visible.len() - 1);
        for other in visible.iter().filter(|other| other.leg != viewer.leg) {
            assert!(seen.contains(&&other.endpoint));
            assert!(call.participants_of(other).contains(&&viewer.endpoint));
        }
    }
    for party in call.parties.iter().filter(|p| p.is_live() && p.joining.is_some()) {
        assert_eq!(call.participants_of(party).len(), visible.len());
    }
    let keys: std::collections::BTreeSet<_> = family.asks.iter().map(|ask| ask.id).collect();
    assert_eq!(keys.len(), family.asks.len(), "no two asks bear one name");
}

fn offers_are_kept(play: &Play, family: &Family) {
    let call = &family.calls[0];
    let fresh = "7999";
    for party in &call.parties {
        let Some(home) = &party.endpoint.home else { continue };
        let known = call.party_of(&home.agent).map(|found| found.leg) == Some(party.leg);
        let offered = capabilities(call, party, MuteRule::Conference);
        let pairs = [
            (Capability::Answer, "answer"),
            (Capability::Hold, "hold"),
            (Capability::Retrieve, "retrieve"),
            (Capability::SingleStepConference, fresh),
        ];
        for (capability, name) in pairs {
            let accepted = known && accepts(play, family.clone(), &home.agent, name);
            assert_eq!(offered.contains(&capability), accepted, "{name} of {party:?}");
        }
    }
    assert!(call.parties.iter().all(|party| party.endpoint != endpoint(fresh)));
}

fn accepts(play: &Play, mut family: Family, agent: &AgentId, name: &str) -> bool {
    let root = family.root.clone();
    family.handle_operation(play.now(), agent, &root, operation(name)).is_ok()
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
}
