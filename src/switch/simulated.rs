//! A switch that plays the telephony in memory: the task around the core.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::calls::{Ask, Term};
use crate::clock;
use crate::ids::Number;

use super::arrivals::{ArrivalConfig, CallerConfig};
use super::core::Core;
use super::face::{Leg, Line, News, Reports, Setup, Switch};

/// How the simulated switch behaves.
#[derive(Clone, Debug)]
pub struct SimulatedConfig {
    /// Where its choices begin, so that a run can be repeated.
    pub seed: u64,
    /// How long a number rings before nobody answers.
    pub ring_timeout: Duration,
    /// How long a call for which an agent asked waits in a queue before nobody answers.
    pub queue_timeout: Duration,
    /// How long a number that answers by itself takes to do so, at the least.
    pub answer_after: Duration,
    /// The numbers of agents' devices: they ring until an agent answers.
    pub devices: BTreeSet<Number>,
    /// Those of them that it does not know all the same: nobody reaches them.
    pub unregistered: BTreeSet<Number>,
    /// The numbers of queues.
    pub queues: BTreeSet<Number>,
    /// Numbers that route calls to queues.
    pub route_points: BTreeMap<Number, Number>,
    /// How callers are who came in by themselves.
    pub callers: CallerConfig,
    /// How calls come in by themselves, if they do.
    pub arrivals: Option<ArrivalConfig>,
    /// How long it is, on the average, until an agent is offered a call to make, if one is.
    pub previews: Option<Duration>,
    /// How long it may look at that before it is over. `None`: as long as it likes.
    pub preview_timeout: Option<Duration>,
}

impl SimulatedConfig {
    fn setup(&self) -> Setup {
        let own = self.queues.iter().chain(self.route_points.keys()).cloned().collect();
        Setup {
            own,
            unregistered: self.unregistered.clone(),
            queue_timeout: Some(self.queue_timeout),
            preview_timeout: self.preview_timeout,
        }
    }
}

/// A switch that plays the telephony in memory.
#[derive(Debug)]
pub struct Simulated {
    /// Holds [`ASKS`]. One more is dropped with a warning, and ends by its timeout like any ask that a switch does not
    /// answer.
    asked: mpsc::Sender<Asked>,
    setup: Setup,
}

#[derive(Debug)]
enum Asked {
    CarryOut(Ask),
    Restore(Vec<Leg>),
    SetLine(Number, Line),
}

/// How many asks may wait to be carried out.
const ASKS: usize = 65_536;

/// How many reports may wait to be taken. The switch waits when there are more.
const REPORTS: usize = 1024;

impl Simulated {
    /// Starts one on the current tokio runtime. Its reports bear `term` and count up from 1. It ends when it is dropped.
    pub fn start(config: SimulatedConfig, term: Term) -> (Self, Reports) {
        let (asked, asks) = mpsc::channel(ASKS);
        let (tell, reports) = mpsc::channel(REPORTS);
        let setup = config.setup();
        tokio::spawn(play(Core::new(clock::now(), config, term), asks, tell));
        (Self { asked, setup }, reports)
    }

    fn ask(&self, asked: Asked) {
        if let Err(error) = self.asked.try_send(asked) {
            tracing::warn!(%error, "the simulated switch was asked in vain");
        }
    }
}

async fn play(mut core: Core, mut asks: mpsc::Receiver<Asked>, tell: mpsc::Sender<News>) {
    loop {
        while let Some(news) = core.poll_news() {
            if tell.send(news).await.is_err() {
                return;
            }
        }
        let due = core.poll_timeout().map(tokio::time::Instant::from_std);
        let timeout = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            asked = asks.recv() => match asked {
                Some(Asked::CarryOut(ask)) => core.handle_ask(clock::now(), clock::wall(), ask),
                Some(Asked::SetLine(number, line)) => core.handle_line(clock::now(), number, line),
                Some(Asked::Restore(legs)) => core.handle_restore(clock::now(), clock::wall(), legs),
                None => return,
            },
            () = timeout => core.handle_timeout(clock::now()),
        }
    }
}

impl Switch for Simulated {
    fn setup(&self) -> Setup {
        self.setup.clone()
    }

    fn carry_out(&self, ask: Ask) {
        self.ask(Asked::CarryOut(ask));
    }

    fn restore(&self, legs: Vec<Leg>) {
        self.ask(Asked::Restore(legs));
    }

    fn set_line(&self, number: Number, line: Line) {
        self.ask(Asked::SetLine(number, line));
    }

    fn is_up(&self) -> bool {
        !self.asked.is_closed()
    }
}
