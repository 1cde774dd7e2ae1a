//! The plans, their arguments and their bounds.

use std::time::Duration;

/// What `partyline loadtest` takes.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub plan: Plan,
}

/// What to do.
#[derive(clap::Subcommand, Clone, Debug)]
pub enum Plan {
    /// Publish to one channel that every client listens to, and check what arrives.
    Fanout(Fanout),
}

/// How clients are connected.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transport {
    /// Each connect is a request over HTTP.
    LongPolling,
    /// One websocket each.
    Websocket,
}

/// One publisher, many subscribers, one channel.
#[derive(clap::Args, Clone, Debug)]
pub struct Fanout {
    /// The Bayeux endpoint, on this machine.
    #[arg(long, default_value = "http://127.0.0.1:8080/cometd")]
    pub url: String,

    /// How the clients are connected; the publisher publishes over HTTP.
    #[arg(long, value_enum, default_value_t = Transport::LongPolling)]
    pub transport: Transport,

    /// How many clients listen (at most 20000). A server may limit how many sessions one user has: partyline allows 10
    /// unless it is told otherwise, the publisher's included.
    #[arg(long, default_value_t = 9, value_name = "N")]
    pub clients: usize,

    /// How many messages are published (at most 1000000).
    #[arg(long, default_value_t = 1000, value_name = "M")]
    pub messages: u64,

    /// Publish so many a second, whatever arrives; without it, each message waits until the one before has
    /// reached everybody.
    #[arg(long, value_name = "PER_SECOND")]
    pub rate: Option<u32>,

    /// Bytes of data in a message.
    #[arg(long, default_value_t = 350, value_name = "BYTES")]
    pub size: usize,

    /// The channel.
    #[arg(long, default_value = "/demo/fanout")]
    pub channel: String,

    /// Stop publishing after this time, such as 500ms, 30s or 2m (at most 10m).
    #[arg(long, default_value = "60s", value_parser = parse_duration)]
    pub duration: Duration,

    /// Log in as this user.
    #[arg(long, default_value = "15000", conflicts_with = "anonymous")]
    pub user: String,

    /// The user's password; the user's name if there is none.
    #[arg(long, env = "PARTYLINE_LOADTEST_PASSWORD", hide_env_values = true)]
    pub password: Option<String>,

    /// Send no login.
    #[arg(long)]
    pub anonymous: bool,

    /// Ask for acknowledged delivery.
    #[arg(long)]
    pub ack: bool,

    /// Print one JSON object instead of a table.
    #[arg(long)]
    pub json: bool,

    /// Fail if the 99th percentile of the latency is above this.
    #[arg(long, value_name = "MILLISECONDS")]
    pub max_p99: Option<f64>,

    /// The server's process, to tell what it costs; found by its port if not given.
    #[arg(long, value_name = "PID")]
    pub server_pid: Option<u32>,
}

/// An argument that is out of bounds.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadUsage {
    /// No name of a channel.
    #[error("--channel must begin with / and be none of /meta and /service")]
    Channel,
    /// Too few clients or too many.
    #[error("--clients must be between 1 and {MOST_CLIENTS}")]
    Clients,
    /// Too short or too long.
    #[error("--duration must be above 0 and at most {} minutes", LONGEST.as_secs() / 60)]
    Duration,
    /// Too few messages or too many.
    #[error("--messages must be between 1 and {MOST_MESSAGES}")]
    Messages,
    /// Not a time.
    #[error("--max-p99 must be a time above 0")]
    Percentile,
    /// Too slow or too fast.
    #[error("--rate must be between 1 and {MOST_A_SECOND}")]
    Rate,
    /// Too small for what each message carries, or too large.
    #[error("--size must be between {SMALLEST} and {LARGEST}")]
    Size,
}

impl Fanout {
    /// Checks the bounds.
    ///
    /// # Errors
    /// The first argument that is out of bounds.
    pub fn check(&self) -> Result<(), BadUsage> {
        let reserved = ["/meta/", "/service/"].iter().any(|prefix| self.channel.starts_with(prefix));
        let bounds = [
            ((1..=MOST_CLIENTS).contains(&self.clients), BadUsage::Clients),
            ((1..=MOST_MESSAGES).contains(&self.messages), BadUsage::Messages),
            (self.rate.is_none_or(|rate| (1..=MOST_A_SECOND).contains(&rate)), BadUsage::Rate),
            ((SMALLEST..=LARGEST).contains(&self.size), BadUsage::Size),
            (self.channel.starts_with('/') && !reserved, BadUsage::Channel),
            (!self.duration.is_zero() && self.duration <= LONGEST, BadUsage::Duration),
            (self.max_p99.is_none_or(|limit| limit.is_finite() && limit > 0.0), BadUsage::Percentile),
        ];
        bounds.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, bad)| Err(bad))
    }

    /// The user name and the password, if there is to be a login.
    pub(super) fn login(&self) -> Option<(&str, &str)> {
        let password = self.password.as_deref().unwrap_or(&self.user);
        (!self.anonymous).then_some((&self.user, password))
    }
}

/// Parses a number with a unit: `500ms`, `30s`, `2m`.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| "expected a time such as 500ms, 30s or 2m".to_owned())?;
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" | "" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number.saturating_mul(60))),
        _ => Err("expected a time such as 500ms, 30s or 2m".to_owned()),
    }
}

const MOST_CLIENTS: usize = 20_000;
const MOST_MESSAGES: u64 = 1_000_000;
const MOST_A_SECOND: u32 = 100_000;
const SMALLEST: usize = 64;
const LARGEST: usize = 48 * 1024;
const LONGEST: Duration = Duration::from_secs(600);
