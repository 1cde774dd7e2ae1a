//! One life of the whole: the log on disk, the calls and agents, the simulated switch, and the sessions, all on one thread
//! on which time stands still unless it is let pass.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix::Arbiter;
use partyline::agents;
use partyline::agents::{AfterCall, NotAnswered};
use partyline::broker::Broker;
use partyline::calls::{ClearRule, MuteRule, Rules, Term};
use partyline::directory::{Agent, Directory, DirectoryConfig, Feature, demo_agents, device_of};
use partyline::exchange::{Exchange, Settings, Snapshot};
use partyline::gws::Rendering;
use partyline::ids::{AgentId, Number};
use partyline::log::{Durability, EmbeddedConfig, EmbeddedLog, Log, OpenError};
use partyline::metrics::Metrics;
use partyline::switch::{ArrivalConfig, CallerConfig, SimulatedConfig};

use super::counted::Counted;
use super::moody::Moody;
use crate::kit;

/// The agents. Two may watch others, and the first two may record.
pub(super) const AGENTS: [&str; 6] = ["15000", "15001", "15002", "15003", "15004", UNREGISTERED];

/// The agent whose device the switch does not know.
pub(super) const UNREGISTERED: &str = "15005";

/// The numbers of the queues.
pub(super) const QUEUES: [&str; 2] = ["6000", "6001"];

/// The route point, which leads to the second of them.
pub(super) const POINT: &str = "5001";

/// Numbers that are no agents': the queues, the route point, two that answer, a busy one, one that never answers, and one
/// that does not exist.
pub(super) const OTHERS: [&str; 8] = [QUEUES[0], QUEUES[1], POINT, "7001", "7002", "8001", "9001", "4444"];

/// What differs from run to run.
#[derive(Clone, Debug)]
pub(super) struct House {
    pub seed: u64,
    pub rules: Rules,
    pub agents: agents::Rules,
    /// Whether calls come in by themselves, and agents are offered calls to make.
    pub busy: bool,
}

impl House {
    /// The house of this seed: each setting is each way in some of them.
    pub(super) fn of(seed: u64) -> Self {
        let rules = Rules {
            mute: if seed.is_multiple_of(3) { MuteRule::TwoParty } else { MuteRule::Conference },
            clear: if seed % 3 == 1 { ClearRule::Any } else { ClearRule::Conference },
        };
        let agents = agents::Rules {
            after_call: [AfterCall::Never, AfterCall::Always, AfterCall::Received][usize::try_from(seed % 3).unwrap()],
            after_call_time: (seed % 4 < 2).then(|| Duration::from_secs(7)),
            not_answered: if seed.is_multiple_of(2) { NotAnswered::NotReady } else { NotAnswered::Stay },
        };
        Self { seed, rules, agents, busy: !seed.is_multiple_of(4) }
    }

    pub(super) fn rendering(&self) -> Rendering {
        kit::rendering(self.rules)
    }

    fn switch(&self) -> SimulatedConfig {
        let numbers = vec![number(QUEUES[0]), number(POINT)];
        let arrivals = ArrivalConfig { numbers, every: Duration::from_secs(20) };
        SimulatedConfig {
            seed: self.seed,
            ring_timeout: Duration::from_secs(30),
            queue_timeout: Duration::from_secs(60),
            answer_after: Duration::from_millis(200),
            devices: AGENTS.map(number).into(),
            unregistered: BTreeSet::from([number(UNREGISTERED)]),
            queues: QUEUES.map(number).into(),
            route_points: BTreeMap::from([(number(POINT), number(QUEUES[1]))]),
            callers: CallerConfig { talk_time: Duration::from_secs(40), patience: Duration::from_secs(15) },
            arrivals: self.busy.then_some(arrivals),
            previews: self.busy.then_some(Duration::from_secs(30)),
            preview_timeout: Some(Duration::from_secs(30)),
        }
    }

    fn exchange(&self) -> Settings {
        Settings { call_rules: self.rules, rules: self.agents.clone(), ..Settings::new(Duration::from_secs(10)) }
    }
}

