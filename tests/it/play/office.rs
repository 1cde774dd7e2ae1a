//! The real server that is played over HTTP, and who works there.

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use partyline::directory::Feature;

use super::life::{AGENTS, POINT, QUEUES, UNREGISTERED};
use crate::harness::{Agent, Server};

/// A server on whose switch things go fast. Each setting is each way with some seeds.
pub(super) fn open(seed: u64) -> Server {
    let yes = |divisor: u64, rest: u64| if seed % divisor == rest { "true" } else { "false" };
    let or =
        |divisor: u64, is: &'static str, other: &'static str| if seed.is_multiple_of(divisor) { other } else { is };
    let settings = [
        ("DIRECTORY__DEMO_AGENTS", "off".to_owned()),
        ("DIRECTORY__AGENT", accounts()),
        ("SERVER__WORKERS", "2".to_owned()),
        ("LOG__DURABILITY", or(2, "commit", "interval").to_owned()),
        ("BAYEUX__HANDSHAKE_RATE", "0".to_owned()),
        ("BAYEUX__MAX_INTERVAL", "1h".to_owned()),
        ("DESKTOPS__TRANSPORTS", r#"["long-polling", "websocket"]"#.to_owned()),
        ("DRAIN__WINDOW", "0s".to_owned()),
        ("SIMULATED__SEED", (seed + 1).to_string()),
        // Most of what the switch is asked has failed before it is done, with some seeds.
        ("SWITCH__ASK_TIMEOUT", if seed % 4 == 3 { "1ms" } else { "10s" }.to_owned()),
        ("SIMULATED__RING_TIMEOUT", "1500ms".to_owned()),
        ("SIMULATED__ANSWER_AFTER", "30ms".to_owned()),
        ("SIMULATED__UNREGISTERED", format!("[\"{UNREGISTERED}\"]")),
        ("SIMULATED__QUEUES", format!("[\"{}\", \"{}\"]", QUEUES[0], QUEUES[1])),
        ("SIMULATED__ROUTE_POINT", format!("[{{ number = \"{POINT}\", queue = \"{}\" }}]", QUEUES[1])),
        ("SIMULATED__ARRIVALS", or(3, "900ms", "0s").to_owned()),
        ("SIMULATED__TALK_TIME", "2s".to_owned()),
        ("SIMULATED__PATIENCE", "1s".to_owned()),
        ("SIMULATED__PREVIEWS", or(3, "1s", "0s").to_owned()),
        ("AGENTS__AFTER_CALL_WORK", ["never", "received", "always"][usize::try_from(seed % 3).unwrap()].to_owned()),
        ("AGENTS__AFTER_CALL_TIME", or(2, "0s", "300ms").to_owned()),
        ("AGENTS__NOT_ANSWERED", or(2, "not-ready", "stay").to_owned()),
        ("GWS__TWO_PARTY_MUTE", yes(3, 0).to_owned()),
        ("GWS__CLEAR_CALL", yes(3, 1).to_owned()),
    ];
    let settings: Vec<(&str, &str)> = settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
    Server::with(&settings)
}

/// Lets no more calls come in and none be offered, from the next start on.
pub(super) fn send_no_more_calls(server: &mut Server) {
    server.set("SIMULATED__ARRIVALS", "0s");
    server.set("SIMULATED__PREVIEWS", "0s");
}

/// Everybody's name and features; all have the same password.
fn accounts() -> String {
    let hash = cheap_hash();
    let account = |(index, name): (usize, &&str)| {
        let features: Vec<String> =
            features(index).into_iter().map(|feature| format!("\"{}\"", feature.name())).collect();
        let features = features.join(", ");
        format!("{{ user = \"{name}\", password_hash = \"{hash}\", number = \"{name}\", features = [{features}] }}")
    };
    let accounts: Vec<String> = AGENTS.iter().enumerate().map(account).collect();
    format!("[{}]", accounts.join(", "))
}

/// Every start of the server verifies everybody's password again, so it is hashed with the least that argon2 takes.
fn cheap_hash() -> String {
    let params = Params::new(Params::MIN_M_COST, Params::MIN_T_COST, 1, None).unwrap();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password(AGENTS[0].as_bytes()).unwrap().to_string()
}

/// The features of the agent with this index: the first two may record, and two may watch others.
pub(super) fn features(index: usize) -> Vec<Feature> {
    let mut features = vec![Feature::Voice];
    if index < 2 {
        features.push(Feature::Recording);
    }
    if index == 3 || index == 4 {
        features.push(Feature::Monitoring);
    }
    features
}

pub(super) fn agent(server: &Server, name: &str) -> Agent {
    server.agent_with(name, AGENTS[0])
}
