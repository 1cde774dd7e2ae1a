//! Random play of the whole: agents do what they are offered and what they are not, the switch has its moods, time passes,
//! and the server is stopped and killed. Whatever happens, what each agent was told adds up to what it reads, all see each
//! other, no call is without a party, and what is offered is what is accepted.
//!
//! `PARTYLINE_PLAY_RUNS` plays more than the few runs of every day, `PARTYLINE_PLAY_STEPS` longer ones, and
//! `PARTYLINE_PLAY_SEED` says with which seed the first begins. One that fails says its seed and its newest steps.

mod checks;
mod counted;
mod desktop;
mod life;
mod moody;
mod run;
mod wishes;

use self::run::{Tally, play};

#[test]
fn whatever_happens_what_was_told_adds_up_to_what_is_read() {
    let setting = |name| std::env::var(format!("PARTYLINE_PLAY_{name}")).ok().map(|text| text.parse::<u64>().unwrap());
    let (runs, steps, seed) = (setting("RUNS"), setting("STEPS"), setting("SEED"));
    let first = seed.unwrap_or_default();
    let mut tally = Tally::default();
    for seed in first..first + runs.unwrap_or(8) {
        play(seed, usize::try_from(steps.unwrap_or(300)).unwrap(), &mut tally);
    }
    if runs.or(steps).or(seed).is_some() {
        return;
    }
    assert!(tally.steps == 2_400 && tally.accepted >= 800 && tally.refused >= 240, "{tally:?}");
    assert!(tally.notifications >= 1_600 && tally.calls >= 2_400 && tally.conferences >= 200, "{tally:?}");
    assert!(tally.consults >= 200 && tally.routed >= 80, "{tally:?}");
    assert!(tally.watched >= 20 && tally.previews >= 20 && tally.moods.iter().all(|shown| *shown >= 10), "{tally:?}");
    assert!(tally.stops >= 10 && tally.kills >= 20, "{tally:?}");
}
