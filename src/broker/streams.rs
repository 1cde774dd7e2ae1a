//! Sessions whose client reads a stream: an HTTP response without end, beside its requests.

use std::sync::Arc;
use std::time::Instant;

use crate::bayeux;
use crate::bayeux::{Event, Extra, Hold, Reply, ReplyAdvice};
use crate::broker::attach::Attached;
use crate::broker::ending::{Word, begin_again};
use crate::broker::handle::Peer;
use crate::broker::line::{Out, Parcel, Shown};
use crate::broker::live::{Live, Stage};
use crate::broker::publications::goodbye;
use crate::broker::resume::Attended;
use crate::broker::session_rules::Stamp;
use crate::broker::sessions::{Output, Seat, Sessions};
use crate::broker::wire::Wire;
use crate::clock;
use crate::ids::SessionId;

/// Why there is no stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoStream {
    /// Just now there cannot be, or its browser holds as many connections as it may.
    #[error("the server is busy")]
    Busy,
    /// The session acknowledges, is served by connects only, or has a websocket.
    #[error("the session has another way")]
    Unsuited,
    /// Nobody has this session, or it is not this client's.
    #[error("there is no such session")]
    Unknown,
}

impl<T> Sessions<T> {
    /// A client opens a stream: events of its session are pushed there from now on, and no longer to an older stream.
    ///
    /// # Errors
    /// [`NoStream`]; nothing has changed.
    pub(super) fn handle_stream(
        &mut self,
        now: Instant,
        peer: &Peer,
        session: SessionId,
        out: Arc<Out>,
    ) -> Result<(), NoStream> {
        if self.draining.is_some() {
            return Err(NoStream::Busy);
        }
        let seat = self.seats.get(&session).copied().ok_or(NoStream::Unknown)?;
        let live = self.live.get(seat).ok_or(NoStream::Unknown)?;
        if !self.settings.binding.allows(peer, Shown::Cookie, live.state.agent.as_ref(), live.state.cookie) {
            return Err(NoStream::Unknown);
        }
        if live.state.ack || live.attached.as_ref().is_some_and(|attached| !attached.is_stream()) {
            return Err(NoStream::Unsuited);
        }
        if let Stage::Streaming(session) = &live.stage
            && !session.may_be_direct()
        {
            return Err(NoStream::Unsuited);
        }
        match self.room_in_browser(now, seat) {
            Hold::Allowed | Hold::Streamed | Hold::Together => {}
            Hold::Crowded(_) => return Err(NoStream::Busy),
        }
        if self.must_recall(seat, None) {
            return Err(NoStream::Busy);
        }
        match self.attend(now, seat, None) {
            Attended::Served => {}
            Attended::Over(_) | Attended::Part { .. } => return Err(NoStream::Unknown),
        }
        self.detach(seat);
        self.with_session(seat, |session| session.handle_streamed(now));
        self.attach_to(seat, out);
        self.flush(now, seat);
        Ok(())
    }

    /// Whether a session's events go to a stream.
    pub(super) fn is_streamed(&self, seat: Seat) -> bool {
        match self.live.get(seat) {
            Some(Live { stage: Stage::Streaming(session), attached: Some(attached), .. }) => {
                attached.is_stream() && session.is_direct()
            }
            Some(_) | None => false,
        }
    }

    /// The session of a stream is over. Its client may be long in connecting again, so it is told at once, as it would be
    /// in answer to a connect.
    pub(super) fn part_from(&mut self, attached: &Attached, word: Option<&Word>) {
        let Some(out) = attached.stream() else { return };
        let time = (self.settings.session_rules.stamp == Stamp::Everything).then(clock::wall);
        let body = |events: &[Event], reply| bayeux::body_with(events, &[reply], |_| Extra { sync: None, time });
        let last = word.map(|word| match word {
            Word::Away => {
                let reply = Reply::Connect { id: None, error: None, advice: Some(ReplyAdvice::NONE), ack: None };
                body(&[goodbye(&self.settings)], reply)
            }
            Word::Handshake(error) => body(&[], begin_again(None, error.clone())),
        });
        let last = last.map(|body| Wire::EventStream.frame(&body));
        self.outputs.push_back(Output::Push { out, parcel: Parcel::Last(last) });
    }
}
