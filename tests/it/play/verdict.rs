//! How an operation is answered, and whether that fits what the agent was shown.

use partyline::directory::Feature;

use super::bodies::is_quiet;
use super::desktop::View;
use super::life::{AGENTS, UNREGISTERED};
use super::person::{Person, offered, others};
use super::wishes::{Path, Wish};
use crate::harness::Answer;

/// How an operation was answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Accepted,
    /// With which code.
    Refused(u64),
}

impl Verdict {
    pub(super) fn of(answer: &Answer) -> Self {
        let body = answer.json();
        match (answer.status, body["statusCode"].as_u64().unwrap()) {
            (200, 0) => Self::Accepted,
            (400, code @ 2) | (403, code @ 5) | (404, code @ 6) | (500, code @ 4) => Self::Refused(code),
            _ => panic!("{answer:?}"),
        }
    }
}

/// Whether something that an agent wants who is shown this is answered so.
pub(super) fn fits(person: &Person, wish: &Wish, shown: &View, verdict: Verdict) -> bool {
    let (name, number) = (wish.name(), AGENTS[person.index]);
    let accepted = verdict == Verdict::Accepted;
    let is = |allowed: bool| verdict == if allowed { Verdict::Accepted } else { Verdict::Refused(2) };
    let withheld = SUPERVISING.contains(&name) && !person.may(Feature::Monitoring);
    match &wish.path {
        Path::Call(call) => match shown.calls.get(call.as_str()) {
            None => matches!(verdict, Verdict::Refused(2 | 6)) || accepted && name == "UpdateUserData",
            Some(call) if offered(call).contains(&name) => accepted,
            Some(call) => {
                let state = call["state"].as_str().unwrap();
                let records = name.ends_with("CallRecording") && state == "Established" && call["monitoring"] == false;
                let code = if records && !person.may(Feature::Recording) { 5 } else { 2 };
                verdict == Verdict::Refused(code) || accepted && is_quiet(name, state, others(call).len())
            }
        },
        Path::Channel | Path::Device | Path::Me if number == UNREGISTERED => match verdict {
            Verdict::Accepted => name == "EndContactCenterSession",
            Verdict::Refused(code) => code == 4 || code == 5 && withheld,
        },
        Path::Channel | Path::Me => is(name != "Offline" || !shown.channel.is_null()),
        Path::Device if withheld => verdict == Verdict::Refused(5),
        Path::Device => is(offered(&shown.device).contains(&name) && wish.body["phoneNumber"] != number),
        Path::Dial => accepted,
    }
}

const SUPERVISING: [&str; 4] = ["BargeIn", "CancelSupervisorMonitoring", "Coach", "ListenIn"];
