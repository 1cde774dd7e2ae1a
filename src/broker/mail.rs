//! What the mailbox of a home takes.

use std::time::Duration;

use actix::{AsyncContext, Context, Message};
use tokio::sync::oneshot;

use crate::bayeux::{Batch, ConnectKey};
use crate::broker::adjustment::Adjustment;
use crate::broker::agents::{AgentsActor, Home};
use crate::broker::handle::{Outcome, Peer, Receipt};
use crate::broker::line::{Asked, LineId};
use crate::broker::sessions::Answered;
use crate::broker::wire::Wire;
use crate::ids::{ClientId, SessionId};
use crate::metrics::Waiting;

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

/// A session began at another home by this socket, which is its own from now on.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Vacate(pub LineId);

/// A response that carried a session's events was dropped, or was written and its home wanted word of that; or a socket that
/// was full has room again.
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

/// Take no more requests. Resolves to how many are not answered yet, or whose responses nobody knows the fate of;
/// questions that a back end has not answered count.
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

impl Tell {
    pub(super) fn is_of(&self, line: LineId) -> bool {
        match self {
            Self::Line(asked) => asked.out().is_some_and(|out| out.id == line),
            Self::Response(_) => false,
        }
    }

    /// A client that is gone drops the receipt, and so owes its session the events again.
    pub(super) fn answer(self, answer: Answered, ctx: &Context<AgentsActor>) {
        let receipt = |(session, fate)| Receipt::new(fate, session, ctx.address());
        match (self, answer) {
            (Self::Line(asked), Answered::Body { body, carries, begins }) => {
                let _ = asked.answer(Some(Wire::Websocket.frame(&body)), carries.map(receipt), begins);
            }
            (Self::Line(asked), Answered::Denied | Answered::Superseded) => {
                let _ = asked.answer(None, None, None);
            }
            (Self::Response(tell), Answered::Body { body, carries, begins: _ }) => {
                let _ = tell.send(Outcome::Answer { body, receipt: carries.map(receipt) });
            }
            (Self::Response(tell), Answered::Denied) => {
                let _ = tell.send(Outcome::Denied);
            }
            (Self::Response(tell), Answered::Superseded) => {
                let _ = tell.send(Outcome::Superseded);
            }
        }
    }
}
