//! One run: lives of the whole, one after the other, and what must hold after each step.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use futures_util::future::join_all;
use partyline::agents::Kind;
use partyline::calls::{AskKind, Call, Family, MonitorMode, Party, PartyState};
use partyline::exchange::{CallView, CommandError};
use partyline::gws::Rendering;
use partyline::ids::{AgentId, CallId, IdempotencyKey, Position};
use partyline::log::{Log, Subject};
use partyline::records::{CallChanged, Payload};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::desktop::{Desktop, News, View};
use super::life::{AGENTS, House, Life};
use super::moody::Mood;
use super::wishes::{
    Wish, dial, disposition, is_for_a_parameter, log_in, not_offered, of_another, of_the_agent, offered,
};

/// What is drawn by chance.
pub(super) struct Dice(StdRng);

impl Dice {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0.random_range(0..bound)
    }
}

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
}

/// How a life ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// The run is over.
    Done,
    /// The process was killed.
    Killed,
    /// It was stopped as it should be.
    Stopped,
}

/// What outlives a life.
struct Run<'a> {
    house: House,
    rendering: Rendering,
    dice: Dice,
    desktops: Vec<Desktop>,
    mood: Mood,
    /// How much time has passed.
    passed: Duration,
    keys: usize,
    left: usize,
    tally: &'a mut Tally,
    /// What agents read when the last life ended, if nothing was going on.
    before: Option<Vec<View>>,
    /// What must be known to have been done.
    done: Option<(Wish, IdempotencyKey, bool)>,
    /// Up to here the log was looked at.
    looked: Position,
    /// The families as of there.
    families: BTreeMap<CallId, Family>,
    /// Calls that there were.
    calls: VecDeque<CallId>,
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
        done: None,
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
            if matches!(end, End::Stopped) {
                life.stop().await;
            }
            end
        });
        // A process that is killed takes its actors with it, in the middle of everything.
        drop(system);
        match end {
            End::Done => return,
            End::Killed => run.tally.kills += 1,
            End::Stopped => run.tally.stops += 1,
        }
    }
}

/// A run in one of its lives.
struct Scene<'a, 'b> {
    run: &'a mut Run<'b>,
    life: &'a Life,
    story: &'a RefCell<VecDeque<String>>,
}

