//! From the configuration to what each room is told.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;

use crate::bayeux::{Delivery, Error, Limits, Pattern};
use crate::broker::{self, Anonymous, Binding, ReplayId, Rule, Rules, SessionRules, Stamp, Store, Transports};
use crate::directory::{self, Agent, DirectoryConfig, Generated, demo_agents, generated_agents};
use crate::exchange;
use crate::gws::{Base, Rendering};
use crate::http::{
    BadCertificate, CallbackPolling, CookieKey, Csrf, EventSource, HttpConfig, Origins, Proxies, Websockets,
};
use crate::ids::{Number, random};
use crate::log::{self, EmbeddedConfig, Retain};
use crate::switch::SimulatedConfig;
use crate::upstream::Endpoint;

use super::admin::{AdminPlan, admin_plan};
use super::agents::exchange_settings;
use super::config::Config;
use super::sections::{BayeuxConfig, ChannelRule, DemoAgents, Durability, Who};
use super::telephony::{call_rules, numbering, simulated_config};
use super::tls::TlsPlan;
use super::tokens::TokenPlan;
use super::upstream::back_ends;

/// The configuration as the rooms want it.
#[derive(Debug)]
pub struct Plan {
    /// The log.
    pub log: EmbeddedConfig,
    /// The accounts.
    pub directory: DirectoryConfig,
    /// The switch.
    pub simulated: SimulatedConfig,
    /// The commands, and what becomes of agents.
    pub exchange: exchange::Settings,
    /// The sessions.
    pub broker: broker::Settings,
    /// The doors.
    pub http: HttpConfig,
    /// The admin API, if it is on.
    pub admin: Option<AdminPlan>,
    /// How long a verified password is remembered.
    pub basic_cache: Duration,
    /// The certificate, and where it is from; `None` if TLS is not spoken.
    pub tls: Option<TlsPlan>,
    /// Which tokens are believed; `None` for none.
    pub tokens: Option<TokenPlan>,
    /// The stop.
    pub drain: Drain,
}

/// How the server stops.
#[derive(Clone, Copy, Debug)]
pub struct Drain {
    /// How long it goes on serving after it said that it is not ready.
    pub delay: Duration,
    /// Over how long the clients are told to spread their coming back.
    pub window: Duration,
    /// How long all of it may take.
    pub deadline: Duration,
}

