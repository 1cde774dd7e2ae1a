//! What a run collects on its way, and how the report is made of it.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::client::{ClientError, TallyCounts};
use crate::clock;

use super::args::Fanout;
use super::desk::Done;
use super::proc;
use super::report::{Clients, Generator, Http, Latency, Messages, Report, Server, rfc3339};

/// What was found so far.
pub(super) struct Found {
    pub(super) connected: u64,
    pub(super) published: u64,
    pub(super) refused: u64,
    pub(super) duration: Duration,
    pub(super) latencies: Option<Histogram<u64>>,
    pub(super) spent: Spent,
    pub(super) rss_idle: Option<u64>,
    pub(super) rss_parked: Option<u64>,
    pub(super) rss_end: Option<u64>,
    pub(super) http: TallyCounts,
    started: u64,
    messages: Messages,
    stayed_away: u64,
    stopped_early: u64,
    rehandshakes: u64,
    failures: Vec<String>,
}

/// Processor time used.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    pub(super) server: Option<Duration>,
    pub(super) generator: Option<Duration>,
}

impl Spent {
    /// By the server's process, and by this one.
    pub(super) fn now(server: Option<u32>) -> Self {
        Self { server: server.and_then(proc::cpu), generator: proc::cpu(std::process::id()) }
    }

    pub(super) fn since(&self, before: &Self) -> Self {
        let minus = |now: Option<Duration>, before: Option<Duration>| Some(now?.saturating_sub(before?));
        Self { server: minus(self.server, before.server), generator: minus(self.generator, before.generator) }
    }
}

impl Found {
    pub(super) fn new() -> Self {
        Self {
            connected: 0,
            published: 0,
            refused: 0,
            duration: Duration::ZERO,
            latencies: None,
            spent: Spent::default(),
            rss_idle: None,
            rss_parked: None,
            rss_end: None,
            http: TallyCounts::default(),
            started: clock::wall().millis(),
            messages: Messages::default(),
            stayed_away: 0,
            stopped_early: 0,
            rehandshakes: 0,
            failures: Vec::new(),
        }
    }

    /// Something was not as it should be.
    pub(super) fn fail(&mut self, failure: String) {
        self.failures.push(failure);
    }

    /// A client could not begin. Only the first reason is told: the others tend to be the same.
    pub(super) fn stay_away(&mut self, error: &ClientError) {
        if self.stayed_away == 0 {
            self.fail(format!("a client has no subscription: {error}"));
        }
        self.stayed_away += 1;
    }

    /// What a desk saw.
    pub(super) fn take_in(&mut self, done: &Done) {
        if let Some(error) = &done.error {
            if self.stopped_early == 0 {
                self.fail(format!("a client stopped: {error}"));
            }
            self.stopped_early += 1;
        }
        self.messages.received += done.sequence.received();
        self.messages.lost += done.sequence.lost(self.published);
        self.messages.duplicated += done.sequence.duplicated();
        self.messages.reordered += done.sequence.reordered();
        self.rehandshakes += done.client.rehandshakes();
    }

    /// All of it.
    pub(super) fn report(mut self, plan: &Fanout) -> Report {
        let corrected = plan.rate.is_some();
        let latency = self.latencies.take().map(|all| Latency::of(&all, corrected)).unwrap_or_default();
        let messages = Messages {
            published: self.published,
            refused: self.refused,
            expected: self.published * self.connected,
            ..self.messages
        };
        self.judge(plan, &messages, &latency);
        Report {
            version: env!("CARGO_PKG_VERSION"),
            plan: "fanout",
            target: plan.url.clone(),
            transport: "long-polling",
            started: rfc3339(self.started),
            duration_s: self.duration.as_secs_f64(),
            clients: Clients {
                asked: plan.clients as u64,
                connected: self.connected,
                failed: self.stayed_away + self.stopped_early,
                rehandshakes: self.rehandshakes,
            },
            messages,
            latency_ms: latency,
            deliveries_per_s: ratio(messages.received, self.duration.as_secs_f64()).unwrap_or(0.0),
            server: self.server(messages.received),
            generator: self.generator(messages.received),
            http: Http { requests: self.http.requests, errors: self.http.errors },
            passed: self.failures.is_empty(),
            failures: self.failures,
        }
    }

    fn judge(&mut self, plan: &Fanout, messages: &Messages, latency: &Latency) {
        if messages.received == 0 {
            self.fail("nothing arrived".to_owned());
        }
        let faults = [(messages.lost, "lost"), (messages.duplicated, "doubled"), (messages.reordered, "out of order")];
        for (count, fault) in faults.into_iter().filter(|(count, _)| *count > 0) {
            self.fail(format!("{count} messages were {fault}"));
        }
        if let Some(limit) = plan.max_p99.filter(|limit| latency.p99 > *limit) {
            self.fail(format!("the 99th percentile is {:.2} ms, above {limit} ms", latency.p99));
        }
    }

    fn server(&self, received: u64) -> Server {
        let added = self.rss_parked.zip(self.rss_idle).map(|(parked, idle)| parked.saturating_sub(idle));
        Server {
            cpu_us_per_delivery: self.spent.server.and_then(|spent| micros_each(spent, received)),
            rss_bytes: self.rss_end,
            rss_bytes_per_session: added.and_then(|bytes| bytes.checked_div(self.connected)),
        }
    }

    fn generator(&self, received: u64) -> Generator {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = tokio::runtime::Handle::current().metrics().num_workers();
        let had = self.duration.saturating_mul(u32::try_from(cores.min(threads)).unwrap_or(1));
        Generator {
            cpu_us_per_delivery: self.spent.generator.and_then(|spent| micros_each(spent, received)),
            limited: self.spent.generator.is_some_and(|spent| spent > had.mul_f64(BUSY)),
        }
    }
}

/// `count` for each of `per`.
#[expect(clippy::cast_precision_loss, reason = "no count of a run comes near 2^52")]
fn ratio(count: u64, per: f64) -> Option<f64> {
    (per > 0.0).then(|| count as f64 / per)
}

#[expect(clippy::cast_precision_loss, reason = "no count of a run comes near 2^52")]
fn micros_each(spent: Duration, received: u64) -> Option<f64> {
    (received > 0).then(|| spent.as_secs_f64() * 1e6 / received as f64)
}

/// A generator that uses more of its time than this is the limit itself.
const BUSY: f64 = 0.9;
