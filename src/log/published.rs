//! What readers see of an embedded log: the ring, the index and the files.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::watch;

use crate::ids::{Epoch, Position, WallTime};
use crate::log::face::{Follower, Health, Past, ReadError, Record, Stretch, Subject};
use crate::log::history::Histories;
use crate::log::index::{Index, Place};
use crate::log::ring::{After, Ring};
use crate::log::segment::Segment;

/// What readers see. One writer changes it, and compaction replaces old files in it.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) epoch: Epoch,
    pub(crate) index: Index,
    pub(crate) histories: Histories,
    ring: Arc<Ring>,
    segments: RwLock<BTreeMap<Position, Arc<Segment>>>,
    grown: watch::Sender<Position>,
    health: RwLock<Health>,
}

impl Published {
    /// What a start has put together.
    pub(crate) fn new(
        epoch: Epoch,
        index: Index,
        histories: Histories,
        ring: Ring,
        segments: Vec<Arc<Segment>>,
        head: Position,
    ) -> Self {
        ring.show(head);
        Self {
            epoch,
            index,
            histories,
            ring: Arc::new(ring),
            segments: RwLock::new(segments.into_iter().map(|segment| (segment.first(), segment)).collect()),
            grown: watch::Sender::new(head),
            health: RwLock::new(Health::Well),
        }
    }

    /// Lets readers see records, each at its place; a volatile one has none.
    pub(crate) fn publish(&self, records: &[Arc<Record>], places: Vec<Option<Place>>) {
        self.ring.push(records.iter().cloned());
        let placed = || records.iter().zip(&places).filter_map(|(record, place)| Some((record, place.as_ref()?)));
        // The index first: so whoever empties a history finds there what it was emptied of.
        let states = placed().filter(|(record, _)| self.histories.has_state(&record.subject));
        self.index.apply(states.map(|(record, place)| (record.as_ref(), place.clone())));
        self.histories.take(placed());
        if let Some(last) = records.last() {
            self.ring.show(last.position);
        }
    }

    /// Lets go of what has grown too old.
    pub(crate) fn trim(&self, now: WallTime) {
        self.index.end(&self.histories.trim(now));
    }

    /// Lets go of all history up to a position.
    pub(crate) fn drop_through(&self, through: Position) {
        self.index.end(&self.histories.drop_through(through));
    }

    /// Lets go of the oldest history that is in memory only, until the rest has at most `limit` bytes.
    pub(crate) fn fit(&self, limit: u64) {
        self.index.end(&self.histories.fit(limit));
    }

    /// Wakes the followers.
    pub(crate) fn wake(&self) {
        self.grown.send_replace(self.head());
    }

    pub(crate) fn newest(&self, subject: &Subject) -> Result<Option<Arc<Record>>, ReadError> {
        let Some(entry) = self.index.get(subject) else { return Ok(None) };
        if let Some(record) = self.ring.recall(entry.position) {
            return Ok(Some(record));
        }
        match entry.place {
            Place::Memory(record) => Ok(Some(record)),
            Place::Stored { segment, offset, length } => Ok(Some(Arc::new(segment.read_one(offset, length)?))),
        }
    }

    pub(crate) fn read(&self, after: Position, limit: usize) -> Result<Vec<Arc<Record>>, ReadError> {
        let mut after = after;
        loop {
            match self.ring.after(after, limit) {
                After::Records(records) => return Ok(records),
                After::Gone(floor) => {
                    let older = self.read_older(after, floor, limit)?;
                    if !older.is_empty() {
                        return Ok(older);
                    }
                    after = floor;
                }
            }
        }
    }

    /// A piece of history, as it is kept at `now`.
    pub(crate) fn history(&self, past: &Past<'_>, now: WallTime) -> Result<Stretch, ReadError> {
        let past = Past { through: past.through.min(self.head()), ..*past };
        // What is being compacted away between the two looks is gone at the next one.
        for _ in 0..ATTEMPTS {
            let found = self.histories.find(&past, now);
            let wanted = found.kept.len();
            let records = self.fetch(&found.kept)?;
            if records.len() < wanted {
                continue;
            }
            let mut bytes = 0;
            let fits = records.iter().take_while(|record| {
                bytes += record.payload.len();
                bytes <= past.bytes
            });
            let fits = fits.count().max(1).min(records.len());
            let more = found.more || fits < records.len();
            let records: Vec<_> = records.into_iter().take(fits).collect();
            let through = records.last().filter(|_| more).map_or(past.through, |last| last.position);
            return Ok(Stretch { records, through, dropped: found.dropped });
        }
        Err(ReadError::Corrupt("history that is kept is not in the files".to_owned()))
    }

