//! Tabs of one browser: how many of its sessions may hold a connect, as a browser has few connections to one server.

use std::collections::BTreeMap;
use std::time::Instant;

use smallvec::SmallVec;

use crate::bayeux::{ConnectKey, Error, Hold, MessageId, Reply, ReplyAdvice};
use crate::broker::live::{Live, Stage};
use crate::broker::sessions::{Seat, Sessions};
use crate::ids::CookieHash;
use crate::metrics::{ConnectOutcome, Label, Limit};

/// The sessions of each browser, by its cookie.
#[derive(Debug, Default)]
pub(super) struct Browsers(BTreeMap<CookieHash, SmallVec<[Seat; 2]>>);

/// What a session has of the connections of its browser.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tab {
    /// Its browser holds as many connects as it may, for other sessions.
    Crowded,
    /// Its client is not there, or did not connect yet.
    Free,
    /// Its connects are held. It keeps that right between two of them.
    Holds,
}

impl Browsers {
    pub(super) fn enter(&mut self, cookie: CookieHash, seat: Seat) {
        self.0.entry(cookie).or_default().push(seat);
    }

    pub(super) fn leave(&mut self, cookie: CookieHash, seat: Seat) {
        if let Some(seats) = self.0.get_mut(&cookie) {
            seats.retain(|other| *other != seat);
            if seats.is_empty() {
                self.0.remove(&cookie);
            }
        }
    }
}

impl<T> Sessions<T> {
    /// Whether a session's connect may be held, for all that the other tabs of its browser do.
    pub(super) fn room_in_browser(&mut self, now: Instant, seat: Seat) -> Hold {
        let rules = &self.settings.session_rules;
        let crowded = rules.sessions_per_browser.is_some_and(|most| self.held_beside(now, seat) >= most);
        let Some(live) = self.live.get_mut(seat) else { return Hold::Allowed };
        if !crowded {
            live.tab = Tab::Holds;
            return Hold::Allowed;
        }
        if live.tab != Tab::Crowded {
            self.metrics.rejected_total.of(Limit::SessionsPerBrowser).inc();
        }
        live.tab = Tab::Crowded;
        let interval = Some(rules.multi_session_interval);
        Hold::Crowded(ReplyAdvice { interval, multiple_clients: true, ..ReplyAdvice::RETRY })
    }

    /// How many other sessions of its browser hold a connect, or will do so again in a moment.
    fn held_beside(&self, now: Instant, seat: Seat) -> usize {
        let cookie = self.live.get(seat).and_then(|live| live.state.cookie);
        let Some(seats) = cookie.and_then(|cookie| self.browsers.0.get(&cookie)) else { return 0 };
        let patience = self.settings.session_rules.multi_session_interval;
        let holds = |live: &&Live| {
            live.tab == Tab::Holds
                && match &live.stage {
                    Stage::Behind { .. } => false,
                    Stage::Streaming(session) => !session.is_late(now, patience),
                }
        };
        seats.iter().filter(|other| **other != seat).filter_map(|other| self.live.get(*other)).filter(holds).count()
    }

    /// Turns a crowded client away for good, if that is how it is set. `false` if not.
    pub(super) fn turn_away(&mut self, key: ConnectKey, id: Option<&MessageId>, hold: Hold) -> bool {
        match hold {
            Hold::Crowded(advice) if advice.interval.is_none_or(|interval| interval.is_zero()) => {
                self.metrics.connects_total.of(ConnectOutcome::Refused).inc();
                let error = Some(Error::limit(Limit::SessionsPerBrowser.as_str()));
                let advice = Some(ReplyAdvice { multiple_clients: true, ..ReplyAdvice::NONE });
                self.reply(key, Reply::Connect { id: id.cloned(), error, advice, ack: None });
                true
            }
            Hold::Allowed | Hold::Crowded(_) | Hold::Streamed | Hold::Together => false,
        }
    }
}