impl Scene<'_, '_> {
    fn tell(&self, what: String) {
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
            for name in AGENTS {
                let desktop = Desktop::open(self.life, &self.run.rendering, AgentId::parse(name).unwrap()).await;
                let agent = desktop.agent.clone();
                self.run.desktops.push(desktop);
                let _ = self.try_it(log_in(agent)).await;
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

    async fn pass(&mut self, time: Duration) {
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
            8..48 => self.do_what_is_offered().await,
            48..58 => self.do_what_is_not_offered().await,
            58..70 => self.change_an_agent().await,
            70..90 => {
                let millis = [100, 1000, 3000, 6000, 11_000, 31_000][self.run.dice.below(6)];
                self.tell(format!("{millis} ms pass"));
                self.pass(Duration::from_millis(millis)).await;
            }
            90..94 => self.several_at_once().await,
            94..96 => self.say_how_it_went().await,
            96 => self.change_the_mood(),
            97 => {
                self.tell("the server is stopped and started".to_owned());
                self.run.before = Some(self.views().await);
                return Some(End::Stopped);
            }
            98 => {
                self.tell("the server is killed and started".to_owned());
                self.run.before = Some(self.views().await);
                return Some(End::Killed);
            }
            _ => return Some(self.die_in_the_middle().await),
        }
        None
    }

    fn somebody(&mut self) -> AgentId {
        AgentId::parse(AGENTS[self.run.dice.below(AGENTS.len())]).unwrap()
    }

    async fn try_it(&mut self, wish: Wish) -> Result<(), CommandError> {
        let outcome = wish.send(&self.life.exchange, None).await;
        self.note(&wish, &outcome);
        outcome
    }

    fn note(&mut self, wish: &Wish, outcome: &Result<(), CommandError>) {
        let Wish { agent, path, body } = wish;
        self.tell(format!("{agent} {path:?} {body}: {outcome:?}"));
        match outcome {
            Ok(()) => self.run.tally.accepted += 1,
            Err(CommandError::Refused(_) | CommandError::RefusedAgent(_)) => self.run.tally.refused += 1,
            Err(error) => panic!("{agent} wanted {body}: {error:?}"),
        }
    }

    /// Some call of some agent that has one, in an order that is the same in each run.
    async fn some_call(&mut self) -> Option<(AgentId, CallView)> {
        let first = self.run.dice.below(AGENTS.len());
        for index in 0..AGENTS.len() {
            let agent = AgentId::parse(AGENTS[(first + index) % AGENTS.len()]).unwrap();
            let mut calls = self.life.read(&agent).await.calls;
            calls.sort_by_key(|view| view.party.leg);
            if !calls.is_empty() {
                let place = self.run.dice.below(calls.len());
                return Some((agent, calls.swap_remove(place)));
            }
        }
        None
    }

    async fn do_what_is_offered(&mut self) {
        let Some((agent, view)) = self.some_call().await else { return };
        let Some(wish) = offered(&mut self.run.dice, &self.run.house, agent, &view) else { return };
        let head = self.life.log.head();
        match self.try_it(wish).await {
            Ok(()) => {}
            Err(error) => {
                assert!(is_for_a_parameter(&error), "it was offered: {error}");
                self.nothing_happens(head).await;
            }
        }
    }

    async fn do_what_is_not_offered(&mut self) {
        let Some((agent, view)) = self.some_call().await else { return };
        let wish = if self.run.dice.below(4) > 0 {
            not_offered(&mut self.run.dice, &self.run.house, agent, &view)
        } else {
            let other = self.somebody();
            if view.call.party_of(&other).is_some() {
                return;
            }
            of_another(&mut self.run.dice, other, view.call.id.clone())
        };
        let Some(wish) = wish else { return };
        let head = self.life.log.head();
        let outcome = self.try_it(wish).await;
        assert!(matches!(outcome, Err(CommandError::Refused(_))), "it was not offered: {outcome:?}");
        self.nothing_happens(head).await;
    }

    async fn nothing_happens(&self, head: Position) {
        self.life.quiet().await;
        assert_eq!(self.life.log.head(), head, "what is refused changes nothing");
    }

    async fn change_an_agent(&mut self) {
        let agent = self.somebody();
        let wish = of_the_agent(&mut self.run.dice, agent.clone());
        let voice = self.life.read(&agent).await.voice;
        let name = wish.body["operationName"].as_str().unwrap();
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name).unwrap();
        let is_own = wish.body["phoneNumber"] == agent.as_str();
        let allowed = voice.allows(kind).is_ok() && !is_own;
        let head = self.life.log.head();
        let outcome = self.try_it(wish).await;
        assert_eq!(outcome.is_ok(), allowed, "{outcome:?}");
        if !allowed {
            self.nothing_happens(head).await;
        }
    }

    /// Several agents want something in the same moment.
    async fn several_at_once(&mut self) {
        let mut wishes = Vec::new();
        for _ in 0..3 {
            let Some((agent, view)) = self.some_call().await else { continue };
            wishes.extend(offered(&mut self.run.dice, &self.run.house, agent, &view));
        }
        let exchange = &self.life.exchange;
        let outcomes = join_all(wishes.iter().map(|wish| wish.send(exchange, None))).await;
        self.tell("in the same moment".to_owned());
        for (wish, outcome) in wishes.iter().zip(&outcomes) {
            self.note(wish, outcome);
        }
    }

    async fn say_how_it_went(&mut self) {
        let calls = self.run.calls.len();
        if calls == 0 {
            return;
        }
        let call = self.run.calls[self.run.dice.below(calls)].clone();
        let agent = self.somebody();
        let wish = disposition(&mut self.run.dice, agent, &call);
        let head = self.life.log.head();
        if self.try_it(wish).await.is_err() {
            self.nothing_happens(head).await;
        }
    }

    fn change_the_mood(&mut self) {
        let mood = match self.run.dice.below(6) {
            0 => Mood { silent: 30, ..Mood::default() },
            1 => Mood { refuses: 30, ..Mood::default() },
            2 => Mood { late: 40, ..Mood::default() },
            3 => Mood { silent: 5, refuses: 5, late: 10, repeats: 20 },
            _ => Mood::default(),
        };
        self.tell(format!("the switch: {mood:?}"));
        self.run.mood = mood;
        self.life.switch.set(mood);
    }

