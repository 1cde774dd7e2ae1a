//! What agents and the switch do in a step: what is offered, what is not, what they did before, and several things at once.

use std::cmp::Reverse;

use futures_util::future::join_all;
use partyline::agents::Kind;
use partyline::calls::capabilities;
use partyline::exchange::{CallView, CommandError};
use partyline::ids::{AgentId, IdempotencyKey, Position};
use partyline::log::Log;

use super::life::{AGENTS, UNREGISTERED};
use super::moody::Mood;
use super::run::{End, Scene};
use super::wishes::{
    Wish, dial, disposition, is_for_a_parameter, not_offered, of_another, of_the_agent, offered, offered_as,
};

impl Scene<'_, '_> {
    /// The agent's calls, in an order that is the same in each run.
    pub(super) async fn calls(&self, agent: &AgentId) -> Vec<CallView> {
        let mut calls = self.life.read(agent).await.calls;
        calls.sort_by_key(|view| view.party.leg);
        calls
    }

    /// Some call of some agent that has one.
    async fn some_call(&mut self) -> Option<(AgentId, CallView)> {
        let first = self.run.dice.below(AGENTS.len());
        for index in 0..AGENTS.len() {
            let agent = AgentId::parse(AGENTS[(first + index) % AGENTS.len()]).unwrap();
            let mut calls = self.calls(&agent).await;
            if !calls.is_empty() {
                let place = self.run.dice.below(calls.len());
                return Some((agent, calls.swap_remove(place)));
            }
        }
        None
    }

    fn offered(&mut self, agent: AgentId, view: &CallView) -> Option<Wish> {
        offered(&mut self.run.dice, &self.run.house, agent, view)
    }

    /// Of all that is offered to anybody, what was accepted least often in such a state, and of that what was offered most often.
    async fn rarest(&mut self) -> Option<(CallView, Wish)> {
        let mut offers = Vec::new();
        for agent in AGENTS.map(|name| AgentId::parse(name).unwrap()) {
            for view in self.calls(&agent).await {
                for chosen in capabilities(view.seen(), self.run.house.rules) {
                    let offer = (chosen.name(), view.party.state.name());
                    let (offered, accepted) = self.run.offers.get(&offer).copied().unwrap_or_default();
                    offers.push((accepted, Reverse(offered), agent.clone(), view.clone(), chosen));
                }
            }
        }
        let (.., agent, view, chosen) =
            offers.into_iter().min_by_key(|(accepted, offered, ..)| (*accepted, *offered))?;
        let wish = offered_as(&mut self.run.dice, chosen, agent, &view)?;
        Some((view, wish))
    }

    async fn some_offer(&mut self) -> Option<(CallView, Wish)> {
        if self.run.dice.below(3) == 0 {
            return self.rarest().await;
        }
        let (agent, view) = self.some_call().await?;
        let wish = self.offered(agent, &view)?;
        Some((view, wish))
    }

    pub(super) async fn do_what_is_offered(&mut self) {
        let Some((view, wish)) = self.some_offer().await else { return };
        let head = self.life.log.head();
        let key = self.new_key();
        let outcome = wish.send(&self.life.exchange, Some(key.clone())).await;
        self.note(&wish, &outcome);
        match outcome {
            Ok(()) => {
                let mut offers = self.run.offers.iter_mut();
                let offer = offers.find(|((name, state), _)| *name == wish.name() && *state == view.party.state.name());
                offer.unwrap().1.1 += 1;
                self.run.newest = Some((wish, key));
            }
            Err(error) => {
                assert!(is_for_a_parameter(&error), "it was offered: {error}");
                self.nothing_happens(head).await;
            }
        }
    }

    fn new_key(&mut self) -> IdempotencyKey {
        self.run.keys += 1;
        IdempotencyKey::parse(&format!("key-{}", self.run.keys)).unwrap()
    }

    /// A retry is answered as the first was, and does nothing.
    pub(super) async fn do_it_again(&mut self) {
        let Some((wish, key)) = self.run.newest.clone() else { return };
        let head = self.life.log.head();
        let outcome = wish.send(&self.life.exchange, Some(key)).await;
        self.tell("again".to_owned());
        self.note(&wish, &outcome);
        assert_eq!(outcome, Ok(()), "a retry");
        self.nothing_happens(head).await;
    }

