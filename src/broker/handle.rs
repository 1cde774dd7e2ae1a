//! The way in for everybody else, and the homes' addresses.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use actix::{Actor, Addr, Arbiter, ArbiterHandle, Context};
use dashmap::DashMap;
use dashmap::Entry;
use tokio::sync::{oneshot, watch};

use crate::bayeux::{Batch, ConnectKey, Request};
use crate::broker::adjustment::Adjustment;
use crate::broker::agents::{AgentsActor, Home};
use crate::broker::line::{Busy, Line, LineId, Shown};
use crate::broker::mail::{Adjust, Close, Drain, End, Gone, IsReady, Lost, Parted, Stop, Take, Tell, Vacate, Visit};
use crate::broker::receipt::Fate;
use crate::broker::sessions::home_of;
use crate::broker::settings::Settings;
use crate::broker::streams::NoStream;
use crate::broker::total::Total;
use crate::clock;
use crate::ids::{AgentId, BrowserCookie, ClientId, LoginId, SessionId};
use crate::log::Log;
use crate::metrics;
use crate::metrics::{Metrics, Waiting};

/// Who sends a batch.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The agent that is logged in; `None` for nobody.
    pub agent: Option<AgentId>,
    /// By which login, if it will be known again.
    pub login: Option<LoginId>,
    /// The cookie `BAYEUX_BROWSER`; the transport draws one for a client that has none.
    pub cookie: BrowserCookie,
    /// Whether it came on the desktops' path.
    pub desktop: bool,
    /// Whether that login is good.
    pub footing: Footing,
    /// Where it is, and what it is.
    pub remote: Remote,
}

/// What a peer may do by its login, if it has one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Footing {
    /// What its agent may do.
    Good,
    /// The login is over: it may hear of the end of the sessions that were begun by it, or disconnect them.
    Leaving,
}

/// Where a client is and what it is, as far as its transport knows.
#[derive(Clone, Debug, Default)]
pub struct Remote {
    /// Its address.
    pub address: Option<IpAddr>,
    /// What it calls itself; told with a handshake only.
    pub user_agent: Option<Arc<str>>,
}

impl Remote {
    /// The address if it counts: this machine's own do not.
    pub(super) fn counted(&self) -> Option<IpAddr> {
        self.address.filter(|address| !address.is_loopback())
    }
}

/// What came of a batch.
#[derive(Debug)]
pub enum Outcome {
    /// The response's body. The receipt, if any, must be told when the body was written to its end; dropping it
    /// before that owes its events again.
    Answer {
        /// A JSON array.
        body: Vec<u8>,
        /// To be kept with the body.
        receipt: Option<Receipt>,
    },
    /// Too much is waiting; nothing was done.
    Busy,
    /// Its login is over, and it concerns no session that ended with that.
    Denied,
    /// It was a connect, and a newer one took its place: fail it with the status for that.
    Superseded,
}

/// The events in a response body: owed again if it is dropped before [`written`](Self::written).
#[derive(Debug)]
pub struct Receipt {
    fate: Arc<Fate>,
    session: SessionId,
    home: Addr<AgentsActor>,
}

impl Receipt {
    pub(super) fn new(fate: Arc<Fate>, session: SessionId, home: Addr<AgentsActor>) -> Self {
        Self { fate, session, home }
    }

    /// The body was polled to its end.
    pub fn written(self) {
        if self.fate.written() {
            // If the home's mailbox is full, it finds out when it looks at the session next.
            let _ = self.home.try_send(Lost(self.session));
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if self.fate.dropped() {
            // If the home's mailbox is full, the session finds out when its client comes back.
            let _ = self.home.try_send(Lost(self.session));
        }
    }
}

/// Sessions, and who is told. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Broker(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    settings: Arc<Settings>,
    metrics: Metrics,
    log: Arc<dyn Log>,
    total: Arc<Total>,
    /// Where each home is, and nothing else.
    homes: DashMap<usize, Place>,
    next: AtomicU64,
    /// Whether the sockets are to be closed.
    closing: watch::Sender<bool>,
    /// The same, for those who ask at each frame.
    closed: AtomicBool,
}

/// Where a home is.
#[derive(Debug)]
struct Place {
    address: Addr<AgentsActor>,
    arbiter: ArbiterHandle,
}

/// How often it is looked whether the homes' actors live.
const WATCH: Duration = Duration::from_millis(200);

/// How long a stop waits for word of the responses that are on their way, and how often it looks.
const LAST_WORDS: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(2);

impl Broker {
    /// A broker whose homes are yet to be opened: `settings.homes` of them, by [`open_here`](Self::open_here).
    pub fn new(settings: Settings, metrics: Metrics, log: Arc<dyn Log>) -> Self {
        Self(Arc::new(Shared {
            settings: Arc::new(settings),
            metrics,
            log,
            total: Arc::default(),
            homes: DashMap::new(),
            next: AtomicU64::new(1),
            closing: watch::Sender::new(false),
            closed: AtomicBool::new(false),
        }))
    }

