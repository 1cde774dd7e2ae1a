//! The sections of the configuration. `config/partyline.toml` documents each key; the fields bear their names.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::bayeux::SlowConsumer;
use crate::broker::Activity;
use crate::gws::Region;
use crate::http::{CookieConfig, Websockets};
use crate::ids::{AgentId, Number};

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)+
        }
    };
}

section! {
    /// `server`: where to listen, and how much to take in.
    ServerConfig {
        /// The address.
        listen: SocketAddr,
        /// The file with the certificate; `None` if TLS is not spoken.
        tls_certificate: Option<PathBuf>,
        /// The file with its key; there is one if there is a certificate.
        tls_key: Option<PathBuf>,
        /// Worker threads; never 0.
        workers: usize,
        /// The public address, with no slash at the end.
        external_url: String,
        /// Bytes of a request body.
        max_body: usize,
        /// Time for a request body to come.
        body_timeout: Duration,
        /// Connections over all workers.
        max_connections: usize,
        /// Proxies to be believed: addresses and networks.
        trusted_proxies: Vec<String>,
        /// Origins whose pages may call, besides the server's own.
        allowed_origins: Vec<String>,
    }
}

section! {
    /// `admin`: what back ends and operators do over HTTP.
    AdminSection {
        /// An address of its own; `None` for that of the server.
        listen: Option<SocketAddr>,
        /// The bearer token; `None` if it is not set here.
        token: Option<String>,
        /// The file with the bearer token.
        token_file: Option<PathBuf>,
        /// Bytes of a request body.
        max_body: usize,
    }
}

section! {
    /// `auth`: logins.
    AuthConfig {
        /// The file with the signing key; `None` for the one in the data directory.
        cookie_key_file: Option<PathBuf>,
        /// How long an unused login lives.
        idle: Duration,
        /// How long a right password is remembered.
        basic_cache: Duration,
        /// Whether what changes something must bear a token beside the cookie.
        csrf: bool,
        /// How clients are to keep cookies.
        cookies: CookieConfig,
        /// The file with the keys that tokens are verified with; `None` if no token is believed.
        token_keys_file: Option<PathBuf>,
        /// The issuer that a token must name.
        token_issuer: Option<String>,
        /// The audience that a token must name.
        token_audience: Option<String>,
        /// The claim that names the agent.
        token_subject: String,
        /// How far clocks may be apart.
        token_leeway: Duration,
    }
}

section! {
    /// `bayeux`: sessions, and their limits.
    BayeuxConfig {
        /// How long a connect is held.
        timeout: Duration,
        /// The pause between connects.
        interval: Duration,
        /// How long after that a session lives on.
        max_interval: Duration,
        /// How long a lazy message waits at most.
        max_lazy: Duration,
        /// Whether only the replies to connects carry messages.
        meta_connect_deliver_only: bool,
        /// Whether `advice.maxInterval` is told.
        handshake_reconnect: bool,
        /// Whether the reply to a handshake may carry messages.
        deliver_in_handshake: bool,
        /// How long a connect is held at most; `None` for as long as its client asks for.
        max_processing: Option<Duration>,
        /// Held connects of one browser; `None` for no limit.
        sessions_per_browser: Option<usize>,
        /// The pause of the others.
        multi_session_interval: Duration,
        /// Whether publishers hear themselves.
        broadcast_to_publisher: bool,
        /// Whether messages to clients bear their time.
        timestamp: bool,
        /// How long a session may be idle; `None` for ever.
        max_inactivity: Option<Duration>,
        /// What counts as not idle.
        activity: Activity,
        /// What becomes of clients that are slow.
        slow_consumer: SlowConsumer,
        /// Publications of a session in a second; `None` for no limit.
        publish_rate: Option<u32>,
        /// Handshakes of an agent in a second; `None` for no limit.
        handshake_rate: Option<u32>,
        /// Handshakes from an address in a second; `None` for no limit.
        handshake_rate_per_address: Option<u32>,
        /// Sessions from one address; `None` for no limit.
        sessions_per_address: Option<usize>,
        /// Channels and patterns.
        channels: usize,
        /// Durable channels.
        durable_channels: usize,
        /// How long a session survives a restart.
        resume: Duration,
        /// Messages owed to one session.
        queue_messages: usize,
        /// Bytes owed to one session.
        queue_bytes: usize,
        /// Sessions of the server.
        sessions: usize,
        /// Sessions of one agent.
        sessions_per_agent: usize,
        /// Subscriptions of one session.
        subscriptions_per_session: usize,
        /// Messages in one batch.
        batch_messages: usize,
        /// Levels of nesting.
        json_depth: usize,
        /// The HTTP status of a superseded connect.
        duplicate_connect_status: u16,
        /// How often a websocket is pinged.
        ping: Duration,
        /// Whether a clientId is enough without its cookie.
        trust_client_id: bool,
        /// Whether callback-polling is spoken.
        callback_polling: bool,
        /// Whether server-sent events are spoken.
        eventsource: bool,
        /// Whether nobody in particular may handshake.
        anonymous: bool,
    }
}

section! {
    /// `desktops`: what desktops expect.
    DesktopsConfig {
        /// Whether websockets are among the transports.
        websockets: Websockets,
        /// The Bayeux error for an unknown session.
        unknown_session_error: String,
    }
}

