//! One run: lives of the whole, one after the other, and what must hold after each step.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use futures_util::future::join_all;
use partyline::calls::Family;
use partyline::exchange::CommandError;
use partyline::gws::Rendering;
use partyline::ids::{AgentId, CallId, IdempotencyKey, Position};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::desktop::{Desktop, Kind as Session, View};
use super::life::{AGENTS, House, Life, UNREGISTERED};
use super::moody::Mood;
use super::wishes::{Wish, dial, log_in};

/// What is drawn by chance.
pub(super) struct Dice(pub StdRng);

impl Dice {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0.random_range(0..bound)
    }
}

/// How often an operation was offered in a state, and how often it was accepted there.
pub(super) type Offers = BTreeMap<(&'static str, &'static str), (usize, usize)>;

/// How much the runs came by.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub steps: usize,
    pub accepted: usize,
    pub refused: usize,
    pub notifications: usize,
    pub calls: usize,
    pub conferences: usize,
    pub consults: usize,
    pub watched: usize,
    pub previews: usize,
    pub routed: usize,
    pub stops: usize,
    pub kills: usize,
    /// What was wanted of a device that the switch does not know.
    pub unregistered: usize,
    /// How often what was offered in which state, and how often it was accepted there.
    pub offers: Offers,
    /// How often the switch was silent, refused, was late and repeated itself.
    pub moods: [u32; 4],
}

/// How a life ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// The run is over.
    Done,
    /// The process was killed.
    Killed,
    /// It was stopped as it should be.
    Stopped,
}

/// What outlives a life.
pub(super) struct Run<'a> {
    pub(super) house: House,
    pub(super) rendering: Rendering,
    pub(super) dice: Dice,
    pub(super) desktops: Vec<Desktop>,
    pub(super) mood: Mood,
    /// How much time has passed.
    pub(super) passed: Duration,
    pub(super) keys: usize,
    pub(super) left: usize,
    pub(super) tally: &'a mut Tally,
    /// What agents read when the last life ended, if nothing was going on.
    pub(super) before: Option<Vec<View>>,
    pub(super) was_killed: bool,
    /// What was accepted last in this life.
    pub(super) newest: Option<(Wish, IdempotencyKey)>,
    /// What must be known to have been done.
    pub(super) done: Option<(Wish, IdempotencyKey, bool)>,
    /// What was offered in this run.
    pub(super) offers: Offers,
    /// Up to here the log was looked at.
    pub(super) looked: Position,
    /// The families as of there.
    pub(super) families: BTreeMap<CallId, Family>,
    /// Calls that there were.
    pub(super) calls: VecDeque<CallId>,
}

/// Plays that many steps, and adds up what it came by.
///
/// # Panics
/// With the seed and the newest steps if something does not hold.
pub(super) fn play(seed: u64, steps: usize, tally: &mut Tally) {
    let story = RefCell::new(VecDeque::new());
    if let Err(cause) = catch_unwind(AssertUnwindSafe(|| lives(seed, steps, tally, &story))) {
        let what = cause.downcast_ref::<String>().cloned();
        let what = what.or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let newest: Vec<String> = story.take().into();
        panic!("seed {seed}, after\n  {}\n{}", newest.join("\n  "), what.unwrap_or_default());
    }
}

fn lives(seed: u64, steps: usize, tally: &mut Tally, story: &RefCell<VecDeque<String>>) {
    let directory = tempfile::tempdir().unwrap();
    let house = House::of(seed);
    let mut run = Run {
        rendering: house.rendering(),
        house,
        dice: Dice(StdRng::seed_from_u64(seed)),
        desktops: Vec::new(),
        mood: Mood::default(),
        passed: Duration::ZERO,
        keys: 0,
        left: steps,
        tally,
        before: None,
        was_killed: false,
        newest: None,
        done: None,
        offers: Offers::new(),
        looked: Position::ZERO,
        families: BTreeMap::new(),
        calls: VecDeque::new(),
    };
    loop {
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let system = actix::System::with_tokio_rt(runtime);
        let end = system.block_on(async {
            // As long as this waits, time does not go on by itself.
            let (_held, hold) = std::sync::mpsc::channel::<()>();
            let _holding = tokio::task::spawn_blocking(move || hold.recv());
            tokio::time::advance(run.passed).await;
            let life = Life::begin(directory.path(), &run.house, run.dice.0.random());
            let end = Scene { run: &mut run, life: &life, story }.live().await;
            let Mood { silent, refuses, late, repeats } = life.switch.shown();
            for (all, shown) in run.tally.moods.iter_mut().zip([silent, refuses, late, repeats]) {
                *all += shown;
            }
            if matches!(end, End::Stopped) {
                life.stop().await;
            }
            end
        });
        // A process that is killed takes its actors with it, in the middle of everything.
        drop(system);
        match end {
            End::Done => {
                for (offer, (offered, accepted)) in run.offers {
                    let counts = run.tally.offers.entry(offer).or_default();
                    *counts = (counts.0 + offered, counts.1 + accepted);
                }
                return;
            }
            End::Killed => {
                run.was_killed = true;
                run.tally.kills += 1;
            }
            End::Stopped => run.tally.stops += 1,
        }
    }
}

/// A run in one of its lives.
pub(super) struct Scene<'a, 'b> {
    pub(super) run: &'a mut Run<'b>,
    pub(super) life: &'a Life,
    pub(super) story: &'a RefCell<VecDeque<String>>,
}