/// Why the configuration cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The accounts do not fit together, or a rule names no channel.
    #[error("{0}")]
    Configuration(String),
    /// The key that signs logins cannot be read or made.
    #[error("{path}: {source}")]
    CookieKey {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// The certificate or its key is of no use.
    #[error("{setting}: {path}: {reason}")]
    Certificate {
        /// The setting that names the file.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        reason: BadCertificate,
    },
    /// The file with a secret cannot be read.
    #[error("{path}: {source}")]
    SecretFile {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
}

impl Plan {
    /// Works out what each room is told. `cookie_key` is what logins are signed with. Reads the files of secrets; binds
    /// and opens nothing else.
    ///
    /// # Errors
    /// [`PlanError`] if it cannot be carried out.
    pub fn new(config: &Config, cookie_key: CookieKey) -> Result<Self, PlanError> {
        let directory = accounts(config)?;
        let tls = TlsPlan::new(&config.server)?;
        let rules = Rules::new(config.channels.iter().map(rule).collect::<Result<_, _>>()?);
        let rendering = Rendering {
            base: Base(config.server.external_url.as_str().into()),
            attached_data_first: config.gws.attached_data_first,
            rules: call_rules(&config.gws),
            old_participants: config.gws.old_participants,
            numbering: numbering(config, &directory),
            voice_channel: config.gws.voice_channel,
        };
        Ok(Self {
            log: log_config(config, rules.clone()),
            simulated: simulated_config(&config.simulated, &directory)?,
            directory,
            exchange: exchange_settings(config)?,
            broker: broker_settings(config, rendering.clone(), rules)?,
            http: http_config(config, rendering, cookie_key, tls.as_ref())?,
            tls,
            admin: admin_plan(config)?,
            basic_cache: config.auth.basic_cache,
            tokens: TokenPlan::new(&config.auth),
            drain: Drain { delay: config.drain.delay, window: config.drain.window, deadline: config.drain.deadline },
        })
    }
}

fn log_config(config: &Config, rules: Rules) -> EmbeddedConfig {
    let log = &config.log;
    EmbeddedConfig {
        directory: log.directory.clone(),
        durability: match log.durability {
            Durability::Commit => log::Durability::Commit,
            Durability::Interval => log::Durability::Interval(log.interval),
            Durability::Memory => log::Durability::Memory,
        },
        segment_size: log.segment_size,
        retain_age: log.retain_age,
        retain_size: Some(log.retain_size),
        retention: Arc::new(rules),
        ring_records: log.ring_records,
        ring_bytes: log.ring_bytes,
        queue: EmbeddedConfig::default().queue,
    }
}

fn accounts(config: &Config) -> Result<DirectoryConfig, PlanError> {
    let section = &config.directory;
    let mut agents = match section.demo_agents {
        DemoAgents::Allow | DemoAgents::Loopback => demo_agents(),
        DemoAgents::Off => Vec::new(),
    };
    for entry in &section.agents {
        let device = directory::device_of(&entry.number).map_err(|error| bad(&error))?;
        agents.push(Agent {
            id: entry.user.clone(),
            number: entry.number.clone(),
            device,
            first_name: entry.first_name.clone(),
            last_name: entry.last_name.clone(),
            roles: entry.roles.clone(),
            features: entry.features.clone(),
            password_hash: entry.password_hash.clone(),
        });
    }
    if let Some(generated) = &section.generated {
        let generated = Generated {
            prefix: generated.prefix.clone(),
            count: u32::try_from(generated.count).map_err(|error| bad(&error))?,
            first_number: Number::parse(&generated.first_number.to_string()).map_err(|error| bad(&error))?,
            password: generated.password.clone(),
        };
        agents.extend(generated_agents(&generated).map_err(PlanError::Configuration)?);
    }
    Ok(DirectoryConfig { agents })
}

fn broker_settings(config: &Config, rendering: Rendering, rules: Rules) -> Result<broker::Settings, PlanError> {
    let bayeux = &config.bayeux;
    Ok(broker::Settings {
        timeout: bayeux.timeout,
        interval: bayeux.interval,
        max_interval: bayeux.max_interval,
        resume: bayeux.resume,
        session_rules: session_rules(bayeux),
        queue_messages: bayeux.queue_messages,
        queue_bytes: bayeux.queue_bytes,
        sessions: bayeux.sessions,
        sessions_per_agent: bayeux.sessions_per_agent,
        subscriptions_per_session: bayeux.subscriptions_per_session,
        transports: Transports {
            cometd: match (bayeux.eventsource, bayeux.callback_polling) {
                // Faye's pages of another origin handshake by callback-polling, and then go by what is named here.
                (true, true) => {
                    &["websocket", "eventsource", "long-polling", "cross-origin-long-polling", "callback-polling"]
                }
                (true, false) => &["websocket", "eventsource", "long-polling"],
                (false, true) => &["websocket", "long-polling", "cross-origin-long-polling", "callback-polling"],
                (false, false) => &["websocket", "long-polling"],
            },
            desktops: match config.desktops.websockets {
                Websockets::Offered => &["websocket", "long-polling"],
                Websockets::Refused => &["long-polling"],
            },
        },
        binding: if bayeux.trust_client_id { Binding::ClientId } else { Binding::Cookie },
        anonymous: if bayeux.anonymous { Anonymous::Allow } else { Anonymous::Refuse },
        desktop_unknown: Error::parse(&config.desktops.unknown_session_error).map_err(|error| bad(&error))?,
        upstream: Arc::new(back_ends(config, &rules)?),
        rules,
        rendering,
        node: "local".into(),
        homes: config.server.workers,
    })
}

fn session_rules(bayeux: &BayeuxConfig) -> SessionRules {
    SessionRules {
        max_lazy: bayeux.max_lazy,
        delivery: if bayeux.meta_connect_deliver_only { Delivery::ConnectOnly } else { Delivery::AnyReply },
        handshake_reconnect: bayeux.handshake_reconnect,
        deliver_in_handshake: bayeux.deliver_in_handshake,
        max_processing: bayeux.max_processing,
        sessions_per_browser: bayeux.sessions_per_browser,
        multi_session_interval: bayeux.multi_session_interval,
        broadcast_to_publisher: bayeux.broadcast_to_publisher,
        stamp: if bayeux.timestamp { Stamp::Everything } else { Stamp::Nothing },
        max_inactivity: bayeux.max_inactivity,
        activity: bayeux.activity,
        slow_consumer: bayeux.slow_consumer,
        publish_rate: bayeux.publish_rate,
        handshake_rate: bayeux.handshake_rate,
        handshake_rate_per_address: bayeux.handshake_rate_per_address,
        sessions_per_address: bayeux.sessions_per_address,
        channels: bayeux.channels,
        durable_channels: bayeux.durable_channels,
    }
}

fn rule(rule: &ChannelRule) -> Result<Rule, PlanError> {
    let who = |who: &Who| match who {
        Who::Agents => broker::Who::Agents,
        Who::Anyone => broker::Who::Anyone,
        Who::Nobody => broker::Who::Nobody,
        Who::Users(names) => broker::Who::Named(names.iter().cloned().collect::<BTreeSet<_>>()),
    };
    let pattern = Pattern::parse(&rule.pattern)
        .map_err(|_| PlanError::Configuration(format!("channel.pattern {:?} is no channel pattern", rule.pattern)))?;
    let retain = Retain { age: rule.retain_age, records: rule.retain_messages };
    let replay_id = if rule.replay_id_in_data { ReplayId::InData } else { ReplayId::InExt };
    let store = if rule.durable { Store::Durable { retain, replay_id } } else { Store::Volatile };
    let (subscribe, publish, create) = (who(&rule.subscribe), who(&rule.publish), who(&rule.create));
    Ok(Rule {
        pattern,
        subscribe,
        publish,
        create,
        store,
        lazy: rule.lazy,
        upstream: rule.upstream.as_deref().map(Endpoint::parse).transpose().map_err(|error| bad(&error))?,
        broadcast_to_publisher: rule.broadcast_to_publisher,
    })
}

fn http_config(
    config: &Config,
    rendering: Rendering,
    cookie_key: CookieKey,
    tls: Option<&TlsPlan>,
) -> Result<HttpConfig, PlanError> {
    let bayeux = &config.bayeux;
    let status = StatusCode::from_u16(bayeux.duplicate_connect_status).map_err(|error| bad(&error))?;
    Ok(HttpConfig {
        listen: vec![config.server.listen],
        tls: tls.map(|plan| plan.tls.clone()),
        workers: NonZeroUsize::new(config.server.workers).unwrap_or(NonZeroUsize::MIN),
        max_connections: config.server.max_connections,
        max_body: config.server.max_body,
        body_timeout: config.server.body_timeout,
        origins: Origins::new(&config.server.external_url, &config.server.allowed_origins)
            .map_err(|error| bad(&error))?,
        limits: Limits {
            batch_messages: bayeux.batch_messages,
            json_depth: bayeux.json_depth,
            subscriptions: bayeux.subscriptions_per_session,
        },
        callback_polling: if bayeux.callback_polling { CallbackPolling::Spoken } else { CallbackPolling::Refused },
        event_source: if bayeux.eventsource { EventSource::Spoken } else { EventSource::Refused },
        desktop_websockets: config.desktops.websockets,
        ping: bayeux.ping,
        idle_socket: bayeux.timeout.saturating_add(bayeux.interval).saturating_add(bayeux.max_interval),
        duplicate_connect_status: status,
        idle: config.auth.idle,
        proxies: Proxies::new(&config.server.trusted_proxies).map_err(|error| bad(&error))?,
        csrf: if config.auth.csrf { Csrf::Required } else { Csrf::Off },
        cookies: config.auth.cookies,
        external_url: config.server.external_url.as_str().into(),
        cookie_key,
        rendering,
        agent_states: config.agents.states.clone().into(),
        version: config.gws.version.as_str().into(),
        stop_deadline: config.drain.deadline,
    })
}

/// The key that signs logins: from the file that was named, or from the data directory, where it is made if need be. A
/// log that is kept in memory only has no data directory, so its key lives as long as the process.
///
/// # Errors
/// [`PlanError::CookieKey`] if the file cannot be read or made, or is not of 32 bytes.
pub fn cookie_key(config: &Config) -> Result<CookieKey, PlanError> {
    let made = config.log.directory.join("cookie.key");
    let (path, may_make) = match &config.auth.cookie_key_file {
        Some(path) => (path.clone(), false),
        None if config.log.durability == Durability::Memory => return Ok(CookieKey::new(random())),
        None => (made, true),
    };
    let key = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && may_make => make_key(&path),
        read => read.and_then(|bytes| bytes.try_into().map_err(|_| io::Error::other("must have 32 bytes"))),
    };
    key.map(CookieKey::new).map_err(|source| PlanError::CookieKey { path, source })
}

fn make_key(path: &Path) -> io::Result<[u8; 32]> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let key = random();
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&key)?;
    file.sync_all()?;
    Ok(key)
}

pub(super) fn bad(error: &impl std::error::Error) -> PlanError {
    PlanError::Configuration(error.to_string())
}
