//! The holder of the link to the switch: it follows the log and carries out open asks, and brings what the switch
//! reports to the calls.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, StreamHandler, WrapFuture};
use tokio::sync::Mutex;

use crate::agents::{DoNotDisturb, Presence, Voice};
use crate::calls::{Ask, AskKind, LegId, LiveLeg};
use crate::directory::Directory;
use crate::exchange::agents::phone;
use crate::exchange::handle::batches;
use crate::exchange::news::Told;
use crate::exchange::watch::Door;
use crate::ids::{Number, Position};
use crate::log::{Lagged, Log, Record};
use crate::metrics::{AskOutcome, Metrics};
use crate::records;
use crate::records::{AgentChanged, CallChanged, Payload};
use crate::switch::{Leg, Line, News, Reports, Setup, Switch};

/// How often a report is brought to the exchange that does not take it.
const TRIES: u8 = 25;

/// How long between two times.
const PAUSE: Duration = Duration::from_millis(100);

/// How often it is shown whether the switch is up.
const SHOW: Duration = Duration::from_secs(1);

/// Holds the link to the switch.
pub(super) struct SwitchLink {
    log: Arc<dyn Log>,
    directory: Directory,
    setup: Arc<Setup>,
    switch: Arc<dyn Switch>,
    metrics: Metrics,
    door: Door,
    reports: Arc<Mutex<Reports>>,
    /// Records up to here were taken care of when the link was restored.
    restored: Position,
}

impl SwitchLink {
    /// A link that begins with the calls that the log knows.
    pub(super) fn new(
        log: Arc<dyn Log>,
        directory: Directory,
        setup: Arc<Setup>,
        switch: Arc<dyn Switch>,
        reports: Arc<Mutex<Reports>>,
        metrics: Metrics,
        door: Door,
    ) -> Self {
        Self { log, directory, setup, switch, metrics, door, reports, restored: Position::ZERO }
    }

    /// Tells the switch which legs there are and what was asked of it and is open.
    fn restore(&mut self) {
        self.restored = self.log.head();
        let families: Vec<CallChanged> = self
            .log
            .subjects("call/")
            .iter()
            .filter_map(|subject| self.log.newest(subject).ok().flatten())
            .filter_map(|record| match records::decode(&record) {
                Ok(Payload::CallChanged(changed)) => Some(changed),
                Ok(_) | Err(_) => None,
            })
            .collect();
        let legs = families.iter().flat_map(|changed| changed.family.legs());
        let legs = legs.map(|LiveLeg { id, call, number, state, queue, since, came_in }| Leg {
            id,
            call,
            number,
            state,
            queue,
            since,
            came_in,
        });
        let mut legs: Vec<Leg> = legs.collect();
        legs.sort_by_key(|leg| leg.id);
        self.switch.restore(legs);
        for subject in self.log.subjects("agent/") {
            let newest = self.log.newest(&subject).ok().flatten();
            if let Some(Ok(Payload::AgentChanged(changed))) = newest.map(|record| records::decode(&record)) {
                self.set_line(changed);
            }
        }
        // In the order in which they were asked: who waits in a queue keeps its place there.
        let mut asks: Vec<Ask> = families.into_iter().flat_map(|changed| still_wanted(changed.family.asks)).collect();
        asks.sort_by_key(|ask| ask.id);
        asks.into_iter().for_each(|ask| self.switch.carry_out(ask));
    }

    fn show(&self) {
        self.metrics.switch_up.set(i64::from(self.switch.is_up()));
    }

    fn carry_out(&self, record: &Record) {
        if record.position <= self.restored {
            return;
        }
        match records::decode(record) {
            Ok(Payload::AgentChanged(changed)) => self.set_line(changed),
            Ok(Payload::CallChanged(changed)) => {
                for ask in changed.family.asks.into_iter().filter(|ask| ask.id.record == record.position) {
                    self.metrics.switch_asks_total.of(AskOutcome::Asked).inc();
                    self.switch.carry_out(ask);
                }
            }
            Ok(_) | Err(_) => {}
        }
    }

    /// Tells the switch what an agent's device is set to: the device that the agent has now, if it still has an account.
    fn set_line(&self, AgentChanged { voice, .. }: AgentChanged) {
        let Some(phone) = phone(&self.directory, &self.setup, &voice.agent) else { return };
        let voice = Voice { phone, ..voice };
        let queue = match &voice.presence {
            Presence::LoggedIn(shift) => shift.queue.as_ref().and_then(|queue| Number::parse(queue).ok()),
            Presence::LoggedOut(_) => None,
        };
        let line = Line {
            ready: voice.is_ready(),
            queue,
            do_not_disturb: voice.do_not_disturb == DoNotDisturb::On,
            forward: voice.forward_to,
        };
        self.switch.set_line(voice.phone.number, line);
    }
}

impl Actor for SwitchLink {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.restore();
        self.show();
        ctx.add_stream(batches(self.log.follow(self.restored)));
        ctx.add_stream(futures_util::stream::unfold(Arc::clone(&self.reports), |reports| async move {
            let report = reports.lock().await.recv().await;
            report.map(|report| (report, reports))
        }));
        ctx.run_interval(SHOW, |link, _| link.show());
    }
}

/// The open asks without those for a leg whose end is asked for as well: a leg that may never have been made must
/// not be made only to be ended.
fn still_wanted(asks: Vec<Ask>) -> Vec<Ask> {
    let ended: Vec<LegId> = asks.iter().filter_map(released).collect();
    asks.into_iter().filter(|ask| !ended.contains(&ask.id)).collect()
}

fn released(ask: &Ask) -> Option<LegId> {
    if let AskKind::Release(leg) = ask.kind { Some(leg) } else { None }
}

/// Brings news to the ingress. One that died is started again soon, and takes it then.
async fn bring(door: Door, news: News) {
    for _ in 0..TRIES {
        if door.address().send(Told(news.clone())).await == Ok(true) {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
    tracing::error!(?news, "what the switch told was not taken");
}

impl StreamHandler<Result<Vec<Arc<Record>>, Lagged>> for SwitchLink {
    fn handle(&mut self, batch: Result<Vec<Arc<Record>>, Lagged>, _: &mut Self::Context) {
        match batch {
            Ok(records) => records.iter().for_each(|record| self.carry_out(record)),
            Err(lagged) => {
                // Asks bear their own ids, so that those which were carried out are not carried out again.
                tracing::warn!(%lagged, "the switch link fell behind the log: it looks at every open ask again");
                self.restore();
            }
        }
    }
}

impl StreamHandler<News> for SwitchLink {
    fn handle(&mut self, news: News, ctx: &mut Self::Context) {
        // The next waits until this one was taken, so that a busy exchange slows the switch down.
        ctx.wait(bring(self.door.clone(), news).into_actor(self));
    }

    fn finished(&mut self, _: &mut Self::Context) {
        tracing::error!("the switch reports no more");
        self.show();
    }
}
