//! A socket's line to the homes of its sessions and back: requests one way, frames the other. A stream is a line that
//! bears no requests.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use smallvec::{SmallVec, smallvec};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::bayeux::Batch;
use crate::broker::handle::{Broker, Peer, Receipt};
use crate::broker::mail::Tell;
use crate::broker::wire::Wire;
use crate::ids::{AgentId, SessionId};

/// Frames with events that may be on their way to one socket. What comes beyond waits in its session's queue, and then
/// goes together in one frame.
pub(super) const FRAMES: u64 = 16;

/// Requests of one socket that may be under way. A further one is not read before one of them is answered.
const REQUESTS: usize = 16;

/// Room for all that may be on its way: frames with events of a few sessions, also of those that left, and answers. A
/// line that is asked to hold more is given up: its socket closes, and its clients come back on others.
const ROOM: usize = 8 * 16 + REQUESTS;

/// One socket, as the homes know it. Never used twice.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct LineId(pub u64);

/// Whether the client has shown a browser cookie when the socket was opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shown {
    /// It has: its sessions are bound to it, as over HTTP.
    Cookie,
    /// It has not. Clients that are no browser often keep none, so the sessions of one that is logged in are bound to
    /// the login alone.
    Nothing,
}

/// A home's end of a line. Cheap to share.
#[derive(Debug)]
pub(super) struct Out {
    pub id: LineId,
    pub shown: Shown,
    pub wire: Wire,
    parcels: mpsc::Sender<Parcel>,
    /// Whether something found no room.
    overrun: AtomicBool,
}

/// What a home sends.
#[derive(Debug)]
pub(super) enum Parcel {
    /// The answer to a request.
    Answer {
        /// What to write: nothing if a newer connect took its place.
        frame: Option<Bytes>,
        /// By which the session learns that it was written.
        receipt: Option<Receipt>,
        /// The home at which a session begins with it, if one does.
        begins: Option<usize>,
    },
    /// A request was given up without an answer.
    Dropped,
    /// Events of a session.
    Events {
        /// What to write.
        frame: Bytes,
        /// By which the session learns that it was written.
        flow: Arc<Flow>,
    },
    /// Nothing more after this: the stream's session has ended, or is elsewhere.
    Last(Option<Bytes>),
}

/// The line is closed, or full, which closes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Closed;

impl Out {
    /// Both ends of a line.
    pub(super) fn pair(id: LineId, shown: Shown) -> (Arc<Self>, mpsc::Receiver<Parcel>) {
        Self::over(Wire::Websocket, id, shown)
    }

    /// Both ends of a stream.
    pub(super) fn stream(id: LineId) -> (Arc<Self>, mpsc::Receiver<Parcel>) {
        Self::over(Wire::EventStream, id, Shown::Cookie)
    }

    fn over(wire: Wire, id: LineId, shown: Shown) -> (Arc<Self>, mpsc::Receiver<Parcel>) {
        let (parcels, receiver) = mpsc::channel(ROOM);
        (Arc::new(Self { id, shown, wire, parcels, overrun: AtomicBool::new(false) }), receiver)
    }

    /// Sends, at once.
    pub(super) fn send(&self, parcel: Parcel) -> Result<(), Closed> {
        self.parcels.try_send(parcel).map_err(|refused| {
            if let TrySendError::Full(_) = refused {
                self.overrun.store(true, Ordering::Release);
            }
            Closed
        })
    }

    /// Whether something found no room: what is left of the line is of no use.
    pub(super) fn is_overrun(&self) -> bool {
        self.overrun.load(Ordering::Acquire)
    }
}

/// Whom to tell the answer to a socket's request. Dropped without, it says so.
#[derive(Debug)]
pub(super) struct Asked(Option<Arc<Out>>);

impl Asked {
    pub(super) fn new(out: Arc<Out>) -> Self {
        Self(Some(out))
    }

    pub(super) fn out(&self) -> Option<&Arc<Out>> {
        self.0.as_ref()
    }

    pub(super) fn answer(
        mut self,
        frame: Option<Bytes>,
        receipt: Option<Receipt>,
        begins: Option<usize>,
    ) -> Result<(), Closed> {
        self.0.take().map_or(Err(Closed), |out| out.send(Parcel::Answer { frame, receipt, begins }))
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if let Some(out) = self.0.take() {
            // A line that is closed needs to know nothing.
            let _ = out.send(Parcel::Dropped);
        }
    }
}

/// How many frames of one session a socket took over. Shared by both ends, so that a delivery needs no message back.
#[derive(Debug)]
pub(super) struct Flow {
    pub session: SessionId,
    /// The count, and the two flags.
    taken: AtomicU64,
}

const CUT: u64 = 1 << 63;
const STARVED: u64 = 1 << 62;
const COUNT: u64 = STARVED - 1;

/// What a socket is to do with a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Took {
    /// Nothing: its session has left, and is owed again what it carries.
    Nothing,
    /// Write it.
    Frame,
    /// Write it, and tell the session's home that there is room again.
    Last,
}

impl Flow {
    pub(super) fn of(session: SessionId) -> Arc<Self> {
        Arc::new(Self { session, taken: AtomicU64::new(0) })
    }

