//! Starts again what died: the ingress and the link to the switch.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, ArbiterHandle};
use parking_lot::RwLock;
use tokio::sync::Mutex;

use crate::directory::{Directory, EndedLogins};
use crate::exchange::ingress::CommandIngress;
use crate::exchange::link::SwitchLink;
use crate::exchange::settings::Settings;
use crate::log::Log;
use crate::metrics;
use crate::metrics::Metrics;
use crate::switch::{Reports, Setup, Switch};

/// How often it is looked whether the actors live.
const WATCH: Duration = Duration::from_millis(200);

/// Where the ingress is. It is elsewhere after it was started again.
#[derive(Clone, Debug)]
pub(super) struct Door(Arc<RwLock<Addr<CommandIngress>>>);

impl Door {
    /// The ingress as of now.
    pub(super) fn address(&self) -> Addr<CommandIngress> {
        self.0.read().clone()
    }

    fn replace(&self, address: Addr<CommandIngress>) {
        *self.0.write() = address;
    }
}

/// All that the exchange's actors are made of.
pub(super) struct Keeper {
    /// Where they run.
    pub arbiter: ArbiterHandle,
    /// The log.
    pub log: Arc<dyn Log>,
    /// The accounts.
    pub directory: Directory,
    /// What is settled of the switch.
    pub setup: Arc<Setup>,
    /// The switch.
    pub switch: Arc<dyn Switch>,
    /// What it reports; one link at a time listens.
    pub reports: Arc<Mutex<Reports>>,
    /// What is counted.
    pub metrics: Metrics,
    /// How commands are carried out.
    pub settings: Arc<Settings>,
    /// Logins that are over.
    pub ended: EndedLogins,
}

impl Keeper {
    /// Starts the actors, and watches them for as long as the arbiter runs.
    pub(super) fn start(self) -> Door {
        let door = Door(Arc::new(RwLock::new(self.ingress())));
        let link = self.link(door.clone());
        let arbiter = self.arbiter.clone();
        if !arbiter.spawn(self.watch(door.clone(), link)) {
            tracing::error!("the exchange's thread has ended");
        }
        door
    }

    async fn watch(self, door: Door, mut link: Addr<SwitchLink>) {
        let mut interval = tokio::time::interval(WATCH);
        loop {
            interval.tick().await;
            if !door.address().connected() {
                self.metrics.actor_restarts_total.of(metrics::Actor::Ingress).inc();
                tracing::error!("the ingress died; another takes over its calls");
                door.replace(self.ingress());
            }
            if !link.connected() {
                self.metrics.actor_restarts_total.of(metrics::Actor::SwitchLink).inc();
                tracing::error!("the link to the switch died; another takes it over");
                link = self.link(door.clone());
            }
        }
    }

    fn ingress(&self) -> Addr<CommandIngress> {
        let (log, directory, setup) = (Arc::clone(&self.log), self.directory.clone(), Arc::clone(&self.setup));
        let (metrics, settings, ended) = (self.metrics.clone(), Arc::clone(&self.settings), self.ended.clone());
        CommandIngress::start_in_arbiter(&self.arbiter, move |_| {
            CommandIngress::new(log, directory, metrics, settings, setup, ended)
        })
    }

    fn link(&self, door: Door) -> Addr<SwitchLink> {
        let (log, directory, setup) = (Arc::clone(&self.log), self.directory.clone(), Arc::clone(&self.setup));
        let (switch, reports, metrics) = (Arc::clone(&self.switch), Arc::clone(&self.reports), self.metrics.clone());
        SwitchLink::start_in_arbiter(&self.arbiter, move |_| {
            SwitchLink::new(log, directory, setup, switch, reports, metrics, door)
        })
    }
}
