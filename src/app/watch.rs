//! What the log tells about itself, brought to the metrics.

use std::sync::Arc;
use std::time::Duration;

use crate::log::{EmbeddedLog, Kind, Log, LogObserver, Outcome};
use crate::metrics::{Label, LogKind, LogOutcome, Metrics};
use crate::records;

/// Counts what the log does.
pub(super) struct LogMetrics(pub(super) Metrics);

impl LogObserver for LogMetrics {
    fn appended(&self, kind: Kind, outcome: Outcome, took: Duration) {
        let outcome = match outcome {
            Outcome::Appended(_) => LogOutcome::Appended,
            Outcome::Conflict => LogOutcome::Conflict,
            Outcome::Full => LogOutcome::Full,
            Outcome::Unknown => LogOutcome::Unknown,
        };
        let kind = records::kind_name(kind);
        if let Some(kind) = LogKind::ALL.iter().find(|known| Some(known.as_str()) == kind) {
            self.0.log_appends_total.of(*kind, outcome).inc();
        }
        self.0.log_append_seconds.observe(took.as_secs_f64());
    }

    fn synced(&self, took: Duration) {
        self.0.log_fsync_seconds.observe(took.as_secs_f64());
    }
}

/// Keeps the log's gauges up to date, for as long as the server runs.
pub(super) async fn log_gauges(log: Arc<EmbeddedLog>, metrics: Metrics) {
    let mut interval = tokio::time::interval(Duration::from_secs(1));
    loop {
        interval.tick().await;
        let gauges = [
            (&metrics.log_bytes, log.bytes()),
            (&metrics.log_first_position, log.first().get()),
            (&metrics.log_head_position, log.head().get()),
        ];
        for (gauge, value) in gauges {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }
}
