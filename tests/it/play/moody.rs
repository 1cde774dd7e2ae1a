//! The simulated switch in a mood: some asks it never answers, some it refuses, some it is late with, and some of what it
//! reports comes twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use partyline::calls::{Ask, AskKind, Failure, Heard, Report, ReportKind, Term};
use partyline::ids::Number;
use partyline::switch::{Leg, Line, News, Reports, Setup, Simulated, SimulatedConfig, Switch};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::mpsc;

/// How often of a hundred times the switch does what.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mood {
    /// It never answers.
    pub silent: u32,
    /// It refuses.
    pub refuses: u32,
    /// It is late.
    pub late: u32,
    /// It reports the same twice.
    pub repeats: u32,
}

/// The simulated switch in a mood.
pub(super) struct Moody {
    switch: Arc<Simulated>,
    mood: Arc<Mutex<Moods>>,
    news: Sorted,
}

/// How it is just now, and how it has been.
struct Moods {
    mood: Mood,
    dice: StdRng,
    /// How often it did so.
    shown: Mood,
}

/// Numbers what is reported, whoever reports it.
#[derive(Clone)]
struct Sorted {
    term: Term,
    sequence: Arc<AtomicU64>,
    tell: mpsc::Sender<News>,
}

impl Sorted {
    fn number(&self, report: Report) -> News {
        let sequence = self.sequence.fetch_add(1, Ordering::AcqRel) + 1;
        News::Reported(Report { heard: Heard { term: self.term, sequence }, ..report })
    }
}

impl Moody {
    /// Starts one, in no mood yet.
    pub(super) fn start(config: SimulatedConfig, term: Term, seed: u64) -> (Self, Reports) {
        let (switch, mut reports) = Simulated::start(config, term);
        let (tell, told) = mpsc::channel(1024);
        let news = Sorted { term, sequence: Arc::default(), tell };
        let moods = Moods { mood: Mood::default(), dice: StdRng::seed_from_u64(seed), shown: Mood::default() };
        let mood = Arc::new(Mutex::new(moods));
        let (sorted, moods) = (news.clone(), Arc::clone(&mood));
        actix::spawn(async move {
            while let Some(heard) = reports.recv().await {
                let heard = match heard {
                    News::Reported(report) => sorted.number(report),
                    News::Arrived(_) | News::Previewed(_) => heard,
                };
                let twice = matches!(heard, News::Reported(_)) && chance(&moods, |mood| &mut mood.repeats);
                if twice && sorted.tell.send(heard.clone()).await.is_err() {
                    return;
                }
                if sorted.tell.send(heard).await.is_err() {
                    return;
                }
            }
        });
        (Self { switch: Arc::new(switch), mood, news }, told)
    }

    /// From now on it behaves so.
    pub(super) fn set(&self, mood: Mood) {
        self.mood.lock().mood = mood;
    }

    /// How often it was silent, refused, was late and repeated itself.
    pub(super) fn shown(&self) -> Mood {
        self.mood.lock().shown
    }
}

fn chance(moods: &Mutex<Moods>, of: impl Fn(&mut Mood) -> &mut u32) -> bool {
    let moods = &mut *moods.lock();
    let is_so = moods.dice.random_range(0..100) < *of(&mut moods.mood);
    *of(&mut moods.shown) += u32::from(is_so);
    is_so
}

impl Switch for Moody {
    fn setup(&self) -> Setup {
        self.switch.setup()
    }

    fn carry_out(&self, ask: Ask) {
        if chance(&self.mood, |mood| &mut mood.silent) {
            return;
        }
        if chance(&self.mood, |mood| &mut mood.refuses) {
            let is_dial = matches!(ask.kind, AskKind::Dial { .. });
            let kind = if is_dial { ReportKind::Ended(Failure::Failed) } else { ReportKind::Refused(Failure::Failed) };
            let heard = Heard { term: self.news.term, sequence: 0 };
            let report = self.news.number(Report { call: ask.call, leg: ask.id, heard, kind });
            return self.news.tell.try_send(report).unwrap();
        }
        if chance(&self.mood, |mood| &mut mood.late) {
            let millis = self.mood.lock().dice.random_range(50..15_000);
            let switch = Arc::clone(&self.switch);
            actix::spawn(async move {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                switch.carry_out(ask);
            });
            return;
        }
        self.switch.carry_out(ask);
    }

    fn restore(&self, legs: Vec<Leg>) {
        self.switch.restore(legs);
    }

    fn set_line(&self, number: Number, line: Line) {
        self.switch.set_line(number, line);
    }

    fn is_up(&self) -> bool {
        self.switch.is_up()
    }
}
