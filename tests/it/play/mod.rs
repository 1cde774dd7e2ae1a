//! Random play of the whole: agents do what they are offered and what they are not, the switch has its moods, time passes,
//! and the server is stopped and killed. Whatever happens, what each agent was told adds up to what it reads, all see each
//! other, no call is without a party, and what is offered is what is accepted.
//!
//! It is played twice. Within the test's process (`run`) each record can be looked at and time passes as the play wants.
//! Over HTTP (`served`) the server is a process of its own, and agents know of it what their desktops read and are told; of
//! each read all counts but the `duration` of calls.
//!
//! `PARTYLINE_PLAY_RUNS` plays more than the few runs of every day, `PARTYLINE_PLAY_STEPS` longer ones, and
//! `PARTYLINE_PLAY_SEED` says with which seed the first begins. One that fails says its seed and its newest steps. Within
//! the process most seeds take the same course each time. What is left to chance are the ids of calls, in whose order some
//! things are done that are due at one time, above all at a start; and when the log's threads wake who follows it. Over
//! HTTP the seed decides what is tried, and real time what comes of it.

mod bodies;
mod checks;
mod counted;
mod deeds;
mod desktop;
mod ears;
mod life;
mod moody;
mod office;
mod person;
mod run;
mod served;
mod verdict;
mod wire;
mod wishes;
mod witness;

use std::ops::Range;

use self::run::{Tally, play};

/// What the environment says of how much is to be played.
struct Asked {
    runs: Option<u64>,
    steps: Option<u64>,
    seed: Option<u64>,
}

impl Asked {
    fn read() -> Self {
        let setting =
            |name| std::env::var(format!("PARTYLINE_PLAY_{name}")).ok().map(|text| text.parse::<u64>().unwrap());
        Self { runs: setting("RUNS"), steps: setting("STEPS"), seed: setting("SEED") }
    }

    /// The seeds of so many runs, and how many steps each has.
    fn plan(&self, first: u64, runs: u64, steps: u64) -> (Range<u64>, usize) {
        let first = self.seed.unwrap_or(first);
        (first..first + self.runs.unwrap_or(runs), usize::try_from(self.steps.unwrap_or(steps)).unwrap())
    }

    /// Whether it says anything.
    fn is_other(&self) -> bool {
        self.runs.or(self.steps).or(self.seed).is_some()
    }
}

#[test]
fn what_desktops_are_told_over_http_is_what_they_read() {
    let asked = Asked::read();
    let (seeds, steps) = asked.plan(1, 3, 100);
    let mut tally = served::Tally::default();
    seeds.for_each(|seed| served::play(seed, steps, &mut tally));
    if asked.is_other() {
        return;
    }
    assert!(tally.steps == 300 && tally.accepted >= 120 && tally.refused >= 1_000, "{tally:?}");
    assert!(tally.told >= 200 && tally.lost >= 5 && tally.still >= 15 && tally.raced < 60, "{tally:?}");
    assert!(tally.shared >= 20 && tally.stops >= 6 && tally.kills >= 3, "{tally:?}");
    let never = tally.never_accepted(300);
    assert!(never.is_empty(), "offered, and never accepted: {never:?}, {tally:?}");
}

#[test]
fn whatever_happens_what_was_told_adds_up_to_what_is_read() {
    let asked = Asked::read();
    let (seeds, steps) = asked.plan(0, 8, 300);
    let mut tally = Tally::default();
    seeds.for_each(|seed| play(seed, steps, &mut tally));
    if asked.is_other() {
        return;
    }
    assert!(tally.steps == 2_400 && tally.accepted >= 800 && tally.refused >= 4_000, "{tally:?}");
    assert!(tally.notifications >= 1_600 && tally.calls >= 2_400 && tally.conferences >= 200, "{tally:?}");
    assert!(tally.consults >= 200 && tally.routed >= 80, "{tally:?}");
    assert!(tally.watched >= 20 && tally.previews >= 20 && tally.moods.iter().all(|shown| *shown >= 10), "{tally:?}");
    assert!(tally.stops >= 10 && tally.kills >= 20 && tally.unregistered >= 20, "{tally:?}");
    let never: Vec<_> = tally.offers.iter().filter(|(_, counts)| counts.0 >= 300 && counts.1 == 0).collect();
    assert!(never.is_empty(), "offered, and never accepted: {never:?}");
}