    /// The records at these positions, as far as they are kept.
    pub(crate) fn select(&self, positions: &[Position]) -> Result<Vec<Arc<Record>>, ReadError> {
        self.fetch(positions)
    }

    fn fetch(&self, wanted: &[Position]) -> Result<Vec<Arc<Record>>, ReadError> {
        let mut found = Vec::with_capacity(wanted.len());
        let mut stored = Vec::new();
        for position in wanted {
            match self.ring.recall(*position) {
                Some(record) => found.push(record),
                None => stored.push(*position),
            }
        }
        let segments = self.segments();
        if segments.is_empty() {
            found.extend(self.histories.held(&stored));
        }
        let ends = segments.iter().skip(1).map(|next| next.first()).chain([Position::new(u64::MAX)]);
        let mut rest = stored.as_slice();
        for (segment, end) in segments.iter().zip(ends) {
            let (inside, beyond) = rest.split_at(rest.partition_point(|position| *position < end));
            segment.select(inside, &mut found)?;
            rest = beyond;
        }
        found.sort_unstable_by_key(|record| record.position);
        Ok(found)
    }

    pub(crate) fn recall(&self, position: Position) -> Option<Arc<Record>> {
        self.ring.recall(position)
    }

    pub(crate) fn follow(&self, after: Position) -> Follower {
        Follower::new(Arc::clone(&self.ring), self.grown.subscribe(), after)
    }

    pub(crate) fn head(&self) -> Position {
        self.ring.head()
    }

    pub(crate) fn floor(&self) -> Position {
        self.ring.floor()
    }

    pub(crate) fn forgotten(&self) -> Position {
        self.ring.forgotten()
    }

    /// All volatile records that are in memory, in order, and up to where some may be missing.
    pub(crate) fn volatile(&self) -> (Vec<Arc<Record>>, Position) {
        self.ring.volatile()
    }

    pub(crate) fn health(&self) -> Health {
        self.health.read().clone()
    }

    pub(crate) fn set_health(&self, health: Health) {
        *self.health.write() = health;
    }

    /// The files, the oldest first.
    pub(crate) fn segments(&self) -> Vec<Arc<Segment>> {
        self.segments.read().values().cloned().collect()
    }

    /// Adds the file that is written from now on.
    pub(crate) fn begin(&self, segment: Arc<Segment>) {
        self.segments.write().insert(segment.first(), segment);
    }

    /// Puts a compacted file, if there is one, in the place of old ones.
    pub(crate) fn replace(&self, old: &[Arc<Segment>], compacted: Option<Arc<Segment>>) {
        let mut segments = self.segments.write();
        for segment in old {
            segments.remove(&segment.first());
        }
        if let Some(segment) = compacted {
            segments.insert(segment.first(), segment);
        }
    }

    /// How many bytes the files have together.
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.read().values().map(|segment| segment.length()).sum()
    }

    /// The first position that the files may hold.
    pub(crate) fn first(&self) -> Position {
        self.segments.read().keys().next().copied().unwrap_or_default()
    }

    /// What is stored after `after`, and not after `floor`: from there on the ring knows more.
    fn read_older(&self, after: Position, floor: Position, limit: usize) -> Result<Vec<Arc<Record>>, ReadError> {
        let segments = self.segments();
        if segments.is_empty() {
            return Ok(self.remembered(after, floor, limit));
        }
        let mut page = Vec::new();
        let ends = segments.iter().skip(1).map(|next| next.first()).chain([Position::new(u64::MAX)]);
        for (segment, end) in segments.iter().zip(ends) {
            if page.len() < limit && end > after.next() && segment.first() <= floor {
                segment.page(after, floor, limit, &mut page)?;
            }
        }
        Ok(page)
    }

    /// With nothing on disk: the state of living subjects is all that is left, as after a compaction.
    fn remembered(&self, after: Position, floor: Position, limit: usize) -> Vec<Arc<Record>> {
        let wanted = self.index.select(|entry| entry.position > after && entry.position <= floor);
        let records = wanted.into_iter().filter_map(|(_, entry)| match entry.place {
            Place::Memory(record) => Some(record),
            Place::Stored { .. } => None,
        });
        records.take(limit).collect()
    }
}

/// How often history is looked for that is moved meanwhile.
const ATTEMPTS: usize = 8;