    /// The process is killed some way through what is being done.
    async fn die_in_the_middle(&mut self) -> End {
        let wish = match self.some_call().await {
            Some((agent, view)) if self.run.dice.below(4) > 0 => {
                offered(&mut self.run.dice, &self.run.house, agent, &view)
            }
            _ => None,
        };
        let agent = self.somebody();
        let wish = wish.unwrap_or_else(|| dial(&mut self.run.dice, agent));
        self.run.keys += 1;
        let key = IdempotencyKey::parse(&format!("key-{}", self.run.keys)).unwrap();
        let turns = self.run.dice.below(60);
        let mut answer = None;
        {
            let sending = wish.send(&self.life.exchange, Some(key.clone()));
            let mut sending = std::pin::pin!(sending);
            for _ in 0..turns {
                if answer.is_none() {
                    answer = futures_util::future::poll_immediate(&mut sending).await;
                }
                tokio::task::yield_now().await;
            }
        }
        self.tell(format!("the server is killed {turns} turns after {wish:?}: {answer:?}"));
        let was_answered = answer == Some(Ok(()));
        if !matches!(answer, Some(Err(_))) {
            self.run.done = Some((wish, key, was_answered));
        }
        End::Killed
    }

    async fn views(&self) -> Vec<View> {
        let mut views = Vec::new();
        for desktop in &self.run.desktops {
            views.push(View::read(&self.run.rendering, &self.life.read(&desktop.agent).await));
        }
        views
    }

    /// What must hold whenever nothing is going on.
    async fn look(&mut self) {
        self.life.quiet().await;
        let news = News::after(self.run.looked, self.life);
        self.run.looked = news.through;
        for desktop in &mut self.run.desktops {
            desktop.settle(self.life, &self.run.rendering, &news).await;
            if news.records.is_empty() {
                continue;
            }
            let read = View::read(&self.run.rendering, &self.life.read(&desktop.agent).await);
            assert!(
                desktop.told == read,
                "{} was told, and reads: {:#?}",
                desktop.agent,
                desktop.told.differences(&read)
            );
        }
        for (_, _, payload) in news.records {
            if let Payload::CallChanged(changed) = payload {
                self.run.families.insert(changed.family.root.clone(), changed.family);
            }
        }
        self.run.families.retain(|_, family| !family.is_over());
        let alive: BTreeSet<Subject> = self.run.families.keys().map(CallChanged::subject).collect();
        assert_eq!(
            alive,
            self.life.log.subjects("call/").into_iter().collect(),
            "who is on a call, and which there are"
        );
        let families = std::mem::take(&mut self.run.families);
        for family in families.values() {
            family.calls.iter().for_each(|call| self.look_at_call(family, call));
        }
        self.run.families = families;
    }

    fn look_at_call(&mut self, family: &Family, call: &Call) {
        let visible: Vec<&Party> = call.live().filter(|party| is_visible(party)).collect();
        let waits = family.asks.iter().any(|ask| ask.call == call.id && matches!(ask.kind, AskKind::Route { .. }));
        assert!(visible.len() != 1 || waits, "nobody is left alone: {call:?}");
        assert!(!visible.is_empty() || call.live().next().is_none(), "nobody waits for nobody: {call:?}");
        for party in call.live().filter(|party| party.state != PartyState::Invited) {
            let Some(home) = &party.endpoint.home else { continue };
            let desktop = self.run.desktops.iter().find(|desktop| desktop.agent == home.agent).unwrap();
            let told = &desktop.told.calls[call.id.as_str()];
            let shown = told["participants"].as_array().unwrap();
            let mut seen: Vec<&str> = shown.iter().map(|other| other["phoneNumber"].as_str().unwrap()).collect();
            let others = visible.iter().filter(|other| other.leg != party.leg);
            let mut there: Vec<&str> = others.map(|other| other.endpoint.number.as_str()).collect();
            seen.sort_unstable();
            there.sort_unstable();
            assert_eq!(seen, there, "{} sees the others", home.agent);
        }
        let alive = usize::from(!visible.is_empty());
        self.run.tally.calls += alive;
        self.run.tally.conferences += usize::from(visible.len() > 2);
        self.run.tally.consults += if call.consult.is_some() { alive } else { 0 };
        self.run.tally.watched += call.live().filter(|party| party.monitor.is_some()).count();
        self.run.tally.previews += call.live().filter(|party| party.state == PartyState::Preview).count();
        self.run.tally.routed += call.live().filter(|party| party.queue.is_some()).count();
        if alive > 0 && !self.run.calls.contains(&call.id) {
            if self.run.calls.len() == REMEMBERED {
                self.run.calls.pop_front();
            }
            self.run.calls.push_back(call.id.clone());
        }
    }
}

fn is_visible(party: &Party) -> bool {
    let listens = party.monitor.as_ref().is_some_and(|monitor| monitor.mode != MonitorMode::BargeIn);
    party.joining.is_none() && !listens
}

/// How many of the newest steps are told when something does not hold.
const NEWEST: usize = 40;

/// How many calls are remembered, so that something may be said of them when they are over.
const REMEMBERED: usize = 8;
