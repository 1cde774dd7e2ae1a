//! Every metric of the server, by the name of what it counts.

use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, exponential_buckets,
};

use super::family::{Counters, Gauges, Histograms, Pairs};
use super::labels::{
    Actor, AskOutcome, CallState, CommandOutcome, ConnectOutcome, EndReason, HandshakeOutcome, Limit, LogKind,
    LogOutcome, OperationName, RedeliveryCause, Route, Source, Status, Transport, UpstreamOutcome,
};

/// Every metric of the server. A field is the metric of its name, with `partyline_` before it.
#[derive(Debug)]
pub struct Families {
    /// Actors that were started again after they died.
    pub actor_restarts_total: Counters<Actor>,
    /// Calls that live.
    pub calls: Gauges<CallState>,
    /// Channels that somebody is subscribed to.
    pub channels: IntGauge,
    /// From a command's coming to its answer.
    pub command_seconds: Histograms<OperationName>,
    /// Commands.
    pub commands_total: Pairs<OperationName, CommandOutcome>,
    /// Connections that are open, but for those that are too many.
    pub connections: IntGauge,
    /// Connects.
    pub connects_total: Counters<ConnectOutcome>,
    /// Messages handed to a connection.
    pub deliveries_total: Counters<Transport>,
    /// From a record's append to the handing over of its message to a socket.
    pub delivery_seconds: Histogram,
    /// Handshakes.
    pub handshakes_total: Counters<HandshakeOutcome>,
    /// From a request's head to its response's end, parked connects included.
    pub http_request_seconds: Histograms<Route>,
    /// Requests answered.
    pub http_requests_total: Pairs<Route, Status>,
    /// From an append's being taken to its outcome.
    pub log_append_seconds: Histogram,
    /// Appends.
    pub log_appends_total: Pairs<LogKind, LogOutcome>,
    /// Bytes of the log on disk.
    pub log_bytes: IntGauge,
    /// The oldest position that can be read.
    pub log_first_position: IntGauge,
    /// What a flush to the disk takes.
    pub log_fsync_seconds: Histogram,
    /// The newest position that readers may see.
    pub log_head_position: IntGauge,
    /// Messages that wait in mailboxes.
    pub mailbox_depth: Gauges<Actor>,
    /// Messages refused because a mailbox was full.
    pub mailbox_full_total: Counters<Actor>,
    /// Connects held open.
    pub parked_connects: IntGauge,
    /// Publications.
    pub publications_total: Counters<Source>,
    /// Bytes owed to sessions.
    pub queue_bytes: IntGauge,
    /// Messages owed to sessions.
    pub queue_messages: IntGauge,
    /// 1 while the server is able to serve, 0 while it starts or drains or its log takes no writes.
    pub ready: IntGauge,
    /// Messages sent again.
    pub redeliveries_total: Counters<RedeliveryCause>,
    /// What was refused at a limit.
    pub rejected_total: Counters<Limit>,
    /// Sessions that live.
    pub sessions: Gauges<Transport>,
    /// Sessions that ended.
    pub sessions_ended_total: Counters<EndReason>,
    /// Subscriptions of all sessions.
    pub subscriptions: IntGauge,
    /// What was asked of the switch.
    pub switch_asks_total: Counters<AskOutcome>,
    /// 1 while the link to the switch is up.
    pub switch_up: IntGauge,
    /// Questions to back ends that answer service channels.
    pub upstream_requests_total: Counters<UpstreamOutcome>,
    /// From a question to a back end to its answer.
    pub upstream_seconds: Histogram,
    follower_lag_records: IntGaugeVec,
}

