//! The actor that owns one home: it feeds the core what arrives and carries out what the core hands out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, MessageResult, SpawnHandle, StreamHandler,
    WrapFuture,
};
use slab::Slab;

use crate::broker::conversation::Conversation;
use crate::broker::mail::{Adjust, Close, Drain, End, Gone, IsReady, Lost, Parted, Stop, Take, Tell, Vacate, Visit};
use crate::broker::pages::Wanted;
use crate::broker::service;
use crate::broker::service::Ask;
use crate::broker::sessions::{Output, Sessions};
use crate::broker::settings::Settings;
use crate::broker::total::Total;
use crate::clock;
use crate::ids::Position;
use crate::log;
use crate::log::{Follower, Lagged, Log, Record};
use crate::metrics::{EndReason, Metrics, Transport};
use crate::upstream::{Answer, Failure, Upstream};

/// How many requests may wait for a home. One more is answered that too much is waiting.
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
    /// Whose questions to back ends are open.
    asking: Slab<service::Asked>,
    counted: [usize; 8],
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
            asking: Slab::new(),
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

    fn ask(&mut self, Ask { endpoint, question, asked }: Ask, ctx: &mut Context<Self>) {
        let began = clock::now();
        let asking = self.upstream.ask(&endpoint, question).into_actor(self);
        let open = self.asking.insert(asked);
        ctx.spawn(asking.map(move |answer, actor, ctx| {
            let Some(asked) = actor.asking.try_remove(open) else { return };
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

impl Handler<Vacate> for AgentsActor {
    type Result = ();

    fn handle(&mut self, Vacate(line): Vacate, ctx: &mut Self::Context) {
        self.sessions.vacate(clock::now(), line);
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
        self.sessions.under_way(clock::now()) + self.asking.len()
    }
}

impl Handler<Stop> for AgentsActor {
    type Result = actix::ResponseFuture<()>;

    fn handle(&mut self, Stop: Stop, ctx: &mut Self::Context) -> Self::Result {
        for asked in self.asking.drain() {
            // Its client is told when it comes back, and does not wait for an answer that nobody will bring.
            self.sessions.handle_answered(asked, Answer::Failed(Failure::Broken));
        }
        self.sessions.handle_stop(clock::now());
        let mut appends = Vec::new();
        while let Some(output) = self.sessions.poll_output() {
            match output {
                Output::Answer { tell, answer } => tell.answer(answer, ctx),
                // Nothing is delivered any more, and no socket is left.
                Output::Push { .. } => {}
                Output::Append(record) => appends.push(self.log.append(record)),
                Output::Ask(ask) => {
                    self.sessions.handle_answered(ask.asked, Answer::Failed(Failure::Unreachable));
                }
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
