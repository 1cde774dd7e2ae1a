//! The configuration, read and checked: defaults, then a file, then the environment, then flags.

use toml::Table;

use super::agents::AgentsSection;
use super::error::ConfigError;
use super::reader::Reader;
use super::sections::{
    AdminSection, AuthConfig, BayeuxConfig, ChannelRule, DemoAgents, DesktopsConfig, DirectorySection, DrainConfig,
    GwsConfig, LogConfig, ServerConfig, SimulatedSection, SwitchConfig, TelemetryConfig, UpstreamSection,
};
use super::settings::{Origin, Settings, Sources};

/// Everything that can be set. `config/partyline.toml` says what each key means, and why it is what it is.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen, and how much to take in.
    pub server: ServerConfig,
    /// What back ends and operators do over HTTP.
    pub admin: AdminSection,
    /// Logins.
    pub auth: AuthConfig,
    /// Sessions, and their limits.
    pub bayeux: BayeuxConfig,
    /// What desktops expect.
    pub desktops: DesktopsConfig,
    /// Who may do what to which channels.
    pub channels: Vec<ChannelRule>,
    /// How back ends are asked that answer service channels.
    pub upstream: UpstreamSection,
    /// The log.
    pub log: LogConfig,
    /// The link to telephony.
    pub switch: SwitchConfig,
    /// The telephony played in memory.
    pub simulated: SimulatedSection,
    /// Who exists.
    pub directory: DirectorySection,
    /// What becomes of agents by itself.
    pub agents: AgentsSection,
    /// The API towards desktops.
    pub gws: GwsConfig,
    /// How to stop.
    pub drain: DrainConfig,
    /// What to tell the operator.
    pub telemetry: TelemetryConfig,
    effective: Table,
}

impl Config {
    /// Lays the sources over the defaults and checks everything. Binds and opens nothing.
    ///
    /// # Errors
    /// [`ConfigError`], the first that was found: it names where it stands, the key, the value and what was expected.
    pub fn load(sources: Sources) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(Settings::layer(sources)?);
        let listening = reader.origin("server.listen");
        let cookies = reader.origin_of(&["auth.cookie_same_site", "auth.cookie_partitioned"]);
        let queue = reader.origin_of(&["bayeux.queue_bytes", "server.max_body"]);
        let server = ServerConfig::read(&mut reader)?;
        let admin = AdminSection::read(&mut reader)?;
        let auth = AuthConfig::read(&mut reader)?;
        let bayeux = BayeuxConfig::read(&mut reader)?;
        let desktops = DesktopsConfig::read(&mut reader)?;
        let channels = ChannelRule::read_all(&mut reader)?;
        let upstream = UpstreamSection::read(&mut reader)?;
        let log = LogConfig::read(&mut reader)?;
        let switch = SwitchConfig::read(&mut reader)?;
        let simulated = SimulatedSection::read(&mut reader)?;
        let directory = DirectorySection::read(&mut reader)?;
        let agents = AgentsSection::read(&mut reader)?;
        let gws = GwsConfig::read(&mut reader)?;
        let drain = DrainConfig::read(&mut reader)?;
        let telemetry = TelemetryConfig::read(&mut reader)?;
        if directory.demo_agents == DemoAgents::Loopback && !server.listen.ip().is_loopback() {
            return Err(ConfigError::DemoAgentsExposed { origin: listening, listen: server.listen });
        }
        if !auth.cookies.is_taken(&server.external_url) {
            return Err(ConfigError::CookiesRefused { origin: cookies });
        }
        has_room(&bayeux, &server, &reader, queue)?;
        let effective = reader.finish()?;
        Ok(Self {
            server,
            admin,
            auth,
            bayeux,
            desktops,
            channels,
            upstream,
            log,
            switch,
            simulated,
            directory,
            agents,
            gws,
            drain,
            telemetry,
            effective,
        })
    }

    /// The whole configuration as TOML, with every key. Secrets are not shown.
    pub fn to_toml(&self) -> String {
        self.effective.to_string()
    }

    /// Whether the demo agents exist.
    pub fn has_demo_agents(&self) -> bool {
        self.directory.demo_agents != DemoAgents::Off
    }
}

/// Otherwise whoever is owed something, and then the largest publication, is owed too much: its session would end. `origin` is
/// where one of the two stands.
fn has_room(bayeux: &BayeuxConfig, server: &ServerConfig, reader: &Reader, origin: Origin) -> Result<(), ConfigError> {
    if bayeux.queue_bytes / 2 >= server.max_body.saturating_add(ENVELOPE) {
        return Ok(());
    }
    let expected = format!(
        "at least twice server.max_body = {}, and 2 KiB more, for a publication may be as large as that, and its event bears \
         a little more",
        reader.written("server.max_body")
    );
    let key = "bayeux.queue_bytes";
    Err(ConfigError::BadValue { origin, key: key.into(), value: reader.written(key), expected })
}

/// What an event may bear besides its publication: its position, twice, its time, and word of a gap before it.
const ENVELOPE: usize = 1024;