impl Families {
    /// Registers all of them.
    pub(super) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let on = Registrar(registry);
        on.gauges("build_info", "Always 1; the labels say what runs.", &["version", "revision"])?
            .with_label_values(&[env!("CARGO_PKG_VERSION"), option_env!("PARTYLINE_REVISION").unwrap_or("unknown")])
            .set(1);
        Ok(Self {
            actor_restarts_total: Counters::new(&on.counters(
                "actor_restarts_total",
                "Actors that were started again after they died.",
                &["actor"],
            )?),
            calls: Gauges::new(&on.gauges("calls", "Calls that live.", &["state"])?),
            channels: on.gauge("channels", "Channels that somebody is subscribed to.")?,
            command_seconds: Histograms::new(&on.histograms(
                "command_seconds",
                "From a command's coming to its answer.",
                &["operation"],
            )?),
            commands_total: Pairs::new(on.counters("commands_total", "Commands.", &["operation", "outcome"])?),
            connections: on.gauge("connections", "Connections that are open, but for those that are too many.")?,
            connects_total: Counters::new(&on.counters("connects_total", "Connects.", &["outcome"])?),
            deliveries_total: Counters::new(&on.counters(
                "deliveries_total",
                "Messages handed to a connection.",
                &["transport"],
            )?),
            delivery_seconds: on.histogram(
                "delivery_seconds",
                "From a record's append to the handing over of its message to a socket.",
            )?,
            handshakes_total: Counters::new(&on.counters("handshakes_total", "Handshakes.", &["outcome"])?),
            http_request_seconds: Histograms::new(&on.histograms(
                "http_request_seconds",
                "From a request's head to its response's end, parked connects included.",
                &["route"],
            )?),
            http_requests_total: Pairs::new(on.counters(
                "http_requests_total",
                "Requests answered.",
                &["route", "status"],
            )?),
            log_append_seconds: on.histogram("log_append_seconds", "From an append's being taken to its outcome.")?,
            log_appends_total: Pairs::new(on.counters("log_appends_total", "Appends.", &["kind", "outcome"])?),
            log_bytes: on.gauge("log_bytes", "Bytes of the log on disk.")?,
            log_first_position: on.gauge("log_first_position", "The oldest position that can be read.")?,
            log_fsync_seconds: on.histogram("log_fsync_seconds", "What a flush to the disk takes.")?,
            log_head_position: on.gauge("log_head_position", "The newest position that readers may see.")?,
            mailbox_depth: Gauges::new(&on.gauges("mailbox_depth", "Messages that wait in mailboxes.", &["actor"])?),
            mailbox_full_total: Counters::new(&on.counters(
                "mailbox_full_total",
                "Messages refused because a mailbox was full.",
                &["actor"],
            )?),
            parked_connects: on.gauge("parked_connects", "Connects held open.")?,
            publications_total: Counters::new(&on.counters("publications_total", "Publications.", &["source"])?),
            queue_bytes: on.gauge("queue_bytes", "Bytes owed to sessions.")?,
            queue_messages: on.gauge("queue_messages", "Messages owed to sessions.")?,
            ready: on.gauge("ready", "1 while the server is able to serve.")?,
            redeliveries_total: Counters::new(&on.counters(
                "redeliveries_total",
                "Messages sent again.",
                &["cause"],
            )?),
            rejected_total: Counters::new(&on.counters(
                "rejected_total",
                "What was refused at a limit.",
                &["limit"],
            )?),
            sessions: Gauges::new(&on.gauges("sessions", "Sessions that live.", &["transport"])?),
            sessions_ended_total: Counters::new(&on.counters(
                "sessions_ended_total",
                "Sessions that ended.",
                &["reason"],
            )?),
            subscriptions: on.gauge("subscriptions", "Subscriptions of all sessions.")?,
            switch_asks_total: Counters::new(&on.counters(
                "switch_asks_total",
                "What was asked of the switch.",
                &["outcome"],
            )?),
            switch_up: on.gauge("switch_up", "1 while the link to the switch is up.")?,
            upstream_requests_total: Counters::new(&on.counters(
                "upstream_requests_total",
                "Questions to back ends that answer service channels.",
                &["outcome"],
            )?),
            upstream_seconds: on.histogram("upstream_seconds", "From a question to a back end to its answer.")?,
            follower_lag_records: on.gauges(
                "follower_lag_records",
                "Records that a worker has still to apply.",
                &["worker"],
            )?,
        })
    }

    /// Records that a worker has still to apply. Each worker asks for its own once.
    pub fn follower_lag_records(&self, worker: usize) -> IntGauge {
        self.follower_lag_records.with_label_values(&[worker.to_string().as_str()])
    }
}

/// Makes a family and puts it on the page.
struct Registrar<'a>(&'a Registry);

impl Registrar<'_> {
    fn put<C: Collector + Clone + 'static>(&self, family: C) -> Result<C, prometheus::Error> {
        self.0.register(Box::new(family.clone()))?;
        Ok(family)
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
        self.put(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        self.put(IntGauge::new(name, help)?)
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, prometheus::Error> {
        self.put(IntGaugeVec::new(Opts::new(name, help), labels)?)
    }

    fn histogram(&self, name: &str, help: &str) -> Result<Histogram, prometheus::Error> {
        self.put(Histogram::with_opts(HistogramOpts::new(name, help).buckets(seconds()?))?)
    }

    fn histograms(&self, name: &str, help: &str, labels: &[&str]) -> Result<HistogramVec, prometheus::Error> {
        self.put(HistogramVec::new(HistogramOpts::new(name, help).buckets(seconds()?), labels)?)
    }
}

/// From 100 µs to some 26 s, by factors of four: a fan-out and a long poll both fall inside.
fn seconds() -> Result<Vec<f64>, prometheus::Error> {
    exponential_buckets(0.0001, 4.0, 10)
}
