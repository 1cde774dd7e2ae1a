//! What back ends and operators do: publish, deliver, look, and end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use actix::MailboxError;
use bytes::Bytes;
use futures_util::future::{join_all, try_join_all};
use tokio::sync::watch;

use crate::bayeux::{Channel, Family};
use crate::broker::adjustment::Adjustment;
use crate::broker::agents::Home;
use crate::broker::handle::Broker;
use crate::broker::history::History;
use crate::broker::keeper::Desk;
use crate::broker::look::{Listener, SessionView};
use crate::broker::mail::Visit;
use crate::broker::notices::{Gap, Page};
use crate::broker::office::{Close, Grown, Notified, Publish, ReadThrough};
use crate::broker::quota::{has_room, is_new};
use crate::clock;
use crate::ids::{AgentId, IdempotencyKey, Position, RecordId, SessionId};
use crate::log::{Appending, Outcome};
use crate::metrics::{Limit, Source};
use crate::records::{ChannelPublished, Direct, Keep};

/// Something to publish.
#[derive(Clone, Debug)]
pub struct Publication {
    /// To where: a broadcast channel that a rule is for.
    pub channel: Channel,
    /// What: JSON.
    pub data: Bytes,
    /// By which a retry is known.
    pub key: Option<IdempotencyKey>,
}

/// Why something was not done.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AdminError {
    /// Too much is waiting; nothing was done.
    #[error("the server is busy")]
    Busy,
    /// The newest records are of as many channels as they may be; nothing was published.
    #[error("there are as many channels as there may be")]
    Channels,
    /// Something is kept of as many durable channels as may be, and nothing of this one; nothing was published.
    #[error("there are as many durable channels as there may be")]
    DurableChannels,
    /// The key was used for something else.
    #[error("the idempotency key was used for another publication")]
    KeyReused,
    /// The log did not take it, or nobody knows whether it did. With an idempotency key it can be repeated.
    #[error("the log takes no writes")]
    LogUnavailable,
    /// Nobody can hear this channel: it is a meta or service channel, an agent's own feed, or no rule is for it.
    #[error("nobody can hear this channel")]
    NobodyHears,
    /// Nothing can be delivered on a meta channel.
    #[error("nothing can be delivered on a meta channel")]
    NotDeliverable,
    /// There is no such session.
    #[error("there is no such session")]
    SessionUnknown,
    /// Subscribers of the channel are owed so much that nothing new is taken for them; nothing was published.
    #[error("slow consumers must catch up first")]
    SlowConsumer,
}

impl From<MailboxError> for AdminError {
    fn from(_: MailboxError) -> Self {
        Self::Busy
    }
}

/// What back ends and operators do. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Admin {
    broker: Broker,
    office: Desk,
    grown: watch::Receiver<Grown>,
}

impl Admin {
    /// Starts following the log for it, on this thread, and again if that dies. Call it in an actix system.
    pub fn start(broker: &Broker) -> Self {
        let (tell, grown) = watch::channel(Grown::To(Position::ZERO));
        let office = Desk::open(broker.log(), broker.metrics().clone(), tell);
        Self { broker: broker.clone(), office, grown }
    }

    /// Publishes in this order, and resolves when all are written down as their rules say. They do not hang
    /// together: each has its own outcome.
    ///
    /// # Errors
    /// [`AdminError::Channels`], [`AdminError::DurableChannels`], [`AdminError::NobodyHears`], or [`AdminError::SlowConsumer`], with the place of the
    /// first of that kind: then nothing is published. [`AdminError::Busy`].
    ///
    /// # Cancel safety
    /// Dropping it takes nothing back.
    pub async fn publish(
        &self,
        publications: Vec<Publication>,
    ) -> Result<Vec<Result<Position, AdminError>>, (usize, AdminError)> {
        let (rules, log) = (&self.broker.settings().rules, self.broker.log());
        let most = self.broker.settings().session_rules.durable_channels;
        self.within_channels(&publications).await?;
        let mut fresh = BTreeSet::new();
        let mut all = Vec::with_capacity(publications.len());
        for (place, Publication { channel, data, key }) in publications.into_iter().enumerate() {
            if channel.family() != Family::Broadcast || !rules.covers(&channel) {
                return Err((place, AdminError::NobodyHears));
            }
            if self.broker.total().crowd.waits_for(&channel, rules.audience(&channel)) {
                return Err((place, self.over(Limit::SlowConsumer, AdminError::SlowConsumer)));
            }
            let keep = rules.store(&channel).keep();
            if is_new(&*log, &channel, keep) && fresh.insert(channel.clone()) && !has_room(&*log, fresh.len(), most) {
                return Err((place, self.over(Limit::DurableChannels, AdminError::DurableChannels)));
            }
            all.push((ChannelPublished { channel, data, binary: None, publisher: None, key }, keep));
        }
        let count = u64::try_from(all.len()).unwrap_or(u64::MAX);
        let outcomes = self.office.address().send(Publish(all)).await.map_err(|error| (0, error.into()))?;
        self.broker.metrics().publications_total.of(Source::Admin).inc_by(count);
        Ok(outcomes)
    }

