//! Calls that agents are offered to make, so that a desktop has some to accept and to decline.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::calls::{Preview, UserData};
use crate::ids::Number;

use super::arrivals::about;
use super::core::{Core, after};
use super::face::News;
use super::simulated::SimulatedConfig;

/// The calls that are to be offered. What becomes of one is not known here: an agent that accepts dials.
#[derive(Debug)]
pub(super) struct Previews {
    every: Option<Duration>,
    next: Option<Instant>,
    /// Its own, so that what else happens by chance is the same with previews and without.
    dice: StdRng,
}

impl Previews {
    pub(super) fn new(now: Instant, config: &SimulatedConfig) -> Self {
        let mut dice = StdRng::seed_from_u64(config.seed);
        let next = config.previews.map(|every| after(now, about(every, &mut dice)));
        Self { every: config.previews, next, dice }
    }

    /// When the next one is offered.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }
}

impl Core {
    /// An agent that is ready and has no call is offered one, if one is due.
    pub(super) fn offer_preview(&mut self, now: Instant) {
        let Some(every) = self.previews.every else { return };
        if self.previews.next.is_none_or(|next| next > now) {
            return;
        }
        self.previews.next = Some(after(now, about(every, &mut self.previews.dice)));
        let Some(agent) = self.idlest(None, None) else { return };
        // One of the numbers that answer by themselves.
        let customer = Number::parse(&format!("7{:06}", self.previews.dice.random_range(0..1_000_000)));
        let Ok(customer) = customer else { return };
        self.news.push_back(News::Previewed(Preview { agent, customer, user_data: UserData::default() }));
    }
}
