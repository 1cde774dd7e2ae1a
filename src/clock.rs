//! The only place that reads a clock. Everything else is handed the time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::ids::WallTime;

/// Monotonic now. It goes through tokio, so that paused time in a test reaches every core.
pub fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// The time of day, for people and for the `time` of a record. Never used to order anything. Where a test pauses time,
/// it stands still as well.
#[expect(clippy::disallowed_methods, reason = "this is the one place that may read the clock")]
pub fn wall() -> WallTime {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (now, real) = (now(), Instant::now());
    let ahead = now.saturating_duration_since(real);
    let behind = real.saturating_duration_since(now);
    let millis = (since_epoch + ahead).saturating_sub(behind).as_millis();
    WallTime::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}
