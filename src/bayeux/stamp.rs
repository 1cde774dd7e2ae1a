//! What extensions add to messages on their way out: times, and word of what `data` is.

use bytes::Bytes;

use crate::ids::WallTime;

use super::reply::Event;
use super::timesync::Synced;

/// What is added to a reply.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Extra {
    /// `ext.timesync`.
    pub sync: Option<Synced>,
    /// `timestamp`.
    pub time: Option<WallTime>,
}

impl Event {
    /// The same, with `ext.binary`, a JSON token: `data.data` is bytes, written as Z85.
    #[must_use]
    pub fn with_binary(self, binary: &[u8]) -> Self {
        let Self(event) = self;
        // An event is an object that ends with its channel, or with an `ext` that ends with a number.
        let (before, joint, end): (_, &[u8], &[u8]) = match event.strip_suffix(b"}}") {
            Some(before) if before.ends_with(b"\"") => (before, b",\"ext\":{\"binary\":", b"}}"),
            Some(before) => (before, b",\"binary\":", b"}}"),
            None => (event.strip_suffix(b"}").unwrap_or(&event), b",\"ext\":{\"binary\":", b"}}"),
        };
        Self(Bytes::from([before, joint, binary, end].concat()))
    }

    /// The same, with the time at which it came to be.
    #[must_use]
    pub fn stamped(self, time: WallTime) -> Self {
        let Self(event) = self;
        let before = event.strip_suffix(b"}").unwrap_or(&event);
        Self(Bytes::from([before, b",\"timestamp\":\"", iso8601(time).as_bytes(), b"\"}"].concat()))
    }
}

/// A time as ISO 8601 has it, in UTC: `2026-11-25T01:23:45.678Z`.
pub(super) fn iso8601(time: WallTime) -> String {
    let (seconds, millis) = (time.millis() / 1000, time.millis() % 1000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Year, month and day of a day after the start of 1970. The year begins in March here, so that the leap day is its last.
const fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months + 2) / 5 + 1;
    let month = if months < 10 { months + 3 } else { months - 9 };
    (year_of_era + era * 400 + if month <= 2 { 1 } else { 0 }, month, day)
}
