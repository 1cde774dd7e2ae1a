//! `/v2/me/**` is another feed for each agent, whatever anyone subscribes or publishes to.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::broker::Settings;
use crate::broker::tests::kit::{Desk, End, connect, connect_ack, peer, publish, settings, subscribe};

const AGENTS: [&str; 3] = ["15000", "15001", "15002"];
const PATTERNS: [&str; 9] =
    ["/**", "/*", "/v2/**", "/v2/*", "/v2/me/**", "/v2/me/*", "/v2/me/calls", "/v2/me/calls/*", "/demo/**"];

/// What was seen of the feeds.
#[derive(Debug, Default)]
struct Seen {
    own: usize,
    resumed: usize,
    forged: usize,
}

fn check(seen: &mut Seen, body: &str, reader: &str) {
    for agent in AGENTS {
        let marks = body.matches(&format!("mark-{agent}")).count();
        assert!(marks == 0 || agent == reader, "{reader} sees what {agent} was told: {body}");
        seen.own += marks;
    }
    assert!(!body.contains("forged"), "{body}");
}

#[test]
fn nobody_ever_sees_another_agents_feed() {
    let mut seen = Seen::default();
    for seed in 0..20 {
        run(&mut StdRng::seed_from_u64(seed), &mut seen);
    }
    assert!(seen.own > 300 && seen.resumed > 50 && seen.forged > 50, "{seen:?}");
}

fn run(dice: &mut StdRng, seen: &mut Seen) {
    let mut desk = Desk::with(Settings { queue_messages: 1000, subscriptions_per_session: 128, ..settings() });
    for agent in AGENTS {
        desk.shake(&peer(agent), &format!("plain-{agent}"), "");
        desk.shake(&peer(agent), &format!("ack-{agent}"), "ack");
    }
    for _ in 0..150 {
        let agent = AGENTS[dice.random_range(0..AGENTS.len())];
        let me = peer(agent);
        let pattern = PATTERNS[dice.random_range(0..PATTERNS.len())];
        let client = format!("{}-{agent}", if dice.random_range(0..2) == 0 { "plain" } else { "ack" });
        let key = match dice.random_range(0..12) {
            0..3 => desk.send(&me, &subscribe(&client, pattern)),
            3 => desk.send(&me, &subscribe(&client, pattern).replace("/meta/subscribe", "/meta/unsubscribe")),
            4..7 => {
                desk.dial(agent, &format!("mark-{agent}"));
                continue;
            }
            7 => {
                seen.forged += 1;
                desk.send(&me, &publish(&client, "/v2/me/calls", "'forged'"))
            }
            8 => {
                // Another agent's session, with its clientId known.
                let other = AGENTS[dice.random_range(0..AGENTS.len())];
                desk.send(&me, &connect(&format!("plain-{other}")))
            }
            9 => {
                desk.pass(Duration::from_secs(31));
                if dice.random_range(0..3) == 0 {
                    desk.restart(End::Killed);
                    seen.resumed += 1;
                }
                desk.shake(&me, &format!("plain-{agent}"), "");
                continue;
            }
            _ => desk.send(&me, &if client.starts_with("ack") { connect_ack(&client, 0) } else { connect(&client) }),
        };
        desk.pump();
        if let Some(body) = desk.raw_answer(key) {
            check(seen, &body, agent);
        }
    }
}
