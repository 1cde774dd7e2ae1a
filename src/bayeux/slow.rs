//! How much a session may be owed, and what becomes of a client that does not take it.

use crate::ids::WallTime;

use super::reply::Event;
use super::session::{Session, Terms};

/// What becomes of a client that does not take what it is owed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SlowConsumer {
    /// The oldest messages are dropped, and it is told how many.
    DropOldest,
    /// Its session ends.
    Expire,
    /// Nobody may publish what it would be owed, until it has taken some. If it is owed more all the same, its session
    /// ends.
    RefuseNew,
}

/// What a session is owed too much of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum QueueLimit {
    /// Bytes.
    Bytes,
    /// Messages.
    Messages,
}

/// The session was owed more than it may be owed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the session is owed too much")]
pub struct Overrun;

/// What is to be told of messages that were dropped.
#[derive(Debug, Default)]
pub(super) struct Slow {
    /// How many nobody asked for yet, for there were too many bytes, and too many messages.
    dropped: (u64, u64),
    /// What time word of a gap bears.
    time: Option<WallTime>,
}

impl Session {
    /// It is that late: word of a gap bears the time from now on.
    pub fn handle_time(&mut self, time: WallTime) {
        self.slow.time = Some(time);
    }

    pub(super) fn make_room(&mut self, event: &Event) -> Result<(), Overrun> {
        let Terms { queue_messages, queue_bytes, slow, ack, .. } = self.terms;
        let fits = |messages: usize, bytes: usize| {
            messages < queue_messages && bytes.saturating_add(event.0.len()) <= queue_bytes
        };
        let (messages, bytes) = self.owed();
        if fits(messages, bytes) {
            return Ok(());
        }
        match slow {
            // What one that acknowledges was not sent can be read from the log.
            SlowConsumer::DropOldest if !ack => {
                let limit = self.limit();
                let dropped = self.owed.drop_oldest(self.slow.time, fits).ok_or(Overrun)?;
                match limit {
                    QueueLimit::Bytes => self.slow.dropped.0 += dropped,
                    QueueLimit::Messages => self.slow.dropped.1 += dropped,
                }
                Ok(())
            }
            SlowConsumer::DropOldest | SlowConsumer::Expire | SlowConsumer::RefuseNew => Err(Overrun),
        }
    }

    /// Of what it is owed too much if one more is too much.
    pub fn limit(&self) -> QueueLimit {
        if self.owed().0 >= self.terms.queue_messages { QueueLimit::Messages } else { QueueLimit::Bytes }
    }

    /// How many messages were dropped since this was asked last, and for which limit, until `None`.
    pub fn poll_dropped(&mut self) -> Option<(QueueLimit, u64)> {
        let (bytes, messages) = &mut self.slow.dropped;
        let (limit, count) = if *bytes > 0 { (QueueLimit::Bytes, bytes) } else { (QueueLimit::Messages, messages) };
        let count = std::mem::take(count);
        (count > 0).then_some((limit, count))
    }
}
