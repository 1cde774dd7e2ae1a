//! The actor that owns one home: it feeds the core what arrives and carries out what the core hands out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, MessageResult, SpawnHandle,
    StreamHandler, WrapFuture,
};
use tokio::sync::oneshot;

use crate::bayeux::{Batch, ConnectKey};
use crate::broker::adjustment::Adjustment;
use crate::broker::conversation::Conversation;
use crate::broker::handle::{Outcome, Peer, Receipt};
use crate::broker::line::{Asked, LineId};
use crate::broker::pages::Wanted;
use crate::broker::service;
use crate::broker::service::Ask;
use crate::broker::sessions::{Answered, Output, Sessions};
use crate::broker::settings::Settings;
use crate::broker::total::Total;
use crate::broker::wire::Wire;
use crate::clock;
use crate::ids::{ClientId, Position, SessionId};
use crate::log;
use crate::log::{Follower, Lagged, Log, Record};
use crate::metrics::{EndReason, Metrics, Transport, Waiting};
use crate::upstream::Upstream;

/// How many requests may wait for a home. One more is answered [`Outcome::Busy`].
const MAILBOX: usize = 4096;

/// How many reads of history a home has under way at once. Others wait; a session wants two at most.
const READS: usize = 4;

/// How many records are taken in before answers leave and requests get their turn.
const RECORDS: usize = 64;

/// A home's core, as its actor owns it.
pub(super) type Home = Sessions<Tell>;

/// The sessions of one home. It is that home's follower of the log.
#[derive(Debug)]
pub(super) struct AgentsActor {
    sessions: Home,
    settings: Arc<Settings>,
    log: Arc<dyn Log>,
    upstream: Arc<dyn Upstream>,
    metrics: Metrics,
    home: usize,
    /// How far the log had come when this actor started; requests wait until that is applied.
    ready_at: Position,
    /// Requests that came before that.
    early: Vec<Take>,
    /// Whether no more requests are taken.
    closed: bool,
    timer: Option<(Instant, SpawnHandle)>,
    /// How many reads are under way.
    reading: usize,
    /// What is to be read when one of them is done.
    to_read: VecDeque<Wanted>,
    counted: [usize; 8],
}

/// Whom to tell the answer to a request.
#[derive(Debug)]
pub(super) enum Tell {
    /// A socket.
    Line(Asked),
    /// The response to an HTTP request.
    Response(oneshot::Sender<Outcome>),
}

/// A client's request.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Take {
    /// Counts it while it waits.
    pub waiting: Waiting,
    /// The name of the request.
    pub key: ConnectKey,
    /// Who sent it.
    pub peer: Peer,
    /// Its messages.
    pub batch: Batch,
    /// What becomes the clientId of the handshake in it, if there is one.
    pub fresh: Option<ClientId>,
    /// Whom to tell its response.
    pub tell: Tell,
}

/// The client of a request is gone.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Gone(pub ConnectKey);

/// A socket is gone.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Parted(pub LineId);

/// A response that carried a session's events was dropped, or a socket that was full has room again.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Lost(pub SessionId);

/// End a session, if it is one of this home's.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "bool")]
pub(super) struct End(pub SessionId);

/// Have something else hold for a session, if it is one of this home's.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "bool")]
pub(super) struct Adjust(pub SessionId, pub Adjustment);

/// The server is about to stop: answer every parked connect.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Drain(pub Duration);

/// Take no more requests. Resolves to how many are not answered yet, or whose responses nobody knows the fate of.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "usize")]
pub(super) struct Close;

/// Write down how far each client was served, and stop.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Stop;

/// Resolves once everything that was in the log at the start has been applied.
#[derive(Debug, Message)]
#[rtype(result = "bool")]
pub(super) struct IsReady;

/// Has a look at the home, or does something there, between two requests.
pub(super) struct Visit<R>(pub Box<dyn FnOnce(&mut Home) -> R + Send>);

