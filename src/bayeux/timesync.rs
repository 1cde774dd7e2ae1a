//! The timesync extension: how far a client's clock is off, and how long its messages are under way.
//!
//! A client says what its clock said when it sent (`tc`), by how much it believes the server's to be ahead (`o`), and how
//! long it believes a message to be under way (`l`), in milliseconds. It is told when its message came (`ts`), how long the
//! answer took (`p`), and by how much its beliefs were off (`a = tc + o + l - ts`). If they are good, nothing is told.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Number;

use crate::ids::WallTime;

/// What a client says of its clock.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TimeSync {
    sent: i64,
    offset: i64,
    /// `None` from clients of old, which are told no accuracy.
    lag: Option<i64>,
}

/// What it is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Synced {
    /// `tc`: as it came.
    pub sent: i64,
    /// `ts`.
    pub received: i64,
    /// `p`.
    pub taken: i64,
    /// `a`.
    pub off: Option<i64>,
}

/// What is less than this off need not be told, in milliseconds.
const GOOD: i64 = 25;

/// Numbers beyond this are no times, in milliseconds.
const FAR: f64 = 1e15;

impl TimeSync {
    /// What stands in `ext.timesync`, a JSON token. Whatever is no such thing is nobody's business.
    pub(super) fn parse(token: &str) -> Option<Self> {
        let Fields { sent, offset, lag } = serde_json::from_str(token).ok()?;
        Some(Self { sent: sent?, offset: offset.unwrap_or_default(), lag })
    }

    /// What it is told in an answer that leaves now to a message that came at `received`, if anything.
    pub fn answer(&self, received: WallTime, now: WallTime) -> Option<Synced> {
        let came = signed(received.millis());
        let off = self.lag.map(|lag| self.sent + self.offset + lag - came);
        let good = self.lag.is_some_and(|lag| lag != 0) && off.is_some_and(|off| off.abs() < GOOD);
        let taken = signed(now.millis().saturating_sub(received.millis()));
        (!good).then_some(Synced { sent: self.sent, received: came, taken, off })
    }
}

fn signed(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

#[derive(Default)]
struct Fields {
    sent: Option<i64>,
    offset: Option<i64>,
    lag: Option<i64>,
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of numbers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key::<String>()? {
            let field = match key.as_str() {
                "l" => &mut fields.lag,
                "o" => &mut fields.offset,
                "tc" => &mut fields.sent,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            let number = map.next_value::<Option<Number>>()?.and_then(|number| number.as_f64());
            *field = number.filter(|number| number.abs() < FAR).map(|number| number.round() as i64);
        }
        Ok(fields)
    }
}
