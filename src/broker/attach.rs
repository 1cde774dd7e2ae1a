//! Sessions whose client has a socket: events are pushed there, and come back if the socket breaks.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::bayeux;
use crate::bayeux::{ConnectKey, Frame};
use crate::broker::browsers::Tab;
use crate::broker::line::{FRAMES, Flow, LineId, Out, Parcel};
use crate::broker::live::{Live, Paging, Stage};
use crate::broker::sessions::{Output, Seat, Sessions};
use crate::broker::wire::Wire;
use crate::metrics::{RedeliveryCause, Transport};

/// A session's socket.
#[derive(Debug)]
pub(super) struct Attached {
    out: Arc<Out>,
    flow: Arc<Flow>,
    /// How many frames were pushed.
    pushed: u64,
}

impl Attached {
    /// Lets go of the socket. How many frames it took over.
    pub(super) fn cut(&self) -> u64 {
        self.flow.cut()
    }

    /// How many frames it did not take over yet.
    pub(super) fn under_way(&self) -> usize {
        usize::try_from(self.pushed.saturating_sub(self.flow.taken())).unwrap_or_default()
    }

    /// The socket.
    pub(super) fn line(&self) -> LineId {
        self.out.id
    }

    /// Its end at the home, if it is a stream.
    pub(super) fn stream(&self) -> Option<Arc<Out>> {
        self.is_stream().then(|| Arc::clone(&self.out))
    }

    /// Whether it is a stream.
    pub(super) fn is_stream(&self) -> bool {
        match self.out.wire {
            Wire::EventStream => true,
            Wire::Websocket => false,
        }
    }

    /// Under what its sessions are counted.
    pub(super) fn transport(&self) -> Transport {
        self.out.wire.transport()
    }
}

/// Whether a frame did not bring all that was due.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum More {
    Nothing,
    Waits,
}

impl<T> Sessions<T> {
    /// A connect came: its session is where its client is, and nowhere else. A stream bears no connects.
    pub(super) fn follow(&mut self, key: ConnectKey, seat: Seat) {
        let line = self.conversations.get(&key).and_then(|conversation| conversation.line.clone());
        let attached = self.live.get(seat).and_then(|live| live.attached.as_ref());
        if attached.map(Attached::line) == line.as_ref().map(|out| out.id)
            || line.is_none() && attached.is_some_and(Attached::is_stream)
        {
            return;
        }
        self.detach(seat);
        if let Some(out) = line {
            self.attach(seat, out);
        }
    }

    /// Another message came: a session that nobody holds a connect of is where that came from.
    pub(super) fn join(&mut self, key: ConnectKey, seat: Seat) {
        let Some(out) = self.conversations.get(&key).and_then(|conversation| conversation.line.as_ref()) else {
            return;
        };
        let Some(live) = self.live.get(seat) else { return };
        if live.attached.is_none() && !live.is_parked() {
            let out = Arc::clone(out);
            self.attach(seat, out);
        }
    }

    /// A session was begun by a request, and with it by its socket, if it came by one.
    pub(super) fn begin_at(&mut self, now: Instant, key: ConnectKey) {
        let Some(conversation) = self.conversations.get_mut(&key) else { return };
        conversation.begins = Some(self.home);
        if let Some(line) = conversation.line.as_ref().map(|out| out.id) {
            self.vacate(now, line);
        }
    }

    /// A session was begun by this socket, which is its own from now on: those that were there before are away, and a connect
    /// that one of them had held there is given up without an answer, as if a newer one had taken its place.
    pub(super) fn vacate(&mut self, now: Instant, line: LineId) {
        for seat in self.lines.get(&line).cloned().unwrap_or_default() {
            self.detach(seat);
            if let Some(parked) = self.live.get(seat).and_then(Live::parked).filter(|key| self.is_of(*key, line)) {
                self.with_session(seat, |session| session.handle_lost(now, parked));
                self.supersede(parked);
            }
            self.flush(now, seat);
        }
    }

    fn attach(&mut self, seat: Seat, out: Arc<Out>) {
        let Some(live) = self.live.get_mut(seat) else { return };
        let Stage::Streaming(session) = &mut live.stage else { return };
        session.handle_attached();
        live.tab = Tab::Free;
        self.attach_to(seat, out);
    }

    /// Events of a session are pushed there from now on.
    pub(super) fn attach_to(&mut self, seat: Seat, out: Arc<Out>) {
        let Some(live) = self.live.get_mut(seat) else { return };
        self.lines.entry(out.id).or_default().push(seat);
        live.attached = Some(Attached { out, flow: Flow::of(live.state.session), pushed: 0 });
    }