    /// Owes a session a message.
    ///
    /// # Errors
    /// [`AdminError`] if it was not written down.
    ///
    /// # Cancel safety
    /// Dropping it takes nothing back.
    pub async fn deliver_to_session(
        &self,
        session: SessionId,
        channel: Channel,
        data: Bytes,
    ) -> Result<Position, AdminError> {
        deliverable(&channel)?;
        let keeps = self.everywhere(move |home| home.keeps(session)).await?;
        let keep = keeps.into_iter().flatten().next().ok_or(AdminError::SessionUnknown)?;
        appended(self.owe((session, keep), channel, data).await)
    }

    /// Owes a message to each session that an agent has now. None is no error.
    ///
    /// # Errors
    /// [`AdminError`] if one of them was not written down.
    ///
    /// # Cancel safety
    /// Dropping it takes nothing back.
    pub async fn deliver_to_agent(
        &self,
        agent: AgentId,
        channel: Channel,
        data: Bytes,
    ) -> Result<Vec<(SessionId, Position)>, AdminError> {
        deliverable(&channel)?;
        let sessions: Vec<(SessionId, Keep)> = self.everywhere(move |home| home.sessions_of(&agent)).await?.concat();
        let owed: Vec<Appending> =
            sessions.iter().map(|session| self.owe(*session, channel.clone(), data.clone())).collect();
        let outcomes = join_all(owed).await.into_iter().map(appended).collect::<Result<Vec<_>, _>>()?;
        Ok(sessions.into_iter().map(|(session, _)| session).zip(outcomes).collect())
    }

    /// Ends a session. Its client is told not to come back.
    ///
    /// # Errors
    /// [`AdminError::SessionUnknown`].
    ///
    /// # Cancel safety
    /// Dropping it may or may not have ended the session.
    pub async fn end(&self, session: SessionId) -> Result<(), AdminError> {
        if self.broker.end(session).await { Ok(()) } else { Err(AdminError::SessionUnknown) }
    }

    /// Has something else hold for a session from now on, in place of any earlier adjustment.
    ///
    /// # Errors
    /// [`AdminError::SessionUnknown`].
    ///
    /// # Cancel safety
    /// Dropping it may or may not have adjusted the session.
    pub async fn adjust(&self, session: SessionId, adjustment: Adjustment) -> Result<(), AdminError> {
        if self.broker.adjust(session, adjustment).await { Ok(()) } else { Err(AdminError::SessionUnknown) }
    }

    /// Up to `limit` publications to a durable channel after a position, as far as they are kept.
    ///
    /// # Errors
    /// [`AdminError::LogUnavailable`].
    ///
    /// # Cancel safety
    /// Nothing is kept when it is dropped.
    pub async fn history(&self, channel: Channel, after: Position, limit: usize) -> Result<History, AdminError> {
        self.broker.history(channel, after, limit).await.map_err(|error| {
            tracing::error!(%error, "a history cannot be read");
            AdminError::LogUnavailable
        })
    }

    /// Up to `limit` sessions after a handle, in the order of handles; of one agent, if it is named.
    ///
    /// # Errors
    /// [`AdminError::Busy`].
    ///
    /// # Cancel safety
    /// Nothing is kept when it is dropped.
    pub async fn sessions(
        &self,
        agent: Option<AgentId>,
        after: Option<SessionId>,
        limit: usize,
    ) -> Result<Vec<SessionView>, AdminError> {
        let mut views = self.everywhere(move |home| home.views(agent.as_ref(), after, limit)).await?.concat();
        views.sort_by_key(|view| view.session);
        views.truncate(limit);
        Ok(views)
    }

    /// How many subscribed to each pattern that begins with `prefix`.
    ///
    /// # Errors
    /// [`AdminError::Busy`].
    ///
    /// # Cancel safety
    /// Nothing is kept when it is dropped.
    pub async fn channels(&self, prefix: Box<str>) -> Result<BTreeMap<Box<str>, usize>, AdminError> {
        let mut all = BTreeMap::new();
        for (pattern, count) in self.everywhere(move |home| home.tally(&prefix)).await?.into_iter().flatten() {
            *all.entry(pattern).or_default() += count;
        }
        Ok(all)
    }

    /// Who would be told what is published to a channel now.
    ///
    /// # Errors
    /// [`AdminError::Busy`].
    ///
    /// # Cancel safety
    /// Nothing is kept when it is dropped.
    pub async fn listeners(&self, channel: Channel) -> Result<Vec<Listener>, AdminError> {
        let mut listeners = self.everywhere(move |home| home.listeners(&channel)).await?.concat();
        listeners.sort_unstable();
        Ok(listeners)
    }

