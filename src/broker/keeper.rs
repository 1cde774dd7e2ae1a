//! Starts the office again if it died, for as long as back ends are served.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr};
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::broker::office::{Grown, OfficeActor};
use crate::log::Log;
use crate::metrics;
use crate::metrics::Metrics;

/// How often it is looked whether the office lives.
const WATCH: Duration = Duration::from_millis(200);

/// Where the office is. It is elsewhere after it was started again.
#[derive(Clone, Debug)]
pub(super) struct Desk(Arc<RwLock<Addr<OfficeActor>>>);

impl Desk {
    /// Opens the office on this thread, and has it watched there until it is closed. `grown` tells where its newest notice is.
    pub(super) fn open(log: Arc<dyn Log>, metrics: Metrics, grown: watch::Sender<Grown>) -> Self {
        let told = grown.subscribe();
        let start = move || OfficeActor::new(Arc::clone(&log), grown.clone()).start();
        let desk = Self(Arc::new(RwLock::new(start())));
        actix::spawn(desk.clone().watch(start, metrics, told));
        desk
    }

    /// The office as of now.
    pub(super) fn address(&self) -> Addr<OfficeActor> {
        self.0.read().clone()
    }

    async fn watch(self, start: impl Fn() -> Addr<OfficeActor>, metrics: Metrics, told: watch::Receiver<Grown>) {
        let mut interval = tokio::time::interval(WATCH);
        loop {
            interval.tick().await;
            if *told.borrow() == Grown::Closed {
                return;
            }
            if !self.address().connected() {
                metrics.actor_restarts_total.of(metrics::Actor::Office).inc();
                tracing::error!("the admin API's actor died; another takes over");
                *self.0.write() = start();
            }
        }
    }
}
