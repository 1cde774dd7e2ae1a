//! What goes on around clients and server: publications, new wishes, the dark, kills, stops and goodbyes.

use std::time::Duration;

use crate::broker::tests::kit::End;
use crate::broker::tests::pair::{Action, Pair};

impl Pair {
    pub(super) fn next(&mut self) {
        let now = self.desk.now;
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        let pause = self.line.within(1_500);
        self.agenda.put(now + pause, Action::Next);
        let who = self.line.below(self.parties.len());
        match self.line.below(100) {
            0..40 => self.publish(),
            40..48 => (0..12).for_each(|_| self.publish()),
            48..66 => self.publish_as(who, "/demo/a"),
            66..74 => self.publish_as(who, "/service/echo"),
            74..82 => {
                let pattern = ["/demo/a", "/demo/**", "/demo/b/c"][self.line.below(3)];
                self.parties[who].client.subscribe(now, pattern);
            }
            82..87 => self.darken(who),
            87..90 if self.up.is_none() => {
                self.sums.count("killed");
                self.end(End::Killed);
            }
            90..92 if self.up.is_none() && !self.stopping => {
                self.stopping = true;
                self.desk.sessions.handle_drain(now, Duration::from_secs(2));
                self.agenda.put(now + Duration::from_secs(2), Action::Stop);
            }
            92..94 => {
                if let Some(goodbye) = self.parties[who].client.disconnect() {
                    self.sums.count("left");
                    self.send(who, goodbye);
                }
                self.replace(who);
            }
            94..97 => self.change_way(who),
            _ => {}
        }
    }

    /// Somebody publishes.
    fn publish(&mut self) {
        if self.up.is_none() {
            self.published += 1;
            let channel = ["/demo/a", "/demo/b", "/demo/b/c"][self.line.below(3)];
            self.desk.append_publication(channel, &self.published.to_string());
        }
    }

    fn publish_as(&mut self, who: usize, channel: &str) {
        self.published += 1;
        if let Some(request) = self.parties[who].client.publish(channel, self.published.to_string().as_bytes()) {
            self.send(who, request);
        }
    }

    /// A client is without a network for a while.
    fn darken(&mut self, who: usize) {
        self.sums.count("dark");
        let long = if self.line.chance(0.2) { self.room.dark() } else { 3_000 };
        self.parties[who].dark = self.desk.now + self.line.within(long);
        self.darken_wire(who);
        let waits = self.trips.iter().filter(|(_, trip)| trip.who == who && trip.open).map(|(trip, _)| *trip);
        for trip in waits.collect::<Vec<_>>() {
            for (key, copy) in self.copies.iter_mut().filter(|(_, copy)| copy.trip == trip) {
                copy.cut = true;
                self.agenda.put(self.desk.now + self.line.within(5_000), Action::Gone { key: *key });
            }
            let told = self.line.told();
            self.tell_lost(trip, told);
        }
    }

    pub(super) fn count_ends(&mut self) {
        for account in self.ledger.accounts() {
            let Some(reason) = account.ended.as_deref() else { continue };
            let what = match (account.ack, reason) {
                (_, "disconnected") => "ended: disconnected",
                (_, "lagged") => "ended: lagged",
                (true, "expired") => "ended: expired, ack",
                (false, "expired") => "ended: expired",
                (false, "lost") => "ended: lost",
                (true, "overrun") => "ended: overrun, ack",
                (false, "overrun") => "ended: overrun",
                (true, "unknown_ack") => "ended: unknown ack",
                (false, "unknown_ack") => "ended: no way back",
                other => panic!("no session ends like {other:?}"),
            };
            self.sums.count(what);
        }
    }
}
