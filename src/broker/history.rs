//! What was published to a channel, as far as it is kept.

use bytes::Bytes;

use crate::bayeux::Channel;
use crate::broker::handle::Broker;
use crate::ids::{Position, WallTime};
use crate::log::{Among, Log, Past, ReadError};
use crate::records;
use crate::records::{ChannelPublished, Payload};

/// A piece of a channel's history.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct History {
    /// What was published, the oldest first.
    pub messages: Vec<Message>,
    /// After which position to ask for what follows.
    pub next: Position,
    /// Whether that is everything from `after` up to `next`: nothing of it has left the history.
    pub complete: bool,
}

/// A publication that is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// Its place in the log.
    pub position: Position,
    /// When it was published.
    pub time: WallTime,
    /// What: JSON as it came.
    pub data: Bytes,
}

/// History that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}

impl Broker {
    /// Up to `limit` publications to a durable channel after a position, as far as they are kept. Nothing is kept of
    /// a channel that is not durable.
    ///
    /// # Errors
    /// [`HistoryError`] if it cannot be read.
    ///
    /// # Cancel safety
    /// Nothing is changed, so dropping it does no harm.
    pub async fn history(&self, channel: Channel, after: Position, limit: usize) -> Result<History, HistoryError> {
        let log = self.log();
        let read = tokio::task::spawn_blocking(move || read(&*log, &channel, after, limit));
        read.await.map_err(|_| HistoryError::Stopping)?
    }
}

fn read(log: &dyn Log, channel: &Channel, after: Position, limit: usize) -> Result<History, HistoryError> {
    let subject = ChannelPublished::subject(channel);
    let through = log.head();
    let past = Past {
        among: &[Among::Exactly(subject)],
        wanted: &|_| true,
        told: &|_| Position::ZERO,
        after,
        through,
        records: limit.max(1),
        bytes: LARGEST,
    };
    let stretch = log.history(&past)?;
    let messages = stretch.records.iter().filter_map(|record| match records::decode(record) {
        Ok(Payload::ChannelPublished(published)) => {
            Some(Message { position: record.position, time: record.time, data: published.data })
        }
        Ok(
            Payload::AgentChanged(_)
            | Payload::CallChanged(_)
            | Payload::Direct(_)
            | Payload::LogOpened
            | Payload::LoginEnded(_)
            | Payload::Page(_)
            | Payload::SessionEnded(_)
            | Payload::SessionState(_),
        )
        | Err(_) => None,
    });
    let complete = stretch.dropped <= after;
    Ok(History { messages: messages.collect(), next: stretch.through.max(after), complete })
}

/// Bytes of one answer.
const LARGEST: usize = 4 << 20;