impl<R: 'static> Message for Visit<R> {
    type Result = R;
}

impl AgentsActor {
    /// The home number `home`.
    pub(super) fn new(
        settings: Arc<Settings>,
        metrics: Metrics,
        log: Arc<dyn Log>,
        total: Arc<Total>,
        home: usize,
    ) -> Self {
        Self {
            upstream: Arc::clone(&settings.upstream),
            settings: Arc::clone(&settings),
            sessions: Sessions::new(settings, metrics.clone(), Arc::clone(&log), total, home),
            ready_at: log.head(),
            log,
            metrics,
            home,
            early: Vec::new(),
            closed: false,
            timer: None,
            reading: 0,
            to_read: VecDeque::new(),
            counted: [0; 8],
        }
    }

    fn is_ready(&self) -> bool {
        self.sessions.applied() >= self.ready_at
    }

    fn take(&mut self, take: Take) {
        drop(take.waiting);
        let line = match &take.tell {
            Tell::Line(asked) => asked.out().map(Arc::clone),
            Tell::Response(_) => None,
        };
        let conversation = Conversation::new(take.peer, take.batch, take.tell, take.fresh).over(line);
        self.sessions.handle_request(clock::now(), take.key, conversation);
    }

    /// Carries out what the core hands out, and arms the timer.
    fn drive(&mut self, ctx: &mut Context<Self>) {
        while let Some(output) = self.sessions.poll_output() {
            match output {
                Output::Answer { tell, answer } => tell.answer(answer, ctx),
                Output::Push { out, parcel } => {
                    if out.send(parcel).is_err() {
                        self.sessions.handle_parted(clock::now(), out.id);
                    }
                }
                Output::Read(wanted) => self.to_read.push_back(wanted),
                Output::Append(record) => {
                    let id = record.id;
                    let appending = self.log.append(record).into_actor(self);
                    ctx.spawn(appending.map(move |outcome, actor, ctx| match outcome {
                        log::Outcome::Appended(_) => {}
                        log::Outcome::Conflict | log::Outcome::Full | log::Outcome::Unknown => {
                            actor.sessions.handle_failed(clock::now(), id, outcome);
                            actor.drive(ctx);
                        }
                    }));
                }
                Output::Ask(ask) => self.ask(*ask, ctx),
            }
        }
        self.read(ctx);
        self.arm(ctx);
    }

    fn ask(&self, Ask { endpoint, question, asked }: Ask, ctx: &mut Context<Self>) {
        let began = clock::now();
        let asking = self.upstream.ask(&endpoint, question).into_actor(self);
        ctx.spawn(asking.map(move |answer, actor, ctx| {
            let took = clock::now().saturating_duration_since(began);
            service::observe(&actor.metrics, &answer, took.as_secs_f64());
            actor.sessions.handle_answered(asked, answer);
            actor.drive(ctx);
        }));
    }

    /// Has read what is wanted, on other threads.
    fn read(&mut self, ctx: &mut Context<Self>) {
        while self.reading < READS
            && let Some(wanted) = self.to_read.pop_front()
        {
            self.reading += 1;
            let (log, settings, session) = (Arc::clone(&self.log), Arc::clone(&self.settings), wanted.session());
            let reading = tokio::task::spawn_blocking(move || wanted.read(&*log, &settings)).into_actor(self);
            ctx.spawn(reading.map(move |read, actor, ctx| {
                actor.reading -= 1;
                match read {
                    Ok(read) => actor.sessions.handle_read(clock::now(), read),
                    Err(error) => {
                        tracing::error!(%error, "a read of history died");
                        actor.sessions.handle_end(clock::now(), session, EndReason::HistoryLost);
                    }
                }
                actor.drive(ctx);
            }));
        }
    }

