//! What an upstream is, however it is reached.

use std::fmt;
use std::future::{self, Future};
use std::pin::Pin;

use bytes::Bytes;

use crate::bayeux::Channel;
use crate::ids::{AgentId, SessionId};

use super::endpoint::Endpoint;

/// A message that a client sent to a service channel.
#[derive(Clone, Debug)]
pub struct Question {
    /// Where it was sent to.
    pub channel: Channel,
    /// What: JSON as it came.
    pub data: Bytes,
    /// The message's id, as a JSON token.
    pub id: Option<Bytes>,
    /// Who sent it; `None` for nobody in particular.
    pub agent: Option<AgentId>,
    /// The public handle of the session.
    pub session: SessionId,
}

/// What a back end answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// Yes, with this JSON.
    Data(Bytes),
    /// Nothing that is worth telling.
    Nothing,
    /// No, with this JSON.
    Refused(Bytes),
    /// It did not answer.
    Failed(Failure),
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// The connection broke after the question was sent: nobody knows whether it was taken.
    Broken,
    /// As many questions are open as may be; it was not sent.
    Busy,
    /// What came is no answer: another status than 200 or 204, other JSON, or too much of it.
    Invalid,
    /// No answer came in time.
    Late,
    /// No connection could be made; it was not sent.
    Unreachable,
}

/// A question under way. Dropping it gives it up.
pub type Asking = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Puts questions to back ends.
///
/// A question is sent at most once. As many as may be open are; one more fails with [`Failure::Busy`] at once.
pub trait Upstream: fmt::Debug + Send + Sync + 'static {
    /// Puts a question to a back end.
    fn ask(&self, endpoint: &Endpoint, question: Question) -> Asking;
}

/// There are no back ends.
#[derive(Clone, Copy, Debug)]
pub struct NoUpstream;

impl Upstream for NoUpstream {
    fn ask(&self, _: &Endpoint, _: Question) -> Asking {
        Box::pin(future::ready(Answer::Failed(Failure::Unreachable)))
    }
}
