//! Reading each section, key by key.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::http::Uri;
use tracing_subscriber::EnvFilter;

use crate::bayeux::SlowConsumer;
use crate::broker::Activity;
use crate::directory::Feature;
use crate::gws::Region;
use crate::http::{CookieConfig, CookieSecure, Origins, Proxies, SameSite, Websockets};
use crate::ids::{AgentId, Number};

use super::error::ConfigError;
use super::reader::{Entry, Field, Reader, parse_duration};
use super::sections::{
    AgentEntry, AuthConfig, BayeuxConfig, ChannelRule, DemoAgents, DesktopsConfig, DirectorySection, DrainConfig,
    Durability, GeneratedAgents, GwsConfig, LogConfig, LogFormat, RoutePoint, ServerConfig, SimulatedSection,
    SwitchConfig, TelemetryConfig, Who,
};
use super::upstream::upstream;

impl ServerConfig {
    pub(super) fn read(from: &mut Reader) -> Result<Self, ConfigError> {
        let listen: SocketAddr =
            from.parsed("server.listen", "an address and a port such as \"127.0.0.1:8080\"", |t| t.parse().ok())?;
        let tls_certificate = from.given("server.tls_certificate")?;
        let key = from.field("server.tls_key")?;
        let tls_key = Some(key.text("a file")?).filter(|file| !file.is_empty());
        if tls_key.is_some() != tls_certificate.is_some() {
            return Err(key.bad("a file if server.tls_certificate is one, else \"\""));
        }
        let scheme = if tls_key.is_some() { "https" } else { "http" };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let url = from.parsed("server.external_url", "\"\", or a URL such as \"https://gws.example.org\"", url)?;
        Ok(Self {
            listen,
            workers: Some(from.length("server.workers", 0)?).filter(|n| *n > 0).unwrap_or(cores),
            tls_certificate: tls_certificate.map(Into::into),
            tls_key: tls_key.map(Into::into),
            external_url: if url.is_empty() { format!("{scheme}://{listen}") } else { url },
            max_body: from.length_in_bytes("server.max_body")?,
            body_timeout: from.duration("server.body_timeout")?,
            max_connections: from.length("server.max_connections", 1)?,
            trusted_proxies: from.list("server.trusted_proxies", PROXIES, |t| Proxies::new(&[t]).is_ok())?,
            allowed_origins: from.list("server.allowed_origins", ORIGINS, |t| Origins::new("", &[t]).is_ok())?,
        })
    }
}

impl AuthConfig {
    pub(super) fn read(from: &mut Reader) -> Result<Self, ConfigError> {
        Ok(Self {
            cookie_key_file: from.given("auth.cookie_key_file")?.map(Into::into),
            idle: from.duration("auth.idle")?,
            csrf: from.boolean("auth.csrf")?,
            basic_cache: from.duration("auth.basic_cache")?,
            cookies: CookieConfig {
                secure: from.choice(
                    "auth.cookie_secure",
                    &[("auto", CookieSecure::Auto), ("always", CookieSecure::Always), ("never", CookieSecure::Never)],
                )?,
                same_site: from.choice(
                    "auth.cookie_same_site",
                    &[("lax", SameSite::Lax), ("strict", SameSite::Strict), ("none", SameSite::None)],
                )?,
                partitioned: from.boolean("auth.cookie_partitioned")?,
            },
            token_keys_file: from.given("auth.token_keys_file")?.map(Into::into),
            token_issuer: from.given("auth.token_issuer")?,
            token_audience: from.given("auth.token_audience")?,
            token_subject: from
                .parsed("auth.token_subject", "the name of a claim", |t| (!t.is_empty()).then(|| t.into()))?,
            token_leeway: from.duration("auth.token_leeway")?,
        })
    }
}