    /// How many were taken over.
    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Acquire) & COUNT
    }

    /// The socket is about to write the next frame.
    pub(super) fn take(&self) -> Took {
        let before = self.taken.fetch_add(1, Ordering::AcqRel);
        if before & CUT != 0 {
            return Took::Nothing;
        }
        if before & STARVED == 0 {
            return Took::Frame;
        }
        self.taken.fetch_and(!STARVED, Ordering::AcqRel);
        Took::Last
    }

    /// There is more, and no room: the home asks to be told. How many were taken over by then.
    pub(super) fn starve(&self) -> u64 {
        self.taken.fetch_or(STARVED, Ordering::AcqRel) & COUNT
    }

    /// The session leaves: nothing that was not taken over will be. How many were.
    pub(super) fn cut(&self) -> u64 {
        self.taken.fetch_or(CUT, Ordering::AcqRel) & COUNT
    }
}

/// A socket's end of its line. Dropping it says that the client is gone: a parked connect is given up, and what was not
/// taken over is owed again.
pub struct Line {
    broker: Broker,
    peer: Peer,
    out: Arc<Out>,
    parcels: mpsc::Receiver<Parcel>,
    /// The homes that were asked for something.
    homes: SmallVec<[usize; 1]>,
    /// Requests under way.
    asked: usize,
    closing: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Whom `closing` will wake.
    woken: Option<Waker>,
}

/// What comes down a line.
#[derive(Debug)]
pub enum Delivery {
    /// Nothing more: the server stops.
    Closing,
    /// Something to write, framed as the line's client reads it.
    Frame(Bytes),
    /// Nothing more after this: the stream's session has ended, or is elsewhere.
    Last(Option<Bytes>),
    /// A request found no room, and gets no answer.
    Overloaded,
}

/// Too much is waiting; nothing was done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Busy;

impl Line {
    pub(super) fn new(broker: Broker, id: LineId, peer: Peer, shown: Shown) -> Self {
        Self::over(broker, peer, Out::pair(id, shown), SmallVec::new())
    }

    /// A stream from this home, which is to be told of its end.
    pub(super) fn stream(broker: Broker, id: LineId, peer: Peer, home: usize) -> Self {
        Self::over(broker, peer, Out::stream(id), smallvec![home])
    }

    fn over(
        broker: Broker,
        peer: Peer,
        (out, parcels): (Arc<Out>, mpsc::Receiver<Parcel>),
        homes: SmallVec<[usize; 1]>,
    ) -> Self {
        let closing = Box::pin(broker.closing());
        Self { broker, peer, out, parcels, homes, asked: 0, closing, woken: None }
    }

    /// The home's end.
    pub(super) fn out(&self) -> Arc<Out> {
        Arc::clone(&self.out)
    }

    /// Whether nobody is logged in where somebody must be.
    pub fn needs_login(&self) -> bool {
        self.peer.desktop && self.peer.agent.is_none()
    }

    /// Whose is what comes.
    pub fn agent(&self) -> Option<&AgentId> {
        self.peer.agent.as_ref()
    }

    /// What comes from now on is this agent's.
    pub fn log_in(&mut self, agent: AgentId) {
        self.peer.agent = Some(agent);
    }

    /// Takes a batch in. Its answer comes as a frame.
    ///
    /// # Errors
    /// [`Busy`] if its home has no room for it.
    pub fn take(&mut self, batch: Batch) -> Result<(), Busy> {
        let tell = Tell::Line(Asked::new(Arc::clone(&self.out)));
        let handed = self.broker.hand(self.peer.clone(), batch, tell)?;
        self.asked += 1;
        if !self.homes.contains(&handed.home) {
            self.homes.push(handed.home);
        }
        Ok(())
    }

    /// Whether as many requests are under way as may be: read no further one.
    pub fn is_full(&self) -> bool {
        self.asked >= REQUESTS
    }

    /// Whether any request is under way, such as a connect that is held.
    pub fn is_waiting(&self) -> bool {
        self.asked > 0
    }

    /// The next frame. What is handed out counts as written.
    pub fn poll_delivery(&mut self, cx: &mut Context<'_>) -> Poll<Delivery> {
        if self.out.is_overrun() {
            return Poll::Ready(Delivery::Overloaded);
        }
        while let Poll::Ready(Some(parcel)) = self.parcels.poll_recv(cx) {
            match parcel {
                Parcel::Answer { frame, receipt, begins } => {
                    self.asked = self.asked.saturating_sub(1);
                    if let Some(home) = begins {
                        // Its own home has seen to its neighbours there.
                        self.homes.retain(|other| *other != home);
                        self.broker.vacate(&self.homes, self.out.id);
                        self.homes.push(home);
                    }
                    if let Some(receipt) = receipt {
                        receipt.written();
                    }
                    if let Some(frame) = frame {
                        return Poll::Ready(Delivery::Frame(frame));
                    }
                }
                Parcel::Dropped => return Poll::Ready(Delivery::Overloaded),
                Parcel::Last(last) => return Poll::Ready(Delivery::Last(last)),
                Parcel::Events { frame, flow } => match flow.take() {
                    Took::Nothing => {}
                    Took::Frame => return Poll::Ready(Delivery::Frame(frame)),
                    Took::Last => {
                        self.broker.has_room(&self.peer, flow.session);
                        return Poll::Ready(Delivery::Frame(frame));
                    }
                },
            }
        }
        self.poll_closing(cx)
    }

    /// All sockets wait for the same word under one lock, so it is asked for anew only when another task asks.
    fn poll_closing(&mut self, cx: &mut Context<'_>) -> Poll<Delivery> {
        if self.broker.is_closing() {
            return Poll::Ready(Delivery::Closing);
        }
        if self.woken.as_ref().is_some_and(|woken| woken.will_wake(cx.waker())) {
            return Poll::Pending;
        }
        self.woken = Some(cx.waker().clone());
        self.closing.as_mut().poll(cx).map(|()| Delivery::Closing)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.broker.parted(&self.homes, self.out.id);
    }
}
