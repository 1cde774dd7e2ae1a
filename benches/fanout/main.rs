//! What a delivery to a parked session costs: this server beside a bare one, by the same load, turn by turn.
//!
//! The bare server is as little as actix-web can do: each connect is parked on a oneshot, and a publication
//! answers them all with one prebuilt body; over websockets, by actix-ws, it sends one prebuilt text to each. It runs as a child process of this benchmark, as partyline does, so
//! that each has its own figures in `/proc`. It has the system's allocator, as a bare server would; partyline has
//! mimalloc. It ends after about four minutes.
//!
//! `cargo bench --bench fanout`; `-- bare` runs the bare server alone, without a comparison.

#![expect(clippy::print_stdout, reason = "a benchmark tells its figures there")]

mod bare;
mod servers;

use std::time::Duration;

use partyline::loadtest::{Fanout, Report, Transport, fanout};
use servers::{Child, Kind};

fn main() -> std::io::Result<()> {
    if let Some(port) = servers::bare_port() {
        servers::end_with_parent();
        return actix_web::rt::System::new().block_on(bare::serve(port));
    }
    let only_bare = std::env::args().any(|argument| argument == "bare");
    // One thread: it leaves the other core to the server, and answers before it publishes again.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(compare(only_bare))
}

async fn compare(only_bare: bool) -> std::io::Result<()> {
    for transport in [Transport::LongPolling, Transport::Websocket] {
        compare_over(transport, only_bare).await?;
    }
    Ok(())
}

async fn compare_over(transport: Transport, only_bare: bool) -> std::io::Result<()> {
    println!("{transport:?}: CPU in µs a delivery: of the server, and in brackets of the load; latency p99 in ms");
    println!("{:>8} {:>6} {:>15} {:>15} {:>6} {:>16}", "sessions", "round", "bare", "partyline", "ratio", "p99");
    for (clients, messages) in [(100, 1_000), (1_000, 150)] {
        let mut ratios = Vec::new();
        for round in 1..=ROUNDS {
            let bare = turn(Kind::Bare, transport, clients, messages).await?;
            let ours = match only_bare {
                true => None,
                false => Some(turn(Kind::Partyline, transport, clients, messages).await?),
            };
            ratios.extend(row(clients, round, &bare, ours.as_ref()));
        }
        if let Some(median) = median(&mut ratios) {
            println!("{clients:>8} median of the ratios, pair by pair: {median:.2} (at 1,000 at most 1.4)");
        }
    }
    println!();
    let bare = turn(Kind::Bare, transport, PARKED, 1).await?;
    println!("resident bytes a parked session, {PARKED} of them, above the idle server: bare {}", resident(&bare));
    if !only_bare {
        let ours = turn(Kind::Partyline, transport, PARKED, 1).await?;
        println!("{:>76} {} (at most 6000 more)", "partyline", resident(&ours));
    }
    Ok(())
}

/// One server from start to end. A few sessions come and go first: what a server sets up once, and the memory that
/// the check of a password takes, belong to no session.
async fn turn(kind: Kind, transport: Transport, clients: usize, messages: u64) -> std::io::Result<Report> {
    let server = Child::start(kind).await?;
    fanout(&plan(&server, transport, WARM_UP.0, WARM_UP.1)).await.map_err(std::io::Error::other)?;
    let report = fanout(&plan(&server, transport, clients, messages)).await.map_err(std::io::Error::other)?;
    for failure in &report.failures {
        println!("{kind:?} with {clients} sessions: {failure}");
    }
    Ok(report)
}

fn plan(server: &Child, transport: Transport, clients: usize, messages: u64) -> Fanout {
    Fanout {
        url: server.url(),
        transport,
        clients,
        messages,
        rate: None,
        size: 350,
        channel: "/demo/fanout".to_owned(),
        duration: LONGEST_TURN,
        user: "15000".to_owned(),
        password: None,
        anonymous: false,
        ack: false,
        json: false,
        max_p99: None,
        server_pid: Some(server.pid()),
    }
}

/// Prints a round. The ratio, if both are known.
fn row(clients: usize, round: u32, bare: &Report, ours: Option<&Report>) -> Option<f64> {
    let cost = |report: &Report| report.server.cpu_us_per_delivery;
    let ratio = ours.and_then(cost).zip(cost(bare)).map(|(ours, bare)| ours / bare);
    let text = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
    let costs = |report: &Report| format!("{} ({})", text(cost(report)), text(report.generator.cpu_us_per_delivery));
    let (bare_costs, our_costs) = (costs(bare), ours.map_or_else(|| text(None), costs));
    let slow = format!("{:.1} / {}", bare.latency_ms.p99, text(ours.map(|report| report.latency_ms.p99)));
    println!("{clients:>8} {round:>6} {bare_costs:>15} {our_costs:>15} {:>6} {slow:>16}", text(ratio));
    ratio
}

fn resident(report: &Report) -> String {
    report.server.rss_bytes_per_session.map_or_else(|| "not known".to_owned(), |bytes| bytes.to_string())
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Turns of each server for each number of sessions.
const ROUNDS: u32 = 5;
/// Sessions and messages before each turn.
const WARM_UP: (usize, u64) = (16, 50);
/// Sessions for the figure of memory.
const PARKED: usize = 2_000;
const LONGEST_TURN: Duration = Duration::from_secs(8);