impl BayeuxConfig {
    pub(super) fn read(from: &mut Reader) -> Result<Self, ConfigError> {
        Ok(Self {
            timeout: from.duration("bayeux.timeout")?,
            interval: from.duration("bayeux.interval")?,
            max_interval: from.duration("bayeux.max_interval")?,
            resume: from.duration("bayeux.resume")?,
            max_lazy: from.duration("bayeux.max_lazy")?,
            meta_connect_deliver_only: from.boolean("bayeux.meta_connect_deliver_only")?,
            handshake_reconnect: from.boolean("bayeux.handshake_reconnect")?,
            deliver_in_handshake: from.boolean("bayeux.deliver_in_handshake")?,
            max_processing: Some(from.duration("bayeux.max_processing")?).filter(|most| !most.is_zero()),
            sessions_per_browser: Some(from.length("bayeux.sessions_per_browser", 0)?).filter(|most| *most > 0),
            multi_session_interval: from.duration("bayeux.multi_session_interval")?,
            broadcast_to_publisher: from.boolean("bayeux.broadcast_to_publisher")?,
            timestamp: from.boolean("bayeux.timestamp")?,
            max_inactivity: Some(from.duration("bayeux.max_inactivity")?).filter(|most| !most.is_zero()),
            activity: from.choice(
                "bayeux.activity",
                &[("client", Activity::Client), ("client-server", Activity::ClientServer)],
            )?,
            slow_consumer: from.choice(
                "bayeux.slow_consumer",
                &[
                    ("expire", SlowConsumer::Expire),
                    ("drop-oldest", SlowConsumer::DropOldest),
                    ("refuse-new", SlowConsumer::RefuseNew),
                ],
            )?,
            publish_rate: rate(from, "bayeux.publish_rate")?,
            handshake_rate: rate(from, "bayeux.handshake_rate")?,
            handshake_rate_per_address: rate(from, "bayeux.handshake_rate_per_address")?,
            sessions_per_address: Some(from.length("bayeux.sessions_per_address", 0)?).filter(|most| *most > 0),
            channels: from.length("bayeux.channels", 1)?,
            durable_channels: from.length("bayeux.durable_channels", 1)?,
            queue_messages: from.length("bayeux.queue_messages", 1)?,
            queue_bytes: from.length_in_bytes("bayeux.queue_bytes")?,
            sessions: from.length("bayeux.sessions", 1)?,
            sessions_per_agent: from.length("bayeux.sessions_per_agent", 1)?,
            subscriptions_per_session: from.length("bayeux.subscriptions_per_session", 1)?,
            batch_messages: from.length("bayeux.batch_messages", 1)?,
            json_depth: from.length("bayeux.json_depth", 4)?,
            duplicate_connect_status: from.number("bayeux.duplicate_connect_status", "400 to 599", error_status)?,
            ping: from.positive("bayeux.ping")?,
            trust_client_id: from.boolean("bayeux.trust_client_id")?,
            callback_polling: from.boolean("bayeux.callback_polling")?,
            eventsource: from.boolean("bayeux.eventsource")?,
            anonymous: from.boolean("bayeux.anonymous")?,
        })
    }
}

impl DesktopsConfig {
    pub(super) fn read(from: &mut Reader) -> Result<Self, ConfigError> {
        let expected = "a list of \"long-polling\" and, if wanted, \"websocket\"";
        let field = from.field("desktops.transports")?;
        let transports = field.texts(expected)?;
        let has = |name: &str| transports.iter().any(|transport| transport == name);
        if !has("long-polling") || !transports.iter().all(|name| ["long-polling", "websocket"].contains(&name.as_str()))
        {
            return Err(field.bad(expected));
        }
        let websockets = if has("websocket") { Websockets::Offered } else { Websockets::Refused };
        let expected = "a Bayeux error: three digits, a colon, arguments, a colon, a text";
        Ok(Self {
            websockets,
            unknown_session_error: from.parsed("desktops.unknown_session_error", expected, bayeux_error)?,
        })
    }
}

/// For how long a rule that does not say keeps history.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl ChannelRule {
    pub(super) fn read_all(from: &mut Reader) -> Result<Vec<Self>, ConfigError> {
        let entries = from.entries("channel", "tables of pattern, subscribe, publish, create and durable")?;
        entries.into_iter().map(Self::read).collect()
    }

    fn read(mut entry: Entry) -> Result<Self, ConfigError> {
        let expected = "a channel or a pattern such as \"/demo/**\"";
        let pattern: String =
            entry.parsed("pattern", expected, |t| (t.starts_with('/') && t.len() > 1).then(|| t.into()))?;
        let nobody = |who: Option<Who>| who.unwrap_or(Who::Nobody);
        let subscribe = nobody(entry.field("subscribe").map(Who::read).transpose()?);
        let publish = nobody(entry.field("publish").map(Who::read).transpose()?);
        let create = entry.field("create").map(Who::read).transpose()?;
        let rule = Self {
            upstream: upstream(&mut entry, &pattern)?,
            pattern,
            create: create.unwrap_or_else(|| subscribe.or(&publish)),
            subscribe,
            publish,
            durable: entry.boolean_or("durable", false)?,
            retain_age: entry.duration_or("retain_age", DAY)?,
            retain_messages: entry.length_or("retain_messages", 1, 10_000)?,
            replay_id_in_data: entry.boolean_or("replay_id_in_data", false)?,
            lazy: entry.field("lazy").map_or(Ok(None), |field| lazy(&field))?,
            broadcast_to_publisher: entry.field("broadcast_to_publisher").map(|field| field.boolean()).transpose()?,
        };
        entry.finish()?;
        Ok(rule)
    }
}

