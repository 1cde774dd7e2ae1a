//! The actor behind the admin API: it follows the log, and owns what back ends did under which keys, and the
//! newest notices.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, MessageResult, StreamHandler, WrapFuture};
use tokio::sync::{oneshot, watch};

use crate::broker::admin::{AdminError, appended};
use crate::broker::agents::batches;
use crate::broker::keyed::{Keyed, fingerprint};
use crate::broker::notices::{Gap, Notices, Page};
use crate::clock;
use crate::ids::{Position, RecordId};
use crate::log::{Lagged, Log, ReadError, Record};
use crate::records;
use crate::records::{ChannelPublished, Keep, OwedPage, Payload};

/// How many requests may wait for the office. One more waits where it is sent: the HTTP connections bound their number.
const MAILBOX: usize = 1024;

/// How many records are read at a time to catch up with the log.
const PAGE: usize = 1024;

/// Owns what back ends did under which keys, and the newest notices.
pub(super) struct OfficeActor {
    log: Arc<dyn Log>,
    keyed: Keyed,
    notices: Notices,
    /// Tells where the newest notice is. It outlives this actor, which may be followed by another.
    grown: watch::Sender<Grown>,
}

/// Where the newest notice is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Grown {
    /// Nobody is told any more.
    Closed,
    /// There.
    To(Position),
}

/// Publications to append, in this order.
#[derive(Debug, Message)]
#[rtype(result = "Vec<Result<Position, AdminError>>")]
pub(super) struct Publish(pub Vec<(ChannelPublished, Keep)>);

/// Notices after a position.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<Page, Gap>")]
pub(super) struct Notified {
    pub after: Position,
    pub limit: usize,
}

/// How far the log was read.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Position")]
pub(super) struct ReadThrough;

/// Nobody is told any more that there are notices.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Close;

type Told = Pin<Box<dyn Future<Output = Result<Position, AdminError>>>>;

impl OfficeActor {
    /// An office that tells by `grown` where the newest notice is.
    pub(super) fn new(log: Arc<dyn Log>, grown: watch::Sender<Grown>) -> Self {
        let notices = Notices::after(log.floor());
        Self { log, keyed: Keyed::default(), notices, grown }
    }

    /// Takes in what the log holds, so that no retry is ever taken for a first try.
    fn catch_up(&mut self) -> Result<(), ReadError> {
        let floor = self.notices.head();
        for subject in self.log.subjects("session/") {
            let newest = self.log.newest(&subject)?.filter(|record| record.position <= floor);
            if let Some(record) = newest
                && let Ok(Payload::SessionState(state) | Payload::Page(OwedPage { state, .. })) =
                    records::decode(&record)
            {
                self.notices.know(&state);
            }
        }
        let head = self.log.head();
        while self.notices.head() < head {
            let page = self.log.read(self.notices.head(), PAGE)?;
            let Some(last) = page.last() else { break };
            page.iter().for_each(|record| self.apply(record));
            self.notices.reach(last.position);
        }
        self.notices.reach(head.max(self.notices.head()));
        Ok(())
    }

    fn tell(&self) {
        let newest = Grown::To(self.notices.newest());
        self.grown.send_if_modified(|told| *told != Grown::Closed && std::mem::replace(told, newest) != newest);
    }

    fn apply(&mut self, record: &Record) {
        if !records::is_of_sessions_or_channels(record.kind) {
            return;
        }
        match records::decode(record) {
            Ok(Payload::ChannelPublished(published)) => self.keyed.apply(record.position, &published),
            Ok(Payload::SessionEnded(ended)) => self.notices.apply_end(record.position, &ended),
            Ok(Payload::SessionState(state)) => self.notices.apply_state(record.position, &state),
            Ok(Payload::Page(page)) => self.notices.apply_state(record.position, &page.state),
            Ok(
                Payload::AgentChanged(_)
                | Payload::CallChanged(_)
                | Payload::Direct(_)
                | Payload::LogOpened
                | Payload::LoginEnded(_),
            ) => {}
            // The homes say so.
            Err(_) => {}
        }
    }

    fn publish(&mut self, published: &ChannelPublished, keep: Keep, ctx: &mut Context<Self>) -> Told {
        let Some(key) = published.key.clone() else {
            let appending = self.log.append(published.record(RecordId::draw(), clock::wall(), keep));
            return Box::pin(async move { appended(appending.await) });
        };
        let (tell, answer) = oneshot::channel();
        if self.keyed.admit(&key, fingerprint(published), tell) {
            // Whatever the channel's rule says: its key must be there after a restart.
            let appending = self.log.append(published.record(RecordId::draw(), clock::wall(), Keep::Stored));
            let settling = appending.into_actor(self).map(move |outcome, actor, _: &mut Context<Self>| {
                actor.keyed.settle(&key, appended(outcome));
            });
            ctx.spawn(settling);
        }
        Box::pin(async move { answer.await.unwrap_or(Err(AdminError::LogUnavailable)) })
    }
}

impl Actor for OfficeActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        if let Err(error) = self.catch_up() {
            tracing::error!(%error, "the log cannot be read; old idempotency keys are not known");
        }
        self.tell();
        ctx.add_stream(batches(self.log.follow(self.notices.head())));
    }
}

impl StreamHandler<Result<Vec<Arc<Record>>, Lagged>> for OfficeActor {
    fn handle(&mut self, batch: Result<Vec<Arc<Record>>, Lagged>, _: &mut Self::Context) {
        match batch {
            Ok(records) => {
                let seen = self.notices.head();
                records.iter().filter(|record| record.position > seen).for_each(|record| self.apply(record));
                if let Some(last) = records.last() {
                    self.notices.reach(last.position.max(seen));
                }
            }
            Err(Lagged { resume }) => {
                tracing::warn!("the admin API fell behind the log: whoever watches is told of the gap");
                self.notices = Notices::after(resume);
                if let Err(error) = self.catch_up() {
                    tracing::error!(%error, "the log cannot be read");
                }
            }
        }
        self.tell();
    }
}

impl Handler<Publish> for OfficeActor {
    type Result = actix::ResponseFuture<Vec<Result<Position, AdminError>>>;

    fn handle(&mut self, Publish(all): Publish, ctx: &mut Self::Context) -> Self::Result {
        let told: Vec<Told> = all.iter().map(|(published, keep)| self.publish(published, *keep, ctx)).collect();
        Box::pin(futures_util::future::join_all(told))
    }
}

impl Handler<Notified> for OfficeActor {
    type Result = MessageResult<Notified>;

    fn handle(&mut self, Notified { after, limit }: Notified, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.notices.page(after, limit))
    }
}

impl Handler<ReadThrough> for OfficeActor {
    type Result = MessageResult<ReadThrough>;

    fn handle(&mut self, ReadThrough: ReadThrough, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.notices.head())
    }
}

impl Handler<Close> for OfficeActor {
    type Result = ();

    fn handle(&mut self, Close: Close, _: &mut Self::Context) {
        self.grown.send_replace(Grown::Closed);
    }
}