    fn arm(&mut self, ctx: &mut Context<Self>) {
        let Some(due) = self.sessions.poll_timeout() else { return };
        if self.timer.is_some_and(|(armed, _)| armed <= due) {
            return;
        }
        if let Some((_, timer)) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        let wait = due.saturating_duration_since(clock::now());
        let timer = ctx.run_later(wait, |actor, ctx| {
            actor.timer = None;
            actor.sessions.handle_timeout(clock::now());
            actor.drive(ctx);
        });
        self.timer = Some((due, timer));
    }

    /// Brings this home's share of the gauges up to date.
    fn show(&mut self, counted: [usize; 8]) {
        let gauges = [
            self.metrics.sessions.of(Transport::LongPolling),
            &self.metrics.parked_connects,
            &self.metrics.subscriptions,
            &self.metrics.channels,
            &self.metrics.queue_messages,
            &self.metrics.queue_bytes,
            self.metrics.sessions.of(Transport::Websocket),
            self.metrics.sessions.of(Transport::EventSource),
        ];
        for (gauge, (before, after)) in gauges.into_iter().zip(self.counted.into_iter().zip(counted)) {
            gauge.add(signed(after) - signed(before));
        }
        self.counted = counted;
    }

    fn gauge(&mut self) {
        let counted = self.sessions.count();
        self.show(counted);
        let lag = self.log.head().get().saturating_sub(self.sessions.applied().get());
        self.metrics.follower_lag_records(self.home).set(i64::try_from(lag).unwrap_or(i64::MAX));
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Tell {
    fn is_of(&self, line: LineId) -> bool {
        match self {
            Self::Line(asked) => asked.out().is_some_and(|out| out.id == line),
            Self::Response(_) => false,
        }
    }

    /// A client that is gone drops the receipt, and so owes its session the events again.
    fn answer(self, answer: Answered, ctx: &Context<AgentsActor>) {
        let receipt = |(session, fate)| Receipt::new(fate, session, ctx.address());
        match (self, answer) {
            (Self::Line(asked), Answered::Body { body, carries }) => {
                let _ = asked.answer(Some(Wire::Websocket.frame(&body)), carries.map(receipt));
            }
            (Self::Line(asked), Answered::Superseded) => {
                let _ = asked.answer(None, None);
            }
            (Self::Response(tell), Answered::Body { body, carries }) => {
                let _ = tell.send(Outcome::Answer { body, receipt: carries.map(receipt) });
            }
            (Self::Response(tell), Answered::Superseded) => {
                let _ = tell.send(Outcome::Superseded);
            }
        }
    }
}

/// The batches of a follower, without end.
pub(super) fn batches(follower: Follower) -> impl futures_util::Stream<Item = Result<Vec<Arc<Record>>, Lagged>> {
    futures_util::stream::unfold(follower, |mut follower| async move {
        let batch = follower.next(RECORDS).await;
        Some((batch, follower))
    })
}

impl Actor for AgentsActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        if let Err(error) = self.sessions.restore(clock::now()) {
            tracing::error!(%error, home = self.home, "sessions cannot be restored");
        }
        ctx.add_stream(batches(self.log.follow(self.sessions.applied())));
        ctx.run_interval(Duration::from_secs(1), |actor, _| actor.gauge());
        self.drive(ctx);
    }
}

impl Drop for AgentsActor {
    fn drop(&mut self) {
        self.show([0; 8]);
        self.sessions.forget();
    }
}

impl StreamHandler<Result<Vec<Arc<Record>>, Lagged>> for AgentsActor {
    fn handle(&mut self, batch: Result<Vec<Arc<Record>>, Lagged>, ctx: &mut Self::Context) {
        let now = clock::now();
        match batch {
            Ok(records) => {
                for record in &records {
                    self.sessions.handle_record(now, record);
                }
            }
            Err(Lagged { resume }) => self.sessions.handle_lagged(now, resume),
        }
        self.sessions.handle_caught_up(now);
        if self.is_ready() {
            for take in std::mem::take(&mut self.early) {
                self.take(take);
            }
        }
        self.drive(ctx);
    }
}