    /// A session leaves its socket, if it has one: what that did not take over is owed again.
    pub(super) fn detach(&mut self, seat: Seat) {
        let Some(live) = self.live.get_mut(seat) else { return };
        let stream = live.attached.as_ref().and_then(Attached::stream);
        let Some((line, owed)) = live.leave() else { return };
        self.count_lost(owed);
        self.forget_line(line, seat);
        if let Some(out) = stream {
            self.outputs.push_back(Output::Push { out, parcel: Parcel::Last(None) });
        }
    }

    /// A session is no longer at this socket.
    pub(super) fn forget_line(&mut self, line: LineId, seat: Seat) {
        if let Some(seats) = self.lines.get_mut(&line) {
            seats.retain(|known| *known != seat);
            if seats.is_empty() {
                self.lines.remove(&line);
            }
        }
    }

    /// A socket is gone: its sessions are away from now on.
    pub(super) fn handle_parted(&mut self, now: Instant, line: LineId) {
        for seat in self.lines.remove(&line).unwrap_or_default() {
            let Some(live) = self.live.get_mut(seat) else { continue };
            // A stream holds one of its browser's connections.
            live.tab = if live.is_parked() { live.tab } else { Tab::Free };
            let owed = live.leave().map_or(0, |(_, owed)| owed);
            let parked = live.parked();
            self.count_lost(owed);
            match parked {
                Some(key) if self.is_of(key, line) => self.handle_gone(now, key),
                Some(_) | None => self.flush(now, seat),
            }
        }
    }

    fn count_lost(&self, owed: usize) {
        self.metrics.redeliveries_total.of(RedeliveryCause::Lost).inc_by(u64::try_from(owed).unwrap_or(u64::MAX));
    }

    fn is_of(&self, key: ConnectKey, line: LineId) -> bool {
        let asked = self.conversations.get(&key).and_then(|conversation| conversation.line.as_ref());
        asked.is_some_and(|out| out.id == line)
    }

    /// Pushes what a session is owed to its socket, if it has one that has room. While it is told history, its socket
    /// gives word of what it took over, for then the next page is due; and while publishers wait for it.
    pub(super) fn push(&mut self, now: Instant, seat: Seat) {
        while self.push_frame(now, seat) == More::Waits {}
        if let Some(Live { stage: Stage::Streaming(session), attached: Some(attached), paging, slow, .. }) =
            self.live.get_mut(seat)
            && (matches!(paging, Paging::Owed(_)) || *slow && attached.under_way() > 0)
        {
            session.handle_taken(attached.flow.starve());
        }
    }

    fn push_frame(&mut self, now: Instant, seat: Seat) -> More {
        let Some(Live { stage: Stage::Streaming(session), attached: Some(attached), .. }) = self.live.get_mut(seat)
        else {
            return More::Nothing;
        };
        let mut has_room = |taken: u64| {
            session.handle_taken(taken);
            attached.pushed.saturating_sub(taken) < FRAMES && !session.is_crowded()
        };
        if !has_room(attached.flow.taken()) && !has_room(attached.flow.starve()) {
            session.handle_full();
            return More::Nothing;
        }
        let events = session.poll_frame(now, attached.pushed + 1);
        if events.is_empty() {
            return More::Nothing;
        }
        let more = if session.is_crowded() { More::Waits } else { More::Nothing };
        attached.pushed += 1;
        let (out, flow) = (Arc::clone(&attached.out), Arc::clone(&attached.flow));
        let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
        self.metrics.deliveries_total.of(out.wire.transport()).inc_by(count);
        let frame = self.framed(out.wire, events);
        self.outputs.push_back(Output::Push { out, parcel: Parcel::Events { frame, flow } });
        more
    }

    /// The frame of these events. Sessions that hear the same follow each other, so the newest frame is kept.
    fn framed(&mut self, wire: Wire, events: Frame) -> Bytes {
        let same = |known: &Frame| {
            known.len() == events.len() && known.iter().zip(&events).all(|(known, event)| is_same(&known.0, &event.0))
        };
        if let Some((_, _, frame)) = self.framed.as_ref().filter(|(on, known, _)| *on == wire && same(known)) {
            return frame.clone();
        }
        let frame = wire.frame(&bayeux::body(&events, &[]));
        self.framed = Some((wire, events, frame.clone()));
        frame
    }
}

/// Whether it is the same rendering, without looking at it.
fn is_same(one: &Bytes, other: &Bytes) -> bool {
    one.as_ptr() == other.as_ptr() && one.len() == other.len()
}
