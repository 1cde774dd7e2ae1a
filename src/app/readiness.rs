//! Whether the server can serve.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::http::Readiness;
use crate::log::{Health, Log};
use crate::metrics::Metrics;
use crate::switch::Switch;

/// The server's own word on whether it can serve, joined with that of the log and the switch.
pub(super) struct Ready {
    stage: AtomicU8,
    log: Arc<dyn Log>,
    switch: Arc<dyn Switch>,
    metrics: Metrics,
}

const STARTING: u8 = 0;
const SERVING: u8 = 1;
const DRAINING: u8 = 2;

impl Ready {
    /// Starting.
    pub(super) fn new(log: Arc<dyn Log>, switch: Arc<dyn Switch>, metrics: Metrics) -> Self {
        Self { stage: AtomicU8::new(STARTING), log, switch, metrics }
    }

    /// Everything that was in the log has been applied.
    pub(super) fn started(&self) {
        self.stage.store(SERVING, Ordering::Release);
        self.metrics.ready.set(1);
    }

    /// The server is about to stop.
    pub(super) fn draining(&self) {
        self.stage.store(DRAINING, Ordering::Release);
        self.metrics.ready.set(0);
    }
}

impl Readiness for Ready {
    fn checks(&self) -> Vec<(&'static str, Result<(), String>)> {
        let server = match self.stage.load(Ordering::Acquire) {
            STARTING => Err("starting".to_owned()),
            DRAINING => Err("draining".to_owned()),
            _ => Ok(()),
        };
        let log = match self.log.health() {
            // The log has told the operator the reason, which names files: nothing for whoever asks here.
            Health::ReadOnly(_) => Err("takes no writes".to_owned()),
            Health::Well => Ok(()),
        };
        let switch = if self.switch.is_up() { Ok(()) } else { Err("the link is down".to_owned()) };
        vec![("server", server), ("log", log), ("switch", switch)]
    }
}
