//! Random play over HTTP: agents of the real server with several desktops each, over restarts.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

use partyline::clock;
use partyline::ids::{AgentId, CallId};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::bodies::{About, NAMES, body, is_quiet};
use super::ears::End;
use super::life::{AGENTS, UNREGISTERED};
use super::office;
use super::person::{Person, Read, offered, others};
use super::run::Dice;
use super::verdict::{Verdict, fits};
use super::wishes::{Path, Wish, dial, leave, log_in, log_out, of_another, of_the_agent};
use super::witness::{living, look_at_all};
use crate::harness::{Answer, PATIENCE, Server};

/// An operation, and the state in which it is offered.
pub(super) type Offer = (String, String);

/// How often what was offered in which state, and how often it was accepted there.
type Offers = BTreeMap<Offer, (usize, usize)>;

/// How much the runs came by.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub steps: usize,
    pub accepted: usize,
    pub refused: usize,
    /// Operations whose call changed while they were on their way, so that nothing can be said of their answer.
    pub raced: usize,
    /// How often it was looked again, for something moved meanwhile.
    pub again: usize,
    /// How often nothing at all happened when everything was tried that is not offered.
    pub still: usize,
    pub told: usize,
    pub lost: usize,
    pub shared: usize,
    pub conferences: usize,
    pub unseen: usize,
    pub stops: usize,
    pub kills: usize,
    pub offers: Offers,
}

impl Tally {
    /// What was never accepted although it was offered so often.
    pub(super) fn never_accepted(&self, offered: usize) -> Vec<&Offer> {
        self.offers.iter().filter(|(_, counts)| counts.0 >= offered && counts.1 == 0).map(|(offer, _)| offer).collect()
    }
}

struct Play<'a> {
    server: Server,
    persons: Vec<Person>,
    dice: Dice,
    story: &'a RefCell<VecDeque<String>>,
    tally: &'a mut Tally,
    keys: usize,
    /// What was accepted last in this life of the server.
    newest: Option<(usize, Wish, String)>,
}

/// Plays that many steps, and adds up what it came by.
///
/// # Panics
/// With the seed and the newest steps if something does not hold.
pub(super) fn play(seed: u64, steps: usize, tally: &mut Tally) {
    let story = RefCell::new(VecDeque::new());
    let result = catch_unwind(AssertUnwindSafe(|| {
        let server = office::open(seed);
        let persons = (0..AGENTS.len()).map(|index| Person::new(&server, index)).collect();
        let dice = Dice(StdRng::seed_from_u64(seed));
        Play { server, persons, dice, story: &story, tally, keys: 0, newest: None }.run(steps);
    }));
    if let Err(cause) = result {
        let what = cause.downcast_ref::<String>().cloned();
        let what = what.or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let newest: Vec<String> = story.take().into();
        panic!("seed {seed}, after\n  {}\n{}", newest.join("\n  "), what.unwrap_or_default());
    }
}

