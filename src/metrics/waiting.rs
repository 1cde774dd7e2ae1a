//! What waits in a mailbox, counted for as long as it waits.

use prometheus::IntGauge;

/// One message in a mailbox: it travels with the message, so that the gauge is right however the message ends.
#[derive(Debug)]
pub struct Waiting(IntGauge);

impl Waiting {
    /// One more in the mailbox that `depth` counts.
    pub fn new(depth: &IntGauge) -> Self {
        depth.inc();
        Self(depth.clone())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.dec();
    }
}