impl Handler<Take> for AgentsActor {
    type Result = ();

    fn handle(&mut self, take: Take, ctx: &mut Self::Context) {
        if self.closed {
            // Dropped, it is answered that too much is waiting.
        } else if self.is_ready() {
            self.take(take);
            self.drive(ctx);
        } else if self.early.len() < MAILBOX {
            self.early.push(take);
        }
    }
}

impl Handler<Gone> for AgentsActor {
    type Result = ();

    fn handle(&mut self, Gone(key): Gone, ctx: &mut Self::Context) {
        self.early.retain(|take| take.key != key);
        self.sessions.handle_gone(clock::now(), key);
        self.drive(ctx);
    }
}

impl Handler<Parted> for AgentsActor {
    type Result = ();

    fn handle(&mut self, Parted(line): Parted, ctx: &mut Self::Context) {
        self.early.retain(|take| !take.tell.is_of(line));
        self.sessions.handle_parted(clock::now(), line);
        self.drive(ctx);
    }
}

impl Handler<Lost> for AgentsActor {
    type Result = ();

    fn handle(&mut self, Lost(session): Lost, ctx: &mut Self::Context) {
        self.sessions.handle_lost(clock::now(), session);
        self.drive(ctx);
    }
}

impl Handler<End> for AgentsActor {
    type Result = bool;

    fn handle(&mut self, End(session): End, ctx: &mut Self::Context) -> bool {
        let found = self.sessions.handle_end(clock::now(), session, EndReason::Ended);
        self.drive(ctx);
        found
    }
}

impl Handler<Adjust> for AgentsActor {
    type Result = bool;

    fn handle(&mut self, Adjust(session, adjustment): Adjust, ctx: &mut Self::Context) -> bool {
        let found = self.sessions.handle_adjust(clock::now(), session, adjustment);
        self.drive(ctx);
        found
    }
}

impl Handler<Drain> for AgentsActor {
    type Result = ();

    fn handle(&mut self, Drain(window): Drain, ctx: &mut Self::Context) {
        self.sessions.handle_drain(clock::now(), window);
        self.drive(ctx);
    }
}

impl<R: 'static> Handler<Visit<R>> for AgentsActor {
    type Result = MessageResult<Visit<R>>;

    fn handle(&mut self, Visit(visit): Visit<R>, ctx: &mut Self::Context) -> Self::Result {
        let seen = visit(&mut self.sessions);
        self.drive(ctx);
        MessageResult(seen)
    }
}

impl Handler<IsReady> for AgentsActor {
    type Result = bool;

    fn handle(&mut self, IsReady: IsReady, _: &mut Self::Context) -> bool {
        self.is_ready()
    }
}

impl Handler<Close> for AgentsActor {
    type Result = usize;

    fn handle(&mut self, Close: Close, _: &mut Self::Context) -> usize {
        self.closed = true;
        self.early.clear();
        self.sessions.under_way(clock::now())
    }
}

impl Handler<Stop> for AgentsActor {
    type Result = actix::ResponseFuture<()>;

    fn handle(&mut self, Stop: Stop, ctx: &mut Self::Context) -> Self::Result {
        self.sessions.handle_stop(clock::now());
        let mut appends = Vec::new();
        while let Some(output) = self.sessions.poll_output() {
            match output {
                Output::Answer { tell, answer } => tell.answer(answer, ctx),
                // Nothing is delivered any more, and no socket is left.
                Output::Push { .. } => {}
                Output::Append(record) => appends.push(self.log.append(record)),
                // Nobody could be told the answer.
                Output::Ask(_) => {}
                // Nobody will be told any more.
                Output::Read(_) => {}
            }
        }
        ctx.stop();
        Box::pin(async move {
            futures_util::future::join_all(appends).await;
        })
    }
}