    /// Everything that is not offered for any call of anybody.
    pub(super) async fn do_what_is_not_offered(&mut self) {
        let head = self.life.log.head();
        for agent in AGENTS.map(|name| AgentId::parse(name).unwrap()) {
            for view in self.calls(&agent).await {
                let wishes = not_offered(&mut self.run.dice, &self.run.house, &agent, &view);
                for wish in wishes {
                    self.is_refused(wish).await;
                }
            }
        }
        self.nothing_happens(head).await;
    }

    /// An operation on a call that the agent has no part in.
    pub(super) async fn do_what_is_anothers(&mut self) {
        let Some((_, view)) = self.some_call().await else { return };
        let other = self.somebody();
        if view.call.party_of(&other).is_some() {
            return;
        }
        let Some(wish) = of_another(&mut self.run.dice, other, view.call.id.clone()) else { return };
        let head = self.life.log.head();
        self.is_refused(wish).await;
        self.nothing_happens(head).await;
    }

    async fn is_refused(&mut self, wish: Wish) {
        let outcome = wish.send(&self.life.exchange, None).await;
        assert!(matches!(outcome, Err(CommandError::Refused(_))), "it was not offered: {wish:?}: {outcome:?}");
        self.run.tally.refused += 1;
    }

    async fn nothing_happens(&self, head: Position) {
        self.life.quiet().await;
        assert_eq!(self.life.log.head(), head, "what is refused changes nothing");
    }

    pub(super) async fn change_an_agent(&mut self) {
        let agent = self.somebody();
        let wish = of_the_agent(&mut self.run.dice, agent.clone());
        let voice = self.life.read(&agent).await.voice;
        let name = wish.body["operationName"].as_str().unwrap();
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name).unwrap();
        let is_own = wish.body["phoneNumber"] == agent.as_str();
        let allowed = voice.allows(kind).is_ok() && !is_own;
        let head = self.life.log.head();
        let outcome = self.try_it(wish).await;
        if agent.as_str() == UNREGISTERED {
            // What the switch does not know is told so each time.
            return assert_eq!(outcome.is_ok(), kind == Kind::EndContactCenterSession, "{outcome:?}");
        }
        assert_eq!(outcome.is_ok(), allowed, "{outcome:?}");
        if !allowed {
            self.nothing_happens(head).await;
        }
    }

    /// Several agents want something in the same moment.
    pub(super) async fn several_at_once(&mut self) {
        let mut wishes = Vec::new();
        for _ in 0..3 {
            let Some((agent, view)) = self.some_call().await else { continue };
            wishes.extend(self.offered(agent, &view));
        }
        let exchange = &self.life.exchange;
        let outcomes = join_all(wishes.iter().map(|wish| wish.send(exchange, None))).await;
        self.tell("in the same moment".to_owned());
        for (wish, outcome) in wishes.iter().zip(&outcomes) {
            self.note(wish, outcome);
        }
    }

    pub(super) async fn say_how_it_went(&mut self) {
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

    pub(super) fn change_the_mood(&mut self) {
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
    pub(super) async fn die_in_the_middle(&mut self) -> End {
        let wish = match self.some_call().await {
            Some((agent, view)) if self.run.dice.below(4) > 0 => self.offered(agent, &view),
            _ => None,
        };
        let agent = self.somebody();
        let wish = wish.unwrap_or_else(|| dial(&mut self.run.dice, agent));
        let (key, begun) = (self.new_key(), self.life.log.begun());
        let (turns, writes) = (self.run.dice.below(60), self.run.dice.below(6));
        self.life.log.die_after(u64::try_from(writes).unwrap());
        let mut answer = None;
        {
            let sending = wish.send(&self.life.exchange, Some(key.clone()));
            let mut sending = std::pin::pin!(sending);
            for _ in 0..turns {
                if answer.is_none() {
                    answer = futures_util::future::poll_immediate(&mut sending).await;
                }
                tokio::task::yield_now().await;
                self.life.log_is_done().await;
            }
        }
        self.tell(format!("the server is killed {turns} turns and {writes} writes after {wish:?}: {answer:?}"));
        // Of what had nothing to change no record tells.
        let was_answered = answer == Some(Ok(())) && self.life.log.begun() > begun;
        self.run.newest = None;
        if !matches!(answer, Some(Err(_))) {
            self.run.done = Some((wish, key, was_answered));
        }
        End::Killed
    }
}
