//! `owed.page`: a piece of history that is owed to one session, at the position of this record.
//!
//! It is also the session's newest state: how far its replays are stands in it, so that neither can be lost without the
//! other, and no two changes of a session can cross.

use serde::{Deserialize, Serialize};

use crate::ids::{Position, RecordId, WallTime};
use crate::log::{Expected, NewRecord, Record};

use super::codec::{OWED_PAGE, VERSION, from_json, to_json};
use super::session::{SessionState, StateWire};

/// A page of history for one session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OwedPage {
    /// The session once it has been given the page.
    pub state: SessionState,
    /// The page begins just after this position.
    pub after: Position,
    /// It ends with this position, unless it is the last.
    pub through: Position,
    /// Whether there are more.
    pub rest: Rest,
    /// Where the publications are that it is made of, in order; of the last page, those up to `through`.
    pub positions: Vec<Position>,
}

/// Whether there are more pages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rest {
    /// There are.
    More,
    /// This is the last one: it goes up to its own position, and the session's replays are live from there on.
    Nothing,
}

impl OwedPage {
    /// The record to append.
    pub fn record(&self, id: RecordId, time: WallTime, expected: Expected) -> NewRecord {
        let wire = PageWire {
            state: StateWire::of(&self.state),
            after: self.after.get(),
            through: self.through.get(),
            last: self.rest == Rest::Nothing,
            positions: self.positions.iter().map(|position| position.get()).collect(),
        };
        NewRecord {
            id,
            subject: SessionState::subject(self.state.session),
            expected,
            kind: OWED_PAGE,
            version: VERSION,
            time,
            volatile: false,
            ends: false,
            payload: to_json(&wire),
        }
    }

    pub(super) fn read(record: &Record) -> Result<Self, String> {
        let wire: PageWire = from_json(&record.payload)?;
        Ok(Self {
            state: wire.state.settled(record.position)?,
            after: Position::new(wire.after),
            through: Position::new(wire.through),
            rest: if wire.last { Rest::Nothing } else { Rest::More },
            positions: wire.positions.into_iter().map(Position::new).collect(),
        })
    }
}

/// `owed.page` as it is written.
#[derive(Deserialize, Serialize)]
struct PageWire {
    state: StateWire,
    after: u64,
    through: u64,
    last: bool,
    positions: Vec<u64>,
}