impl Play<'_> {
    fn run(mut self, steps: usize) {
        self.look();
        for index in 0..AGENTS.len() {
            self.try_it(index, &log_in(id(index)));
        }
        for step in 0..steps {
            self.tally.steps += 1;
            match step % 60 {
                29 => self.restart(End::Stopped),
                59 => self.restart(End::Killed),
                _ => self.step(),
            }
            self.look();
            if step % 8 == 7 {
                self.do_all_that_is_not_offered();
            }
        }
        self.everything_ends();
    }

    fn tell(&self, what: String) {
        let mut story = self.story.borrow_mut();
        if story.len() == NEWEST {
            story.pop_front();
        }
        story.push_back(what);
    }

    /// What each was told is what it reads, and what they read fits; whoever is seen on a call soon knows of it.
    fn look(&mut self) {
        if self.dice.below(3) == 0 {
            self.lose_answers();
        }
        let deadline = clock::now() + PATIENCE;
        let witnessed = loop {
            self.look_once();
            let witnessed = look_at_all(&self.persons);
            if witnessed.missing.is_empty() {
                break witnessed;
            }
            assert!(clock::now() < deadline, "they are seen, and do not know of it: {:?}", witnessed.missing);
        };
        self.tally.shared += witnessed.shared;
        self.tally.conferences += witnessed.conferences;
        self.tally.unseen += witnessed.unseen;
        for call in self.persons.iter().flat_map(|person| person.seen.calls.values()) {
            for name in offered(call) {
                self.tally.offers.entry(offer(name, call)).or_default().0 += 1;
            }
        }
    }

    /// What each was told is what it reads: all of it as of one position.
    fn look_once(&mut self) {
        let deadline = clock::now() + PATIENCE;
        loop {
            assert!(clock::now() < deadline, "what is read is never as of one position");
            let reads: Vec<Read> = self.persons.iter_mut().map(Person::read).collect();
            let position = reads[0].position;
            let index = self.somebody();
            if reads.iter().all(|read| read.position == position)
                && self.persons.iter_mut().all(|person| person.hears_up_to(position))
                && self.persons[index].reads_again(&mut self.dice, &reads[index])
            {
                for (person, read) in self.persons.iter_mut().zip(reads) {
                    self.tally.told += person.compare(read);
                }
                return;
            }
            self.tally.again += 1;
        }
    }

    fn step(&mut self) {
        match self.dice.below(100) {
            0..10 => {
                let index = self.somebody();
                let wish = dial(&mut self.dice, id(index));
                self.try_it(index, &wish);
            }
            10..66 => self.do_what_is_offered(),
            66..70 => self.do_what_is_anothers(),
            70..80 => self.change_an_agent(),
            80..87 => {
                let (index, milliseconds) = (self.somebody(), [5, 20, 100][self.dice.below(3)]);
                self.tell(format!("{} waits for {milliseconds} ms", AGENTS[index]));
                self.persons[index].ears[0].park(milliseconds);
            }
            87..92 => self.several_at_once(),
            92..97 => self.do_it_again(),
            97 => self.restart(End::Stopped),
            98 => self.restart(End::Killed),
            _ => self.die_in_the_middle(),
        }
    }

    fn somebody(&mut self) -> usize {
        self.dice.below(AGENTS.len())
    }

    /// An agent and one of its calls.
    fn some_call(&mut self) -> Option<(usize, String)> {
        let first = self.somebody();
        let mut indices = (first..first + AGENTS.len()).map(|index| index % AGENTS.len());
        let index = indices.find(|index| !self.persons[*index].calls.is_empty())?;
        let calls = &self.persons[index].calls;
        Some((index, calls[self.dice.below(calls.len())].clone()))
    }

    /// Wants something of which it is not known whether it is accepted.
    fn try_it(&mut self, index: usize, wish: &Wish) -> Verdict {
        let verdict = Verdict::of(&self.persons[index].send(wish, None));
        self.note(wish, verdict);
        verdict
    }

    fn note(&mut self, wish: &Wish, verdict: Verdict) {
        self.tell(format!("{wish:?}: {verdict:?}"));
        match verdict {
            Verdict::Accepted => self.tally.accepted += 1,
            Verdict::Refused(_) => self.tally.refused += 1,
        }
    }

    /// What is offered; more often than not what was accepted least often in such a state.
    fn some_offer(&mut self) -> Option<(usize, Offer, Wish)> {
        let mut offers = Vec::new();
        for person in &self.persons {
            for (id, call) in &person.seen.calls {
                offers.extend(offered(call).into_iter().map(|name| (person.index, id.clone(), offer(name, call))));
            }
        }
        let answers = |offer: &Offer| offer.0 == "Answer" || offer.0 == "Accept";
        let ends = |offer: &Offer| offer.0 == "Hangup" || offer.0 == "CompleteTransfer";
        let many = self.persons.iter().any(|person| person.calls.len() > MANY);
        let place = match self.dice.below(8) {
            0..5 => {
                let rank = |(.., offer): &(usize, String, Offer)| {
                    let (offered, accepted) = self.tally.offers.get(offer).copied().unwrap_or_default();
                    (accepted, Reverse(offered))
                };
                let least = offers.iter().map(rank).min()?;
                let rarest: Vec<usize> = (0..offers.len()).filter(|place| rank(&offers[*place]) == least).collect();
                rarest[self.dice.below(rarest.len())]
            }
            // A call of many before one of two.
            5 => {
                let many = |place: &usize| others(&self.persons[offers[*place].0].seen.calls[&offers[*place].1]).len();
                (0..offers.len()).filter(|place| answers(&offers[*place].2)).max_by_key(many)?
            }
            6 if many => {
                let busiest = self.persons.iter().max_by_key(|person| person.calls.len())?.index;
                offers.iter().position(|(index, _, offer)| *index == busiest && ends(offer))?
            }
            6 => offers.iter().position(|(.., offer)| offer.0 == "SingleStepConference")?,
            _ if offers.is_empty() => return None,
            _ => self.dice.below(offers.len()),
        };
        let (index, call, offer) = offers.swap_remove(place);
        let about = self.persons[index].about(&call);
        let body = body(&mut self.dice, &offer.0, &about)?;
        Some((index, offer, Wish { agent: id(index), path: path(&call), body }))
    }

    fn do_what_is_offered(&mut self) {
        let Some((index, offer, wish)) = self.some_offer() else { return };
        let key = self.new_key();
        let answer = self.persons[index].send(&wish, Some(&key));
        let verdict = self.judge(index, &wish, &answer);
        if verdict == Verdict::Accepted {
            self.tally.offers.entry(offer).or_default().1 += 1;
            self.newest = Some((index, wish, key));
        }
    }

    /// Sees to it that the answer is as what was shown when the agent was last looked at, or at least as what was shown
    /// since.
    fn judge(&mut self, index: usize, wish: &Wish, answer: &Answer) -> Verdict {
        let verdict = Verdict::of(answer);
        self.note(wish, verdict);
        let message = answer.json()["statusMessage"].as_str().unwrap_or_default().to_owned();
        let is_for_a_parameter = ["is already on the call", "can have no more"].iter().any(|why| message.contains(why));
        let person = &mut self.persons[index];
        if is_for_a_parameter || fits(person, wish, &person.seen, verdict) {
            return verdict;
        }
        let shown = person.shown_since();
        let excused = shown.iter().any(|view| fits(person, wish, view, verdict));
        assert!(excused, "{wish:?} is answered {answer:?}, and was shown {:#?}", shown.last());
        self.tally.raced += 1;
        verdict
    }

    fn new_key(&mut self) -> String {
        self.keys += 1;
        format!("key-{}", self.keys)
    }

    /// A retry is answered as the first was.
    fn do_it_again(&mut self) {
        let Some((index, wish, key)) = self.newest.clone() else { return };
        self.tell("again".to_owned());
        let verdict = Verdict::of(&self.persons[index].send(&wish, Some(&key)));
        self.note(&wish, verdict);
        assert_eq!(verdict, Verdict::Accepted, "a retry");
    }

    /// Everything that is not offered, for every call and device: nothing comes of it.
    fn do_all_that_is_not_offered(&mut self) {
        self.tell("all that is not offered".to_owned());
        for (index, name) in AGENTS.into_iter().enumerate() {
            let person = &self.persons[index];
            let mut wishes = Vec::new();
            for (call, seen) in &person.seen.calls {
                let (state, count) = (seen["state"].as_str().unwrap(), others(seen).len());
                let offered = offered(seen);
                let about = person.about(call);
                for not in NAMES.into_iter().filter(|not| !offered.contains(not) && !is_quiet(not, state, count)) {
                    let body =
                        body(&mut self.dice, not, &about).or_else(|| body(&mut self.dice, not, &About::nothing()));
                    wishes.push(Wish { agent: id(index), path: path(call), body: body.unwrap() });
                }
            }
            let device = offered(&person.seen.device);
            for not in DEVICE.into_iter().filter(|not| !device.contains(not)) {
                let body = json!({"operationName": not, "destination": "15000", "phoneNumber": "15000"});
                wishes.push(Wish { agent: id(index), path: Path::Device, body });
            }
            // What the switch does not know is told so each time.
            if name != UNREGISTERED {
                self.nothing_comes_of(index, &wishes);
            }
        }
    }

    fn nothing_comes_of(&mut self, index: usize, wishes: &[Wish]) {
        for wish in wishes {
            let answer = self.persons[index].send(wish, None);
            self.judge(index, wish, &answer);
        }
        let before = self.persons[index].position;
        let told = self.persons[index].look(&mut self.dice);
        self.tally.told += told;
        self.tally.still += usize::from(self.persons[index].position == before && told == 0);
    }

    /// An operation on a call that the agent has no part in.
    fn do_what_is_anothers(&mut self) {
        let Some((_, call)) = self.some_call() else { return };
        let index = self.somebody();
        if self.persons[index].seen.calls.contains_key(&call) {
            return;
        }
        let Some(wish) = of_another(&mut self.dice, id(index), CallId::parse(&call).unwrap()) else { return };
        let answer = self.persons[index].send(&wish, None);
        self.judge(index, &wish, &answer);
    }

    fn change_an_agent(&mut self) {
        let index = self.somebody();
        let wish = of_the_agent(&mut self.dice, id(index));
        let answer = self.persons[index].send(&wish, None);
        self.judge(index, &wish, &answer);
    }

    fn lose_answers(&mut self) {
        for person in &mut self.persons {
            for ear in &mut person.ears {
                self.tally.lost += ear.lose();
            }
        }
    }

    /// Several agents want something in the same moment.
    fn several_at_once(&mut self) {
        let offers: Vec<_> = (0..3).filter_map(|_| self.some_offer()).collect();
        let persons = &self.persons;
        let answers: Vec<_> = std::thread::scope(|scope| {
            let send = |(index, _, wish): &(usize, Offer, Wish)| {
                let (index, wish) = (*index, wish.clone());
                scope.spawn(move || Verdict::of(&persons[index].send(&wish, None)))
            };
            let sending: Vec<_> = offers.iter().map(send).collect();
            sending.into_iter().map(|sending| sending.join().unwrap()).collect()
        });
        self.tell("in the same moment".to_owned());
        for ((_, _, wish), verdict) in offers.iter().zip(answers) {
            self.note(wish, verdict);
        }
    }

    fn restart(&mut self, end: End) {
        self.tell(format!("the server is started again: {end:?}"));
        self.newest = None;
        self.persons.iter_mut().for_each(Person::hang_up);
        match end {
            End::Killed => self.server.kill(),
            End::Stopped => {
                let ears = self.persons.iter_mut().flat_map(|person| &mut person.ears);
                let code = std::thread::scope(|scope| {
                    ears.for_each(|ear| drop(scope.spawn(|| ear.see_out())));
                    self.server.terminate()
                });
                assert_eq!(code, Some(0), "{}", self.server.log());
            }
        }
        match end {
            End::Killed => self.tally.kills += 1,
            End::Stopped => self.tally.stops += 1,
        }
        self.server.restart();
        for person in &mut self.persons {
            person.come_back(&self.server, end);
        }
    }

    /// The server is killed as soon as something was answered: it knows that it was done.
    fn die_in_the_middle(&mut self) {
        let Some((index, _, wish)) = self.some_offer() else { return };
        let key = self.new_key();
        let verdict = Verdict::of(&self.persons[index].send(&wish, Some(&key)));
        self.note(&wish, verdict);
        let before = self.persons[index].shown_since();
        self.restart(End::Killed);
        // Of what had nothing to change no record tells.
        if verdict == Verdict::Accepted && before.len() > 1 {
            self.newest = Some((index, wish, key));
            self.do_it_again();
        }
    }

    /// When all agents have gone home and hung up, and no more calls come in, no agent is on a call. One who comes back
    /// takes those that wait, and then no call lives.
    fn everything_ends(mut self) {
        office::send_no_more_calls(&mut self.server);
        self.restart(End::Stopped);
        self.tell("all go home".to_owned());
        for index in 0..AGENTS.len() {
            self.try_it(index, &log_out(id(index)));
        }
        let deadline = clock::now() + PATIENCE;
        let mut working = false;
        while living(&self.server) > 0 {
            assert!(clock::now() < deadline, "calls live that are nobody's");
            self.look();
            let calls: Vec<_> =
                self.persons.iter().flat_map(|p| p.calls.iter().map(|c| (p.index, c.clone()))).collect();
            if calls.is_empty() && !working {
                working = true;
                self.try_it(0, &log_in(id(0)));
            }
            for (index, call) in calls {
                let state = self.persons[index].seen.calls[&call]["state"].as_str().unwrap().to_owned();
                // Who is rung for a queue takes the call first, else it goes back there.
                let wish = if working && state == "Ringing" {
                    Wish { agent: id(index), path: path(&call), body: json!({"operationName": "Answer"}) }
                } else {
                    leave(id(index), CallId::parse(&call).unwrap(), &state)
                };
                self.try_it(index, &wish);
            }
        }
        self.look();
    }
}

fn id(index: usize) -> AgentId {
    AgentId::parse(AGENTS[index]).unwrap()
}

fn path(call: &str) -> Path {
    Path::Call(CallId::parse(call).unwrap())
}

fn offer(name: &str, call: &Value) -> Offer {
    (name.to_owned(), call["state"].as_str().unwrap().to_owned())
}

/// What a device may offer.
const DEVICE: [&str; 8] = [
    "BargeIn",
    "CancelSupervisorMonitoring",
    "Coach",
    "DoNotDisturbOff",
    "DoNotDisturbOn",
    "ForwardCallsOff",
    "ForwardCallsOn",
    "ListenIn",
];

/// More calls than this are too many for one agent.
const MANY: usize = 3;

/// How many of the newest steps are told when something does not hold.
const NEWEST: usize = 40;
