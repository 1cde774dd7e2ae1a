//! The server's life: build, run, drain.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix::Arbiter;
use actix_web::dev::{Server, ServerHandle};
use actix_web::web;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

use crate::admin;
use crate::app::cli::Exit;
use crate::app::config::Config;
use crate::app::office::Office;
use crate::app::plan::{Drain, Plan, PlanError, cookie_key};
use crate::app::readiness::Ready;
use crate::app::tls;
use crate::app::tokens;
use crate::app::tokens::{KeysError, TokenPlan};
use crate::app::watch;
use crate::broker::Broker;
use crate::calls::Term;
use crate::clock;
use crate::directory::{Directory, Passwords, Tokens};
use crate::exchange::Exchange;
use crate::http;
use crate::log::{EmbeddedLog, Left, Log, OpenError};
use crate::metrics::Metrics;
use crate::switch::{Simulated, Switch};

/// Builds the server, runs it until a signal comes, and drains it. Returns when it has ended.
pub async fn serve(config: Config) -> Exit {
    let plan = match cookie_key(&config).and_then(|key| Plan::new(&config, key)) {
        Ok(plan) => plan,
        Err(error) => {
            tracing::error!(%error, "the configuration cannot be carried out");
            return match error {
                PlanError::Configuration(_) => Exit::Usage,
                PlanError::Certificate { .. } | PlanError::CookieKey { .. } | PlanError::SecretFile { .. } => {
                    Exit::Unavailable
                }
            };
        }
    };
    let running = match build(plan) {
        Ok(running) => running,
        Err(error) => {
            tracing::error!(%error, "the server cannot start");
            return error.exit();
        }
    };
    for address in running.addresses() {
        tracing::info!("listening on {}://{address}", running.scheme);
    }
    if config.has_demo_agents() {
        tracing::warn!("there are demo agents 15000, 15001 and 15002, each with its name as password: for tests only");
    }
    match running.run().await {
        Ok(()) => Exit::Fine,
        Err(error) => {
            tracing::error!(%error, "the server failed");
            Exit::Internal
        }
    }
}

/// Why the server could not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address cannot be listened on, or serving failed.
    #[error("cannot listen: {0}")]
    Listen(#[from] io::Error),
    /// The log cannot be opened.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// The keys that tokens are verified with cannot be had.
    #[error("auth.token_keys_file: {}: {reason}", file.display())]
    Tokens {
        /// The file.
        file: PathBuf,
        /// Why not.
        reason: KeysError,
    },
    /// The accounts do not fit together.
    #[error("directory: {0}")]
    Directory(String),
}

impl ServeError {
    fn exit(&self) -> Exit {
        match self {
            Self::Directory(_) => Exit::Usage,
            Self::Listen(_) | Self::Log(_) | Self::Tokens { .. } => Exit::Unavailable,
        }
    }
}

/// A server that has been built and listens, and serves once it is [run](Self::run).
pub struct Running {
    addresses: Vec<SocketAddr>,
    /// What is spoken there.
    scheme: &'static str,
    server: Server,
    office: Option<Office>,
    /// Told when the admin API is asked to drain.
    drain_asked: Arc<Notify>,
    broker: Broker,
    exchange: Exchange,
    log: Arc<dyn Log>,
    ready: Arc<Ready>,
    drain: Drain,
    /// The thread of the exchange, for as long as the server runs.
    calls: Arbiter,
}

/// Opens the log, starts the actors, and binds the addresses. Call it in an actix system.
///
/// # Errors
/// [`ServeError`] if the server cannot start.
pub fn build(plan: Plan) -> Result<Running, ServeError> {
    let metrics = Metrics::new();
    let directory = Directory::new(plan.directory).map_err(ServeError::Directory)?;
    let tokens = plan.tokens.map(|tokens| open_tokens(tokens, &directory)).transpose()?;
    let embedded = open_log(plan.log, &metrics)?;
    let log: Arc<dyn Log> = Arc::<EmbeddedLog>::clone(&embedded);
    // Positions never go back, so the head is a term that no earlier start of this server had.
    let (switch, reports) = Simulated::start(plan.simulated, Term(log.head().get()));
    let switch: Arc<dyn Switch> = Arc::new(switch);

    let broker = Broker::new(plan.broker, metrics.clone(), Arc::clone(&log));
    let calls = Arbiter::new();
    let exchange = Exchange::start(
        &calls.handle(),
        Arc::clone(&log),
        directory.clone(),
        Arc::clone(&switch),
        reports,
        metrics.clone(),
        plan.exchange,
    );
    let ready = Arc::new(Ready::new(Arc::clone(&log), switch, metrics.clone()));
    let state = http::State {
        broker: broker.clone(),
        exchange: exchange.clone(),
        passwords: Passwords::new(directory.clone(), plan.basic_cache),
        tokens,
        directory,
        metrics,
        readiness: Arc::<Ready>::clone(&ready),
    };
    actix::spawn(watch::log_gauges(embedded, state.metrics.clone()));
    let stop_deadline = plan.http.stop_deadline;
    let drain_asked = Arc::new(Notify::new());
    let mut office = plan.admin.map(|plan| Office::open(plan, &broker, &state.metrics, &drain_asked));
    let mounted = office.as_ref().and_then(Office::mounted);
    let more = move |config: &mut web::ServiceConfig| mounted.iter().for_each(|api| admin::routes(config, api));
    let (server, mut addresses) = http::server(plan.http, state, more)?;
    let tls = plan.tls.as_ref().map(|plan| plan.tls.config()).transpose().map_err(io::Error::other)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    if let Some(office) = &mut office {
        addresses.extend(office.listen(stop_deadline, tls)?);
    }
    if let Some(plan) = plan.tls {
        actix::spawn(tls::follow(plan));
    }
    Ok(Running {
        addresses,
        scheme,
        server,
        office,
        drain_asked,
        broker,
        exchange,
        log,
        ready,
        drain: plan.drain,
        calls,
    })
}

