//! Sessions in the test's own process: how the broker is set, and how a client asks it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use partyline::bayeux::{Batch, Limits};
use partyline::broker::{Broker, Footing, Outcome, Peer, Receipt, Remote};
use partyline::calls::Rules;
use partyline::gws::{Base, Rendering};
use partyline::ids::{AgentId, BrowserCookie};
use partyline::upstream::NoUpstream;
use partyline::{bayeux, broker};

/// What desktops are shown where these rules hold.
pub(crate) fn rendering(rules: Rules) -> Rendering {
    Rendering {
        base: Base("http://localhost".into()),
        attached_data_first: true,
        rules,
        old_participants: false,
        numbering: None,
        voice_channel: true,
    }
}

/// Sessions that last as long as a test, in one home.
pub(crate) fn sessions(rendering: Rendering) -> broker::Settings {
    broker::Settings {
        timeout: Duration::from_secs(3600),
        interval: Duration::ZERO,
        max_interval: Duration::from_secs(3600),
        resume: Duration::from_secs(3600),
        session_rules: broker::SessionRules::default(),
        queue_messages: 1000,
        queue_bytes: 1 << 20,
        sessions: 100,
        sessions_per_agent: 10,
        subscriptions_per_session: 10,
        transports: broker::Transports { cometd: &["long-polling"], desktops: &["long-polling"] },
        binding: broker::Binding::Cookie,
        anonymous: broker::Anonymous::Refuse,
        desktop_unknown: bayeux::Error::parse("402::Unknown client").unwrap(),
        rules: broker::Rules::default(),
        upstream: Arc::new(NoUpstream),
        rendering,
        node: "local".into(),
        homes: 1,
    }
}

/// What an agent's client in this browser gets for a request, and the receipt that is to be told when it was written.
pub(crate) async fn ask(broker: &Broker, agent: &AgentId, browser: &str, body: &str) -> (Vec<u8>, Option<Receipt>) {
    let limits = Limits { batch_messages: 64, json_depth: 32, subscriptions: 128 };
    let batch = Batch::decode(&Bytes::from(body.to_owned()), &limits).unwrap();
    let cookie = BrowserCookie::presented(browser);
    let peer = Peer {
        agent: Some(agent.clone()),
        login: None,
        cookie,
        desktop: true,
        footing: Footing::Good,
        remote: Remote::default(),
    };
    match broker.take(peer, batch).await {
        Outcome::Answer { body, receipt } => (body, receipt),
        Outcome::Busy | Outcome::Denied | Outcome::Superseded => panic!("not answered"),
    }
}
