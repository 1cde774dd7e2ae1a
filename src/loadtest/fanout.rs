//! The plan with one publisher and many listeners on one channel.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::client::{BadTarget, Client, ClientError, Connection, Options, PublishOutcome, Publisher, Tally, Target};
use crate::clock;

use super::args::{BadUsage, Fanout, Transport};
use super::board::Board;
use super::desk::{self, Desk, Done};
use super::proc;
use super::report::Report;
use super::summary::{Found, Spent};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum Unable {
    /// An argument is out of bounds.
    #[error(transparent)]
    BadUsage(#[from] BadUsage),
    /// The endpoint makes no sense.
    #[error(transparent)]
    BadTarget(#[from] BadTarget),
    /// The endpoint is on another machine.
    #[error("{0} is not on this machine: load is put on loopback addresses only")]
    NotLoopback(SocketAddr),
    /// This process may not open so many connections.
    #[error("{needed} open files are needed and {limit} are allowed: raise `ulimit -n`")]
    TooFewFiles {
        /// How many it would take.
        needed: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Nobody answers.
    #[error("{0} does not answer: {1}")]
    Unreachable(SocketAddr, std::io::Error),
    /// The publisher has no session.
    #[error("the publisher has no session: {0}")]
    NoPublisher(ClientError),
}

/// Runs the plan.
///
/// # Errors
/// [`Unable`] if it could not be run. A run that found faults is a [`Report`].
///
/// # Cancel safety
/// The clients stop; the server will find out by itself.
pub async fn fanout(plan: &Fanout) -> Result<Report, Unable> {
    plan.check()?;
    let target = Arc::new(Target::resolve(&plan.url, plan.login()).await?);
    admit(plan, target.addr()).await?;
    let pid = plan.server_pid.or_else(|| proc::listener(target.addr()));
    let Some(board) = Board::new() else { return Err(BadUsage::Duration.into()) };
    let (stop, stopped) = watch::channel(false);
    let crowd = Crowd { plan, target, tally: Arc::default(), board: Arc::new(board), stopped };

    let mut found = Found::new();
    found.rss_idle = pid.and_then(proc::rss);
    let (mut publisher, keeper) = crowd.publisher().await.map_err(Unable::NoPublisher)?;
    let mut desks = crowd.gather(&mut found).await;
    crowd.settle().await;
    found.rss_parked = pid.and_then(proc::rss);

    let (before, began) = (Spent::now(pid), clock::now());
    crowd.publish(&mut publisher, &mut found).await;
    found.duration = clock::now().saturating_duration_since(began);
    found.spent = Spent::now(pid).since(&before);
    found.rss_end = pid.and_then(proc::rss);
    found.latencies = Some(crowd.board.latencies());
    found.http = crowd.tally.counts();

    let _ = stop.send(true);
    crowd.disperse(&mut desks, keeper, &mut found).await;
    Ok(found.report(plan))
}

/// Whether there may be and can be such a run.
async fn admit(plan: &Fanout, addr: SocketAddr) -> Result<(), Unable> {
    if !addr.ip().is_loopback() {
        return Err(Unable::NotLoopback(addr));
    }
    let needed = plan.clients + SPARE_FILES;
    if let Some(limit) = proc::open_files().filter(|limit| *limit < needed) {
        return Err(Unable::TooFewFiles { needed, limit });
    }
    TcpStream::connect(addr).await.map(drop).map_err(|error| Unable::Unreachable(addr, error))
}

/// All clients of one run.
struct Crowd<'a> {
    plan: &'a Fanout,
    target: Arc<Target>,
    tally: Arc<Tally>,
    board: Arc<Board>,
    stopped: watch::Receiver<bool>,
}

impl Crowd<'_> {
    fn client(&self) -> Client {
        let connection = match self.plan.transport {
            Transport::LongPolling => Connection::LongPolling,
            Transport::Websocket => Connection::Websocket,
        };
        Client::over(&self.target, Options { ack: self.plan.ack }, &self.tally, connection)
    }

    /// A session to publish in, and the task that keeps it alive.
    async fn publisher(&self) -> Result<(Publisher, JoinHandle<Client>), ClientError> {
        let mut client = self.client();
        client.handshake().await?;
        let publisher = client.publisher();
        let mut stopped = self.stopped.clone();
        let keeper = tokio::spawn(async move {
            loop {
                tokio::select! {
                    events = client.next_events() => if events.is_err() { return client },
                    _ = stopped.changed() => return client,
                }
            }
        });
        Ok((publisher, keeper))
    }

    /// Opens the desks, a few at a time, and lets them listen.
    async fn gather(&self, found: &mut Found) -> JoinSet<Option<Done>> {
        let mut desks = JoinSet::new();
        let (opened, mut outcomes) = tokio::sync::mpsc::channel::<Option<ClientError>>(self.plan.clients);
        let door = Arc::new(Semaphore::new(AT_ONCE));
        let channel: Arc<str> = self.plan.channel.as_str().into();
        for _ in 0..self.plan.clients {
            let (client, door, opened) = (self.client(), Arc::clone(&door), opened.clone());
            let (channel, board, stopped) = (Arc::clone(&channel), Arc::clone(&self.board), self.stopped.clone());
            desks.spawn(async move {
                let permit = door.acquire_owned().await.ok();
                let desk = Desk::open(client, channel, board).await;
                drop(permit);
                let (desk, error) = match desk {
                    Ok(desk) => (Some(desk), None),
                    Err(error) => (None, Some(error)),
                };
                // There is room for one outcome of each, so this never fails for want of it.
                let _ = opened.try_send(error);
                drop(opened);
                match desk {
                    Some(desk) => Some(desk.listen(stopped).await),
                    None => None,
                }
            });
        }
        drop(opened);
        while let Some(outcome) = outcomes.recv().await {
            match outcome {
                None => found.connected += 1,
                Some(error) => found.stay_away(&error),
            }
        }
        desks
    }

    /// Waits until nothing is sent any more: all connects are parked.
    async fn settle(&self) {
        let mut seen = self.tally.counts().requests;
        for _ in 0..SETTLE_LOOKS {
            tokio::time::sleep(SETTLE_LOOK).await;
            let requests = self.tally.counts().requests;
            if requests == seen {
                break;
            }
            seen = requests;
        }
    }

    /// Publishes until all is published, or the time is up, or nothing arrives any more.
    async fn publish(&self, publisher: &mut Publisher, found: &mut Found) {
        let (began, mut stalls) = (clock::now(), 0);
        let until = began + self.plan.duration;
        for number in 1..=self.plan.messages {
            let due = self.due(began, number);
            tokio::time::sleep_until(due.unwrap_or(began).into()).await;
            if clock::now() >= until || self.board.listening() == 0 {
                break;
            }
            self.board.begin(number);
            if !self.publish_one(publisher, found, number, due, until).await {
                break;
            }
            if due.is_none() && !self.board.everybody_has_it(PATIENCE).await {
                stalls += 1;
                if stalls == MOST_STALLS {
                    found.fail(format!("message {number} and others did not reach everybody within {PATIENCE:?}"));
                    break;
                }
            }
        }
        self.await_stragglers(found).await;
    }

    /// When a message is due: only a fixed rate says so.
    fn due(&self, began: Instant, number: u64) -> Option<Instant> {
        let after = Duration::from_nanos(1_000_000_000 / u64::from(self.plan.rate?));
        Some(began + after.saturating_mul(u32::try_from(number - 1).unwrap_or(u32::MAX)))
    }

    /// Publishes one message; repeats it as long as the server refuses it. Says whether to go on.
    async fn publish_one(
        &self,
        publisher: &mut Publisher,
        found: &mut Found,
        number: u64,
        due: Option<Instant>,
        until: Instant,
    ) -> bool {
        loop {
            let sent = self.board.micros(due.unwrap_or_else(clock::now));
            let data = desk::message(number, sent, self.plan.size);
            match publisher.publish(&self.plan.channel, data.as_bytes()).await {
                Ok(PublishOutcome::Accepted) => {
                    found.published = number;
                    return true;
                }
                Ok(PublishOutcome::Refused(error)) => {
                    found.refused += 1;
                    if clock::now() >= until {
                        found.fail(format!("message {number} was refused until the time was up: {error}"));
                        return false;
                    }
                    tokio::time::sleep(REFUSED_PAUSE).await;
                }
                Err(error) => {
                    found.fail(format!("message {number} could not be published: {error}"));
                    return false;
                }
            }
        }
    }

    /// Waits for what is still under way, as long as something arrives.
    async fn await_stragglers(&self, found: &Found) {
        self.board.everybody_has_it(if found.published > 0 { PATIENCE } else { Duration::ZERO }).await;
        let expected = found.published * found.connected;
        let mut seen = self.board.arrivals();
        while seen < expected {
            tokio::time::sleep(SETTLE_LOOK).await;
            let arrivals = self.board.arrivals();
            if arrivals == seen {
                break;
            }
            seen = arrivals;
        }
    }

    /// Collects what the desks have seen, and says goodbye for as many as there is time for.
    async fn disperse(&self, desks: &mut JoinSet<Option<Done>>, keeper: JoinHandle<Client>, found: &mut Found) {
        let door = Arc::new(Semaphore::new(AT_ONCE));
        let mut goodbyes = JoinSet::new();
        let mut leave = |client: Client| {
            let door = Arc::clone(&door);
            goodbyes.spawn(async move {
                let _permit = door.acquire_owned().await.ok();
                // A server that does not hear it ends the session by itself.
                let _ = client.disconnect().await;
            });
        };
        if let Ok(client) = keeper.await {
            leave(client);
        }
        while let Some(done) = desks.join_next().await {
            let Ok(Some(done)) = done else { continue };
            found.take_in(&done);
            leave(done.client);
        }
        let _ = tokio::time::timeout(GOODBYE, goodbyes.join_all()).await;
    }
}

/// How many handshakes, or goodbyes, are under way at a time.
const AT_ONCE: usize = 64;
/// Open files beside one for each client.
const SPARE_FILES: usize = 64 + AT_ONCE;
/// How long a message may take to reach everybody.
const PATIENCE: Duration = Duration::from_secs(5);
/// After so many messages that did not, a run is over.
const MOST_STALLS: u32 = 3;
/// The pause before a refused publication is tried again.
const REFUSED_PAUSE: Duration = Duration::from_millis(20);
const SETTLE_LOOK: Duration = Duration::from_millis(200);
const SETTLE_LOOKS: u32 = 50;
const GOODBYE: Duration = Duration::from_secs(5);