impl Who {
    /// Those of either.
    fn or(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Anyone, _) | (_, Self::Anyone) => Self::Anyone,
            (Self::Agents, _) | (_, Self::Agents) => Self::Agents,
            (Self::Nobody, who) | (who, Self::Nobody) => who.clone(),
            (Self::Users(some), Self::Users(more)) => Self::Users([some.as_slice(), more].concat()),
        }
    }

    fn read(field: Field) -> Result<Self, ConfigError> {
        let expected = "\"anyone\", \"agents\", \"nobody\" or a list of user names";
        if field.is_list() {
            let users = field.texts(expected)?;
            let users: Result<_, _> = users.iter().map(|user| AgentId::parse(user)).collect();
            return users.map(Self::Users).map_err(|_| field.bad(expected));
        }
        match field.text(expected)?.as_str() {
            "agents" => Ok(Self::Agents),
            "anyone" => Ok(Self::Anyone),
            "nobody" => Ok(Self::Nobody),
            _ => Err(field.bad(expected)),
        }
    }
}

impl LogConfig {
    pub(super) fn read(from: &mut Reader) -> Result<Self, ConfigError> {
        from.choice("log.engine", &[("embedded", ())])?;
        Ok(Self {
            directory: from.parsed("log.directory", "a directory", |t| (!t.is_empty()).then(|| t.into()))?,
            durability: from.choice(
                "log.durability",
                &[("commit", Durability::Commit), ("interval", Durability::Interval), ("memory", Durability::Memory)],
            )?,
            interval: from.positive("log.interval")?,
            segment_size: from.size("log.segment_size")?,
            retain_age: from.duration("log.retain_age")?,
            retain_size: from.size("log.retain_size")?,
            ring_records: from.length("log.ring_records", 1)?,
            ring_bytes: from.length_in_bytes("log.ring_bytes")?,
        })
    }
}

impl SwitchConfig {
    pub(super) fn read(from: &mut Reader) -> Result<Self, ConfigError> {
        from.choice("switch.kind", &[("simulated", ())])?;
        Ok(Self { ask_timeout: from.positive("switch.ask_timeout")? })
    }
}

impl SimulatedSection {
    pub(super) fn read(from: &mut Reader) -> Result<Self, ConfigError> {
        Ok(Self {
            seed: from.count("simulated.seed", 0)?,
            ring_timeout: from.positive("simulated.ring_timeout")?,
            answer_after: from.duration("simulated.answer_after")?,
            queue_timeout: from.positive("simulated.queue_timeout")?,
            unregistered: numbers(from, "simulated.unregistered")?,
            queues: numbers(from, "simulated.queues")?,
            route_points: {
                let points = from.entries("simulated.route_point", "tables of number and queue")?;
                points.into_iter().map(RoutePoint::read).collect::<Result<_, _>>()?
            },
            arrivals: from.duration("simulated.arrivals")?,
            talk_time: from.positive("simulated.talk_time")?,
            patience: from.positive("simulated.patience")?,
            previews: from.duration("simulated.previews")?,
            preview_timeout: from.duration("simulated.preview_timeout")?,
        })
    }
}

impl RoutePoint {
    fn read(mut entry: Entry) -> Result<Self, ConfigError> {
        let mut number = |name| entry.parsed(name, "a telephone number, as a text", |t| Number::parse(t).ok());
        let point = Self { number: number("number")?, queue: number("queue")? };
        entry.finish()?;
        Ok(point)
    }
}

fn numbers(from: &mut Reader, key: &str) -> Result<Vec<Number>, ConfigError> {
    let numbers = from.list(key, "a list of telephone numbers, as texts", |t| Number::parse(t).is_ok())?;
    Ok(numbers.iter().filter_map(|number| Number::parse(number).ok()).collect())
}

impl DirectorySection {
    pub(super) fn read(from: &mut Reader) -> Result<Self, ConfigError> {
        let expected = "tables of user, password_hash, number, first_name, last_name, roles and features";
        let agents = from.entries("directory.agent", expected)?;
        Ok(Self {
            demo_agents: from.choice(
                "directory.demo_agents",
                &[("loopback", DemoAgents::Loopback), ("allow", DemoAgents::Allow), ("off", DemoAgents::Off)],
            )?,
            agents: agents.into_iter().map(AgentEntry::read).collect::<Result<_, _>>()?,
            generated: GeneratedAgents::read(from)?,
        })
    }
}

