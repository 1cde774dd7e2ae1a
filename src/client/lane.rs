//! One keep-alive HTTP/1.1 connection on which requests follow each other.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper::{Request, Response, body};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A request that got no answer.
#[derive(Debug, thiserror::Error)]
pub enum LaneError {
    /// The answer is larger than any Bayeux response should be, or broke off.
    #[error("the response could not be read")]
    Body,
    /// The connection broke, or what came is no HTTP.
    #[error("the connection broke: {0}")]
    Broken(#[from] hyper::Error),
    /// The server did not answer in time.
    #[error("no answer came in time")]
    Late,
    /// No connection could be made.
    #[error("no connection: {0}")]
    Unreachable(#[from] io::Error),
}

/// What happened on the wire, counted over all clients that share it.
#[derive(Debug, Default)]
pub struct Tally {
    requests: AtomicU64,
    errors: AtomicU64,
}

/// The counts of a [`Tally`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TallyCounts {
    /// Requests that were sent.
    pub requests: u64,
    /// Requests that got no answer, or one with another status than 200, or one that is no Bayeux.
    pub errors: u64,
}

impl Tally {
    /// The counts so far.
    pub fn counts(&self) -> TallyCounts {
        TallyCounts { requests: self.requests.load(Ordering::Relaxed), errors: self.errors.load(Ordering::Relaxed) }
    }

    pub(super) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }
}

/// A connection that is made when it is first needed, and again after it broke.
#[derive(Default)]
pub(super) struct Lane {
    wire: Option<Wire>,
}

struct Wire {
    sender: http1::SendRequest<Full<Bytes>>,
    /// Polled by whoever waits for an answer, so that an answer wakes one task and not two. `None` once over.
    connection: Option<Connection>,
}

type Connection = Pin<Box<http1::Connection<TokioIo<TcpStream>, Full<Bytes>>>>;

impl Lane {
    /// Sends a request and waits for the whole answer.
    ///
    /// # Cancel safety
    /// When it is dropped the connection is closed, and the answer, if any, is lost.
    pub(super) async fn send(
        &mut self,
        addr: SocketAddr,
        request: Request<Full<Bytes>>,
        patience: Duration,
    ) -> Result<Response<Bytes>, LaneError> {
        // The wire goes back in only after a whole answer: a half-read connection is of no use.
        let idle = self.wire.take();
        let exchange = async {
            let open = match idle {
                Some(wire) => wire.still_open().await,
                None => None,
            };
            let mut wire = match open {
                Some(wire) => wire,
                None => Wire::open(addr).await?,
            };
            let response = wire.exchange(request).await?;
            Ok::<_, LaneError>((wire, response))
        };
        let (wire, response) = tokio::time::timeout(patience, exchange).await.map_err(|_| LaneError::Late)??;
        self.wire = Some(wire);
        Ok(response)
    }
}

impl Wire {
    async fn open(addr: SocketAddr) -> Result<Self, LaneError> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::Builder::new().handshake(TokioIo::new(stream)).await?;
        Ok(Self { sender, connection: Some(Box::pin(connection)) })
    }

    /// Itself, if the server has left it open since the last answer.
    async fn still_open(mut self) -> Option<Self> {
        let Self { sender, connection } = &mut self;
        let open = drive(connection, sender.ready()).await.is_ok();
        open.then_some(self)
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, LaneError> {
        let Self { sender, connection } = self;
        let answer = async {
            let (head, body) = sender.send_request(request).await?.into_parts();
            Ok::<_, LaneError>(Response::from_parts(head, collect(body).await?))
        };
        drive(connection, answer).await
    }
}

async fn collect(body: body::Incoming) -> Result<Bytes, LaneError> {
    let whole = Limited::new(body, LARGEST_BODY).collect().await.map_err(|_| LaneError::Body)?;
    Ok(whole.to_bytes())
}

/// Polls the connection along with what waits on it.
async fn drive<F: Future>(connection: &mut Option<Connection>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        loop {
            let over = match connection {
                Some(connection) => connection.as_mut().poll(cx).is_ready(),
                None => false,
            };
            if over {
                *connection = None;
            }
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(output);
            }
            if !over {
                return Poll::Pending;
            }
        }
    })
    .await
}

/// No response may be larger.
const LARGEST_BODY: usize = 16 * 1024 * 1024;