section! {
    /// One `[[channel]]`: who may do what to the channels of a pattern.
    ChannelRule {
        /// The pattern, as written.
        pattern: String,
        /// Who may subscribe.
        subscribe: Who,
        /// Who may publish.
        publish: Who,
        /// Who may create a channel: whoever may subscribe or publish, if the rule does not say.
        create: Who,
        /// Whether publications are kept on disk.
        durable: bool,
        /// How long publications may wait; `None` if they may not.
        lazy: Option<Duration>,
        /// How old a publication of a durable channel may grow in its history.
        retain_age: Duration,
        /// How many publications of a durable channel are kept.
        retain_messages: usize,
        /// Whether a delivery carries its position in `data.event.replayId` too.
        replay_id_in_data: bool,
        /// The back end that answers messages, for service channels.
        upstream: Option<String>,
        /// Whether publishers hear themselves; `None` for as everywhere.
        broadcast_to_publisher: Option<bool>,
    }
}

section! {
    /// `upstream`: how back ends are asked that answer service channels.
    UpstreamSection {
        /// How long an answer may take.
        timeout: Duration,
        /// Questions that each back end may have open.
        concurrency: usize,
        /// Bytes of an answer.
        max_answer: usize,
        /// The file with the secret that requests are signed with.
        secret_file: Option<PathBuf>,
    }
}

section! {
    /// `log`: the log, kept by the embedded engine.
    LogConfig {
        /// The data directory.
        directory: PathBuf,
        /// What an answer waits for.
        durability: Durability,
        /// How often to flush, with [`Durability::Interval`].
        interval: Duration,
        /// Bytes of one file.
        segment_size: u64,
        /// How old records may grow.
        retain_age: Duration,
        /// How many bytes may be on disk.
        retain_size: u64,
        /// Records in memory.
        ring_records: usize,
        /// Bytes of them.
        ring_bytes: usize,
    }
}

section! {
    /// `switch`: the link to telephony, which the simulated switch plays.
    SwitchConfig {
        /// How long an ask may stay open.
        ask_timeout: Duration,
    }
}

section! {
    /// `simulated`: the telephony played in memory.
    SimulatedSection {
        /// Where its choices begin.
        seed: u64,
        /// How long a number rings.
        ring_timeout: Duration,
        /// How long a number that answers by itself takes.
        answer_after: Duration,
        /// How long a call for which an agent asked waits in a queue.
        queue_timeout: Duration,
        /// Numbers of agents' devices that it does not know.
        unregistered: Vec<Number>,
        /// The numbers of queues.
        queues: Vec<Number>,
        /// Numbers that route calls to them.
        route_points: Vec<RoutePoint>,
        /// How long between two calls that come in by themselves; zero for none.
        arrivals: Duration,
        /// How long their callers talk.
        talk_time: Duration,
        /// How long their callers wait.
        patience: Duration,
        /// How long between two calls that agents are offered to make; zero for none.
        previews: Duration,
        /// How long an agent may look at one; zero for as long as it likes.
        preview_timeout: Duration,
    }
}

section! {
    /// One `[[simulated.route_point]]`.
    RoutePoint {
        /// Its number.
        number: Number,
        /// The queue that its calls wait in.
        queue: Number,
    }
}

section! {
    /// `directory`: who exists.
    DirectorySection {
        /// Whether the demo agents exist.
        demo_agents: DemoAgents,
        /// Agents, one by one.
        agents: Vec<AgentEntry>,
        /// Agents by the number; `None` if there are none.
        generated: Option<GeneratedAgents>,
    }
}

section! {
    /// One `[[directory.agent]]`.
    AgentEntry {
        /// The user name.
        user: AgentId,
        /// The argon2 hash of the password, in PHC form.
        password_hash: String,
        /// The number of the agent's device.
        number: Number,
        /// `firstName`.
        first_name: String,
        /// `lastName`.
        last_name: String,
        /// Roles; an agent's if not given.
        roles: Vec<String>,
        /// Features; those of voice if not given.
        features: Vec<String>,
    }
}

section! {
    /// `directory.generated`: agents by the number.
    GeneratedAgents {
        /// What their user names begin with; a number from 0 on follows.
        prefix: String,
        /// How many; at least one.
        count: u64,
        /// The telephone number of the first.
        first_number: u64,
        /// The password of all.
        password: String,
    }
}

section! {
    /// `gws`: the API towards desktops.
    GwsConfig {
        /// The version that the diagnostics tell.
        version: String,
        /// Whether `AttachedDataChanged` comes before `ParticipantsUpdated`.
        attached_data_first: bool,
        /// Whether mute is offered with two parties.
        two_party_mute: bool,
        /// Whether every call can be cleared, and desktops are offered it.
        clear_call: bool,
        /// Whether participants have the shape of 8.5.0.
        old_participants: bool,
        /// The region by whose numbering plan numbers outside are read; `None` if they are shown as they were dialled.
        region: Option<Region>,
        /// Whether voice is listed among an agent's channels, and told as one.
        voice_channel: bool,
    }
}

section! {
    /// `drain`: how to stop.
    DrainConfig {
        /// How long to go on as before.
        delay: Duration,
        /// Over how long parked connects are answered.
        window: Duration,
        /// When to give up, counted from the first signal.
        deadline: Duration,
    }
}

section! {
    /// `telemetry`: what to tell the operator.
    TelemetryConfig {
        /// The shape of the log lines.
        log_format: LogFormat,
        /// Directives of what to log.
        log_level: String,
    }
}

/// Who may do something to a channel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Who {
    /// Whoever is logged in.
    Agents,
    /// Whoever has a session.
    Anyone,
    /// Nobody.
    Nobody,
    /// These.
    Users(Vec<AgentId>),
}

/// What an answer or a delivery waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Durability {
    /// Its record is flushed to the disk.
    Commit,
    /// Its record is written to the file.
    Interval,
    /// Its record is in memory.
    Memory,
}

/// Whether the demo agents exist.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DemoAgents {
    /// They do, whoever can reach the server.
    Allow,
    /// They do, and the server listens on a loopback address.
    Loopback,
    /// They do not.
    Off,
}

/// The shape of the log lines.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// JSON.
    Json,
    /// Text.
    Text,
}