    /// Opens the next home, if there is one that nobody has opened or whose thread is gone, on this thread, which
    /// must be an arbiter's. A thread that serves sockets opens one, so that a home's answers to the sockets of its
    /// own thread stay on it.
    pub fn open_here(&self) {
        let arbiter = Arbiter::current();
        for home in 0..self.0.settings.homes {
            match self.0.homes.entry(home) {
                Entry::Vacant(vacant) => {
                    vacant.insert(self.start(home, arbiter));
                    return;
                }
                Entry::Occupied(mut taken) if !is_running(&taken.get().arbiter) => {
                    taken.insert(self.start(home, arbiter));
                    return;
                }
                Entry::Occupied(_) => {}
            }
        }
    }

    /// Starts again what died, for as long as the server runs.
    pub async fn watch(self) {
        let mut interval = tokio::time::interval(WATCH);
        loop {
            interval.tick().await;
            for mut place in self.0.homes.iter_mut() {
                if !place.address.connected() && is_running(&place.arbiter) {
                    self.0.metrics.actor_restarts_total.of(metrics::Actor::Agents).inc();
                    tracing::error!(home = place.key(), "a home's actor died; its sessions are taken over");
                    *place = self.start(*place.key(), place.arbiter.clone());
                }
            }
        }
    }

    pub(super) fn log(&self) -> Arc<dyn Log> {
        Arc::clone(&self.0.log)
    }

    fn start(&self, home: usize, arbiter: ArbiterHandle) -> Place {
        let shared = Arc::clone(&self.0);
        let actor = move |_: &mut Context<AgentsActor>| {
            AgentsActor::new(
                Arc::clone(&shared.settings),
                shared.metrics.clone(),
                Arc::clone(&shared.log),
                Arc::clone(&shared.total),
                home,
            )
        };
        Place { address: AgentsActor::start_in_arbiter(&arbiter, actor), arbiter }
    }

    pub(super) fn address(&self, home: usize) -> Option<Addr<AgentsActor>> {
        self.0.homes.get(&home).map(|place| place.address.clone())
    }

    pub(super) fn all(&self) -> Vec<Addr<AgentsActor>> {
        self.0.homes.iter().map(|place| place.address.clone()).collect()
    }