    /// Ends the sessions whose time is up now, instead of when their timers come. Says how many there were.
    ///
    /// # Errors
    /// [`AdminError::Busy`].
    ///
    /// # Cancel safety
    /// Dropping it stops nothing.
    pub async fn sweep(&self) -> Result<usize, AdminError> {
        Ok(self.everywhere(|home| home.sweep(clock::now())).await?.into_iter().sum())
    }

    /// How far the log was read for [`notices`](Self::notices).
    ///
    /// # Errors
    /// [`AdminError::Busy`].
    ///
    /// # Cancel safety
    /// Nothing is kept when it is dropped.
    pub async fn read_through(&self) -> Result<Position, AdminError> {
        Ok(self.office.address().send(ReadThrough).await?)
    }

    /// About `limit` notices after a position; an empty page if there are none yet.
    ///
    /// # Errors
    /// [`Gap`] if some of them are not known any more, [`AdminError::Busy`].
    ///
    /// # Cancel safety
    /// Nothing is kept when it is dropped.
    pub async fn notices(&self, after: Position, limit: usize) -> Result<Result<Page, Gap>, AdminError> {
        Ok(self.office.address().send(Notified { after, limit }).await?)
    }

    /// Resolves when there is a notice after a position: `true`; or when `patience` is over: `false`.
    ///
    /// # Errors
    /// [`Closed`] if nobody is told any more.
    ///
    /// # Cancel safety
    /// Nothing is kept when it is dropped.
    pub async fn grown(&mut self, after: Position, patience: Duration) -> Result<bool, Closed> {
        let has_grown = |grown: &Grown| match grown {
            Grown::Closed => true,
            Grown::To(head) => *head > after,
        };
        match tokio::time::timeout(patience, self.grown.wait_for(has_grown))
            .await
            .map(|grown| grown.map(|grown| *grown))
        {
            Ok(Ok(Grown::To(_))) => Ok(true),
            Ok(Ok(Grown::Closed) | Err(_)) => Err(Closed),
            Err(_) => Ok(false),
        }
    }

    /// Has all who [wait](Self::grown) go: the server is about to stop.
    pub async fn close(&self) {
        let _ = self.office.address().send(Close).await;
    }

    #[cfg(test)]
    pub(super) fn office(&self) -> actix::Addr<crate::broker::office::OfficeActor> {
        self.office.address()
    }

    fn over(&self, limit: Limit, error: AdminError) -> AdminError {
        self.broker.metrics().rejected_total.of(limit).inc();
        error
    }

    fn owe(&self, (session, keep): (SessionId, Keep), channel: Channel, data: Bytes) -> Appending {
        let direct = Direct { session, channel, data, id: None, error: None };
        self.broker.log().append(direct.record(RecordId::draw(), clock::wall(), keep))
    }

    /// Looks at each home.
    /// Whether the newest records may be of these channels, too. Most often there is room, and nobody needs to be asked.
    async fn within_channels(&self, publications: &[Publication]) -> Result<(), (usize, AdminError)> {
        let most = self.broker.settings().session_rules.channels;
        if self.broker.total().channels().saturating_add(publications.len()) <= most {
            return Ok(());
        }
        let channels: Vec<Channel> = publications.iter().map(|publication| publication.channel.clone()).collect();
        let Some(home) = self.broker.all().into_iter().next() else { return Ok(()) };
        let visit = Visit(Box::new(move |home: &mut Home| home.beyond_channels(&channels)));
        match home.send(visit).await.map_err(|error| (0, error.into()))? {
            None => Ok(()),
            Some(place) => Err((place, self.over(Limit::Channels, AdminError::Channels))),
        }
    }

    async fn everywhere<R: Send + 'static>(
        &self,
        look: impl Fn(&mut Home) -> R + Clone + Send + 'static,
    ) -> Result<Vec<R>, AdminError> {
        let visits = self.broker.all().into_iter().map(|home| home.send(Visit(Box::new(look.clone()))));
        Ok(try_join_all(visits).await?)
    }
}

/// Nobody is told any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the server is about to stop")]
pub struct Closed;

fn deliverable(channel: &Channel) -> Result<(), AdminError> {
    match channel.family() {
        Family::Broadcast | Family::Service => Ok(()),
        Family::Meta => Err(AdminError::NotDeliverable),
    }
}

/// What became of an append that expects nothing.
pub(super) fn appended(outcome: Outcome) -> Result<Position, AdminError> {
    match outcome {
        Outcome::Appended(position) => Ok(position),
        Outcome::Conflict | Outcome::Full | Outcome::Unknown => Err(AdminError::LogUnavailable),
    }
}