impl AgentEntry {
    fn read(mut entry: Entry) -> Result<Self, ConfigError> {
        let phc = "an argon2 hash, as partyline hash-password prints it";
        let agent = Self {
            user: entry.parsed("user", "a user name", |t| AgentId::parse(t).ok())?,
            password_hash: entry.parsed("password_hash", phc, |t| t.starts_with("$argon2").then(|| t.into()))?,
            number: entry.parsed("number", "a telephone number, as a text", |t| Number::parse(t).ok())?,
            first_name: entry.text_or("first_name", "")?,
            last_name: entry.text_or("last_name", "")?,
            roles: entry.texts_or("roles", "ROLE_AGENT")?,
            features: entry.texts_or("features", Feature::Voice.name())?,
        };
        entry.finish()?;
        Ok(agent)
    }
}

impl GeneratedAgents {
    fn read(from: &mut Reader) -> Result<Option<Self>, ConfigError> {
        let count = from.count("directory.generated.count", 0)?;
        let prefix = "a user name, without the number at its end";
        let generated = Self {
            prefix: from.parsed("directory.generated.prefix", prefix, |t| AgentId::parse(t).ok().map(|_| t.into()))?,
            count,
            first_number: from.count("directory.generated.first_number", 0)?,
            password: from.parsed("directory.generated.password", "a password, for count is more than 0", |t| {
                (count == 0 || !t.is_empty()).then(|| t.into())
            })?,
        };
        Ok((count > 0).then_some(generated))
    }
}

impl GwsConfig {
    pub(super) fn read(from: &mut Reader) -> Result<Self, ConfigError> {
        Ok(Self {
            version: from.text("gws.version")?,
            attached_data_first: from.boolean("gws.attached_data_first")?,
            two_party_mute: from.boolean("gws.two_party_mute")?,
            clear_call: from.boolean("gws.clear_call")?,
            old_participants: from.boolean("gws.old_participants")?,
            region: from.parsed("gws.region", "\"\", or two capital letters of ISO 3166, such as \"US\"", |text| {
                if text.is_empty() { Some(None) } else { Region::parse(text).map(Some) }
            })?,
            voice_channel: from.boolean("gws.voice_channel")?,
        })
    }
}

impl DrainConfig {
    pub(super) fn read(from: &mut Reader) -> Result<Self, ConfigError> {
        Ok(Self {
            delay: from.duration("drain.delay")?,
            window: from.duration("drain.window")?,
            deadline: from.duration("drain.deadline")?,
        })
    }
}

impl TelemetryConfig {
    pub(super) fn read(from: &mut Reader) -> Result<Self, ConfigError> {
        let directives = "a level such as \"info\", or directives such as \"info,partyline::broker=debug\"";
        Ok(Self {
            log_format: from.choice(
                "telemetry.log_format",
                &[("auto", LogFormat::Auto), ("json", LogFormat::Json), ("text", LogFormat::Text)],
            )?,
            log_level: from.parsed("telemetry.log_level", directives, |t| {
                let fits = !t.is_empty() && EnvFilter::builder().parse(t).is_ok();
                fits.then(|| t.into())
            })?,
        })
    }
}

const PROXIES: &str = "a list of addresses and networks such as \"10.0.0.1\" or \"10.0.0.0/8\"";
const ORIGINS: &str = "a list of origins such as \"https://desk.example.org\" or \"https://*.example.org\"";

/// An absolute HTTP URL without query and fragment, or nothing. The slash at its end is dropped.
fn url(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some(String::new());
    }
    let url: Uri = text.parse().ok()?;
    let http = matches!(url.scheme_str(), Some("http" | "https"));
    (http && url.query().is_none() && !text.contains('#')).then(|| text.trim_end_matches('/').to_owned())
}

/// `true` waits as long as `bayeux.max_lazy` lets it.
fn lazy(field: &Field) -> Result<Option<Duration>, ConfigError> {
    if let Ok(lazy) = field.boolean() {
        return Ok(lazy.then_some(Duration::MAX));
    }
    let expected = "true, false or a duration such as \"800ms\"";
    parse_duration(&field.text(expected)?).map(Some).ok_or_else(|| field.bad(expected))
}

/// `402::Unknown client`.
fn bayeux_error(text: &str) -> Option<String> {
    let mut parts = text.splitn(3, ':');
    let code = parts.next()?;
    let whole = code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit()) && parts.count() == 2;
    whole.then(|| text.to_owned())
}

/// The status of an HTTP error.
fn error_status(number: u64) -> Option<u16> {
    u16::try_from(number).ok().filter(|status| (400..600).contains(status))
}

/// So many a second, or any number.
fn rate(from: &mut Reader, key: &str) -> Result<Option<u32>, ConfigError> {
    let rate = from.number(key, "a whole number", |rate| u32::try_from(rate).ok())?;
    Ok(Some(rate).filter(|rate| *rate > 0))
}