/// Reads the keys of tokens, and keeps them as their file is.
fn open_tokens(plan: TokenPlan, directory: &Directory) -> Result<Tokens, ServeError> {
    let file = plan.file.clone();
    let tokens = plan.open(directory.clone()).map_err(|reason| ServeError::Tokens { file: file.clone(), reason })?;
    actix::spawn(tokens::follow(tokens.clone(), file));
    Ok(tokens)
}

fn open_log(config: crate::log::EmbeddedConfig, metrics: &Metrics) -> Result<Arc<EmbeddedLog>, ServeError> {
    let directory = config.directory.display().to_string();
    let log = EmbeddedLog::open(config, Arc::new(watch::LogMetrics(metrics.clone())))?;
    tracing::info!(data = directory, head = log.head().get(), "the log is open");
    if log.recovery().left == Left::Open {
        tracing::warn!("the log was not closed: positions go on well after the last one");
    }
    Ok(Arc::new(log))
}

impl Running {
    /// Where it listens, with the ports that the system chose.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves until SIGTERM or SIGINT, then drains. A second signal ends the process at once.
    ///
    /// # Errors
    /// [`ServeError`] if serving failed.
    pub async fn run(mut self) -> Result<(), ServeError> {
        let mut signals = Signals::new()?;
        let handle = self.server.handle();
        let mut serving = tokio::spawn(self.server);
        if let Some(server) = self.office.as_mut().and_then(Office::take_server) {
            tokio::spawn(server);
        }
        let watching = tokio::spawn(self.broker.clone().watch());
        let started = tokio::spawn(Self::start(self.broker.clone(), self.exchange.clone(), Arc::clone(&self.ready)));
        tokio::select! {
            () = signals.next() => {}
            () = self.drain_asked.notified() => {}
            ended = &mut serving => ended.unwrap_or(Ok(()))?,
        }
        tracing::info!("draining");
        started.abort();
        watching.abort();
        let stopped = stop(&self.broker, &self.exchange, self.office.as_ref(), &handle, &self.ready, &self.drain);
        tokio::select! {
            () = stopped => {}
            () = signals.next() => {
                tracing::warn!("a second signal: ending at once");
                return Ok(());
            }
            () = tokio::time::sleep(self.drain.deadline) => {
                tracing::warn!("the drain took too long");
                self.broker.stop().await;
            }
        }
        self.log.close().await;
        self.calls.stop();
        tracing::info!("stopped");
        Ok(())
    }

    /// Says that it is ready once everything that was in the log has been applied.
    async fn start(broker: Broker, exchange: Exchange, ready: Arc<Ready>) {
        let began = clock::now();
        while !(broker.is_ready().await && exchange.is_ready().await) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        ready.started();
        tracing::info!(after = ?clock::now().saturating_duration_since(began), "ready");
    }
}

/// No new sessions, every parked connect answered, every accepted command finished, written down how far each
/// client was served, no connection left. The homes live on the threads of the sockets, so they stop first.
async fn stop(
    broker: &Broker,
    exchange: &Exchange,
    office: Option<&Office>,
    server: &ServerHandle,
    ready: &Ready,
    drain: &Drain,
) {
    ready.draining();
    tokio::time::sleep(drain.delay).await;
    broker.drain(drain.window).await;
    while exchange.under_way().await > 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    if let Some(office) = office {
        office.close().await;
    }
    broker.stop().await;
    server.stop(true).await;
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