/// One life of the whole.
pub(super) struct Life {
    pub log: Arc<Counted>,
    pub broker: Broker,
    pub exchange: Exchange,
    pub switch: Arc<Moody>,
    /// After how many appends it was seen to that all followers were woken.
    woken: Cell<u64>,
}

impl Life {
    /// Begins one from what is on the disk.
    pub(super) fn begin(directory: &Path, house: &House, draw: u64) -> Self {
        let config = EmbeddedConfig {
            directory: directory.to_owned(),
            durability: Durability::Interval(Duration::from_secs(3600)),
            // What a start reads again.
            ring_records: 300,
            ..EmbeddedConfig::default()
        };
        let log = Arc::new(Counted::new(opened(&config)));
        let (metrics, directory) = (Metrics::new(), Directory::new(DirectoryConfig { agents: accounts() }).unwrap());
        let (switch, reports) = Moody::start(house.switch(), Term(log.head().get()), draw);
        let switch = Arc::new(switch);
        let broker = Broker::new(kit::sessions(house.rendering()), metrics.clone(), Arc::<Counted>::clone(&log));
        broker.open_here();
        let exchange = Exchange::start(
            &Arbiter::current(),
            Arc::<Counted>::clone(&log),
            directory,
            Arc::<Moody>::clone(&switch),
            reports,
            metrics,
            house.exchange(),
        );
        Self { log, broker, exchange, switch, woken: Cell::new(u64::MAX) }
    }

    /// Resolves when nothing happens any more unless time passes.
    pub(super) async fn quiet(&self) {
        loop {
            self.log.is_idle().await;
            let begun = self.log.begun();
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
            if self.log.begun() != begun {
                continue;
            }
            if self.woken.replace(begun) == begun {
                return;
            }
            self.log.followers_are_woken().await;
        }
    }

    /// Resolves when the log's threads have nothing more to do.
    pub(super) async fn log_is_done(&self) {
        self.log.is_idle().await;
        let begun = self.log.begun();
        if self.woken.replace(begun) != begun {
            self.log.followers_are_woken().await;
        }
    }

    /// Lets time pass, bit by bit, so that nothing that is due is late.
    pub(super) async fn pass(&self, time: Duration) {
        let mut left = time;
        while !left.is_zero() {
            let bit = left.min(Duration::from_millis(500));
            tokio::time::advance(bit).await;
            self.quiet().await;
            left -= bit;
        }
    }

    pub(super) async fn read(&self, agent: &AgentId) -> Snapshot {
        self.exchange.calls(agent).await.unwrap()
    }

    /// Ends as it should.
    pub(super) async fn stop(self) {
        self.broker.drain(Duration::ZERO).await;
        while self.exchange.under_way().await > 0 {
            tokio::task::yield_now().await;
        }
        self.broker.stop().await;
        self.log.close().await;
    }
}

/// A process that was killed has left its directory; here the log's own threads do so in a moment.
fn opened(config: &EmbeddedConfig) -> EmbeddedLog {
    for _ in 0..30_000 {
        match EmbeddedLog::open(config.clone(), Arc::new(())) {
            Err(OpenError::Locked { .. }) => std::thread::sleep(Duration::from_millis(1)),
            opened => return opened.unwrap(),
        }
    }
    panic!("the log is held for ever");
}

fn accounts() -> Vec<Agent> {
    let demo = demo_agents();
    let account = |(index, name): (usize, &&str)| {
        let mut features = vec![Feature::Voice];
        if index < 2 {
            features.push(Feature::Recording);
        }
        if index == 3 || index == 4 {
            features.push(Feature::Monitoring);
        }
        let features = features.into_iter().map(|feature| feature.name().to_owned()).collect();
        let (id, number) = (AgentId::parse(name).unwrap(), number(name));
        Agent { id, device: device_of(&number).unwrap(), number, features, ..demo[0].clone() }
    };
    AGENTS.iter().enumerate().map(account).collect()
}

pub(super) fn number(text: &str) -> Number {
    Number::parse(text).unwrap()
}

/// How many turns of everything are taken with nothing written down before it is called quiet.
const TURNS: usize = 40;
