//! Which publications of back ends were done under which keys: a retry gets the first answer.

use std::collections::{BTreeMap, VecDeque};

use tokio::sync::oneshot;

use crate::broker::admin::AdminError;
use crate::ids::{Fingerprint, IdempotencyKey, Position};
use crate::records::ChannelPublished;

/// Told how a publication ended.
pub(super) type Tell = oneshot::Sender<Result<Position, AdminError>>;

/// Publications by their keys: those that the log has, and those on their way to it. Of the former the oldest are
/// forgotten beyond a bound.
#[derive(Debug, Default)]
pub(super) struct Keyed {
    done: BTreeMap<IdempotencyKey, (Fingerprint, Position)>,
    order: VecDeque<IdempotencyKey>,
    under_way: BTreeMap<IdempotencyKey, (Fingerprint, Vec<Tell>)>,
}

/// How many keys are remembered.
const REMEMBERED: usize = 65_536;

impl Keyed {
    /// Takes a publication in. `true` if it is to be appended, and its outcome [told](Self::settle); if not, its
    /// answer is given, or will be with that of the first one.
    #[must_use]
    pub(super) fn admit(&mut self, key: &IdempotencyKey, what: Fingerprint, tell: Tell) -> bool {
        if let Some((done, position)) = self.done.get(key) {
            let answer = if *done == what { Ok(*position) } else { Err(AdminError::KeyReused) };
            // Whoever does not wait for the answer any more does without.
            let _ = tell.send(answer);
            return false;
        }
        match self.under_way.get_mut(key) {
            Some((other, _)) if *other != what => {
                let _ = tell.send(Err(AdminError::KeyReused));
                false
            }
            Some((_, waiting)) => {
                waiting.push(tell);
                false
            }
            None => {
                self.under_way.insert(key.clone(), (what, vec![tell]));
                true
            }
        }
    }

    /// An append ended: all who wait for it are told.
    pub(super) fn settle(&mut self, key: &IdempotencyKey, outcome: Result<Position, AdminError>) {
        let Some((what, waiting)) = self.under_way.remove(key) else { return };
        if let Ok(position) = outcome {
            self.remember(key.clone(), what, position);
        }
        for tell in waiting {
            let _ = tell.send(outcome);
        }
    }

    /// A publication was read from the log.
    pub(super) fn apply(&mut self, position: Position, published: &ChannelPublished) {
        if let Some(key) = &published.key {
            self.remember(key.clone(), fingerprint(published), position);
        }
    }

    fn remember(&mut self, key: IdempotencyKey, what: Fingerprint, position: Position) {
        if self.done.contains_key(&key) {
            return;
        }
        self.done.insert(key.clone(), (what, position));
        self.order.push_back(key);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.done.remove(&oldest);
        }
    }
}

/// What is published where.
pub(super) fn fingerprint(published: &ChannelPublished) -> Fingerprint {
    // What came in by JSON is UTF-8.
    Fingerprint::of([published.channel.as_str(), &String::from_utf8_lossy(&published.data)])
}