    /// Takes a client's batch in, and resolves when its response is due: at once, or when a connect is released.
    ///
    /// # Cancel safety
    /// Dropping it means that the client is gone: a parked connect is given up, and nothing is lost.
    pub fn take(&self, peer: Peer, batch: Batch) -> impl Future<Output = Outcome> + use<'_> {
        let (tell, told) = oneshot::channel();
        let handed = self.hand(peer, batch, Tell::Response(tell));
        let presence = handed.map(|Handed { key, home }| Presence { broker: self, home, waits: Some(key) });
        async move {
            let Ok(mut presence) = presence else { return Outcome::Busy };
            let outcome = told.await.unwrap_or(Outcome::Busy);
            presence.waits = None;
            outcome
        }
    }

    /// Ends a session, and says whether there was one. Its client is told not to come back: by the reply to its
    /// parked connect, or to the next one.
    ///
    /// # Cancel safety
    /// Dropping it may or may not have ended the session.
    pub async fn end(&self, session: SessionId) -> bool {
        for home in self.all() {
            if home.send(End(session)).await.unwrap_or(false) {
                return true;
            }
        }
        false
    }

    /// Has something else hold for a session from now on, in place of any earlier adjustment, and says whether there is
    /// such a session. Its client is told by the next reply to a connect.
    ///
    /// # Cancel safety
    /// Dropping it may or may not have adjusted the session.
    pub async fn adjust(&self, session: SessionId, adjustment: Adjustment) -> bool {
        for home in self.all() {
            if home.send(Adjust(session, adjustment)).await.unwrap_or(false) {
                return true;
            }
        }
        false
    }

    pub(super) fn total(&self) -> &Total {
        &self.0.total
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Opens a line for a websocket whose requests are all this peer's.
    pub fn line(&self, peer: Peer, shown: Shown) -> Line {
        Line::new(self.clone(), LineId(self.0.next.fetch_add(1, Ordering::Relaxed)), peer, shown)
    }

    /// Opens a stream with the events of a client's session.
    ///
    /// # Errors
    /// [`NoStream`].
    ///
    /// # Cancel safety
    /// Dropping it is as good as dropping the line that it would have given.
    pub async fn stream(&self, peer: Peer, client: &ClientId) -> Result<Line, NoStream> {
        let session = client.session();
        let home = self.home_of(&peer, session);
        let address = self.address(home).ok_or(NoStream::Busy)?;
        if self.is_closing() || !address.send(IsReady).await.unwrap_or(false) {
            return Err(NoStream::Busy);
        }
        let id = LineId(self.0.next.fetch_add(1, Ordering::Relaxed));
        let line = Line::stream(self.clone(), id, peer.clone(), home);
        let out = line.out();
        let open = move |sessions: &mut Home| sessions.handle_stream(clock::now(), &peer, session, out);
        address.send(Visit(Box::new(open))).await.unwrap_or(Err(NoStream::Busy))?;
        Ok(line)
    }

    /// Whether the sockets are to be closed.
    pub fn is_closing(&self) -> bool {
        self.0.closed.load(Ordering::Acquire)
    }

    /// Resolves when the sockets are to be closed.
    pub(super) fn closing(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut closing = self.0.closing.subscribe();
        async move {
            // A server that is gone has closed, too.
            let _ = closing.wait_for(|closing| *closing).await;
        }
    }

    fn home_of(&self, peer: &Peer, session: SessionId) -> usize {
        home_of(&self.0.settings, peer.agent.as_ref(), Some(peer.cookie.hash()), session)
    }

    /// Hands a batch to the home that it is for.
    pub(super) fn hand(&self, peer: Peer, batch: Batch, tell: Tell) -> Result<Handed, Busy> {
        // A new session's home follows from its clientId, so that is drawn here.
        let fresh = batch.handshake().map(|_| ClientId::draw(self.0.log.epoch()));
        let named = batch.requests.iter().find_map(|Request { client, .. }| client.as_ref());
        let session = fresh.as_ref().or(named).map_or(SessionId::new([0; 16]), ClientId::session);
        let home = self.home_of(&peer, session);
        let key = ConnectKey(self.0.next.fetch_add(1, Ordering::Relaxed));
        let waiting = Waiting::new(self.0.metrics.mailbox_depth.of(metrics::Actor::Agents));
        let take = Take { waiting, key, peer, batch, fresh, tell };
        // An address is dear to clone, and this is asked for each connect.
        let sent = self.0.homes.get(&home).ok_or(Busy)?.address.try_send(take);
        if sent.is_err() {
            self.0.metrics.mailbox_full_total.of(metrics::Actor::Agents).inc();
            return Err(Busy);
        }
        Ok(Handed { key, home })
    }

    /// A socket that was full has room again for a session's events. If the mailbox is full, the session finds out with
    /// its next event, or when its connect is answered.
    pub(super) fn has_room(&self, peer: &Peer, session: SessionId) {
        if let Some(address) = self.address(self.home_of(peer, session)) {
            let _ = address.try_send(Lost(session));
        }
    }

    /// A socket is gone. If a mailbox is full, its home finds out when it next sends something there.
    pub(super) fn parted(&self, homes: &[usize], line: LineId) {
        for address in homes.iter().filter_map(|home| self.address(*home)) {
            let _ = address.try_send(Parted(line));
        }
    }

    /// A session began by a socket that others may have at these homes. If a mailbox is full, they stay there until their
    /// clients are late.
    pub(super) fn vacate(&self, homes: &[usize], line: LineId) {
        for address in homes.iter().filter_map(|home| self.address(*home)) {
            let _ = address.try_send(Vacate(line));
        }
    }

    /// Whether every home is open and has applied everything that was in the log at its start.
    pub async fn is_ready(&self) -> bool {
        let homes = self.all();
        if homes.len() < self.0.settings.homes {
            return false;
        }
        for home in homes {
            if !home.send(IsReady).await.unwrap_or(false) {
                return false;
            }
        }
        true
    }

    /// Answers every parked connect, telling the clients to come back at different times within `window`, and then
    /// closes the sockets.
    pub async fn drain(&self, window: Duration) {
        for home in self.all() {
            let _ = home.send(Drain(window)).await;
        }
        self.0.closed.store(true, Ordering::Release);
        self.0.closing.send_replace(true);
    }

    /// Takes no more requests, waits a little for word of the responses that are on their way, writes down how far
    /// each client was served, and stops the homes. To be called while the sockets are still served.
    pub async fn stop(&self) {
        let homes = self.all();
        let closed = async {
            for home in &homes {
                while home.send(Close).await.is_ok_and(|under_way| under_way > 0) {
                    tokio::time::sleep(LOOK).await;
                }
            }
        };
        if tokio::time::timeout(LAST_WORDS, closed).await.is_err() {
            tracing::warn!("some responses are still on their way: what they carry comes again");
        }
        for home in homes {
            let _ = home.send(Stop).await;
        }
    }
}

fn is_running(arbiter: &ArbiterHandle) -> bool {
    arbiter.spawn(std::future::ready(()))
}

/// A batch that its home has.
pub(super) struct Handed {
    key: ConnectKey,
    /// Which home.
    pub home: usize,
}

/// A client that waits. Dropped before its answer came, it tells the home that the client is gone.
struct Presence<'a> {
    broker: &'a Broker,
    home: usize,
    waits: Option<ConnectKey>,
}

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.waits
            && let Some(address) = self.broker.address(self.home)
        {
            // If the mailbox is full, the home finds out when it answers.
            let _ = address.try_send(Gone(key));
        }
    }
}