impl Scene<'_, '_> {
    pub(super) fn tell(&self, what: String) {
        let mut story = self.story.borrow_mut();
        if story.len() == NEWEST {
            story.pop_front();
        }
        story.push_back(what);
    }

    async fn live(mut self) -> End {
        self.wake().await;
        self.life.quiet().await;
        if self.run.desktops.is_empty() {
            // The first agent has a second desktop.
            for (index, name) in AGENTS.into_iter().chain([AGENTS[0]]).enumerate() {
                let session = if index % 2 == 0 { Session::Acknowledges } else { Session::Plain };
                let agent = AgentId::parse(name).unwrap();
                let desktop = Desktop::open(self.life, &self.run.rendering, agent, session, index).await;
                self.run.desktops.push(desktop);
            }
            for name in AGENTS {
                let _ = self.try_it(log_in(AgentId::parse(name).unwrap())).await;
            }
        }
        if std::mem::take(&mut self.run.was_killed) {
            for desktop in &mut self.run.desktops {
                desktop.come_back(self.life, &self.run.rendering).await;
            }
        }
        self.look().await;
        self.life.switch.set(self.run.mood);
        while self.run.left > 0 {
            self.run.left -= 1;
            self.run.tally.steps += 1;
            let end = self.step().await;
            if let Some(end) = end {
                return end;
            }
            self.pass(Duration::from_millis(1)).await;
            self.look().await;
        }
        self.everything_ends().await;
        self.run.tally.notifications += self.run.desktops.iter().map(|desktop| desktop.notifications).sum::<usize>();
        End::Done
    }

    /// The first that is read is what was read last.
    async fn wake(&mut self) {
        let agents: Vec<AgentId> = self.run.desktops.iter().map(|desktop| desktop.agent.clone()).collect();
        let reads = join_all(agents.iter().map(|agent| self.life.read(agent))).await;
        if let Some(before) = self.run.before.take() {
            let after: Vec<View> = reads.iter().map(|read| View::read(&self.run.rendering, read)).collect();
            for (before, after) in before.iter().zip(&after) {
                assert!(before == after, "a restart changes nothing: {:#?}", before.differences(after));
            }
        }
        if let Some((wish, key, was_answered)) = self.run.done.take() {
            let outcome = wish.send(&self.life.exchange, Some(key)).await;
            assert!(!was_answered || outcome.is_ok(), "it was done: {wish:?}: {outcome:?}");
        }
    }

    pub(super) async fn pass(&mut self, time: Duration) {
        self.run.passed += time;
        self.life.pass(time).await;
    }

    /// One step; `Some` if it is the life's last.
    async fn step(&mut self) -> Option<End> {
        match self.run.dice.below(100) {
            0..8 => {
                let agent = self.somebody();
                let wish = dial(&mut self.run.dice, agent);
                let _ = self.try_it(wish).await;
            }
            8..56 => self.do_what_is_offered().await,
            56..61 => self.do_what_is_not_offered().await,
            61..64 => self.do_what_is_anothers().await,
            64..76 => self.change_an_agent().await,
            76..89 => {
                let millis = [100, 1000, 3000, 6000, 11_000, 31_000][self.run.dice.below(6)];
                self.tell(format!("{millis} ms pass"));
                self.pass(Duration::from_millis(millis)).await;
            }
            90..94 => self.several_at_once().await,
            94 => self.say_how_it_went().await,
            95 => self.do_it_again().await,
            89 | 96 => self.change_the_mood(),
            97 => {
                self.tell("the server is stopped and started".to_owned());
                self.run.newest = None;
                self.run.before = Some(self.views().await);
                return Some(End::Stopped);
            }
            98 => {
                self.tell("the server is killed and started".to_owned());
                self.run.newest = None;
                self.run.before = Some(self.views().await);
                return Some(End::Killed);
            }
            _ => return Some(self.die_in_the_middle().await),
        }
        None
    }

    pub(super) fn somebody(&mut self) -> AgentId {
        AgentId::parse(AGENTS[self.run.dice.below(AGENTS.len())]).unwrap()
    }

    pub(super) async fn try_it(&mut self, wish: Wish) -> Result<(), CommandError> {
        let outcome = wish.send(&self.life.exchange, None).await;
        self.note(&wish, &outcome);
        outcome
    }

    pub(super) fn note(&mut self, wish: &Wish, outcome: &Result<(), CommandError>) {
        let Wish { agent, path, body } = wish;
        self.tell(format!("{agent} {path:?} {body}: {outcome:?}"));
        match outcome {
            Ok(()) => self.run.tally.accepted += 1,
            Err(CommandError::Refused(_) | CommandError::RefusedAgent(_)) => self.run.tally.refused += 1,
            Err(CommandError::SwitchRefused(_)) if agent.as_str() == UNREGISTERED => self.run.tally.unregistered += 1,
            Err(error) => panic!("{agent} wanted {body}: {error:?}"),
        }
    }

    async fn views(&self) -> Vec<View> {
        let mut views = Vec::new();
        for desktop in &self.run.desktops {
            views.push(View::read(&self.run.rendering, &self.life.read(&desktop.agent).await));
        }
        views
    }
}

/// How many of the newest steps are told when something does not hold.
const NEWEST: usize = 40;
