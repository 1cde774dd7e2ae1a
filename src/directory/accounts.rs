//! Who exists: agents by name, by number and by device.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use crate::calls::Home;
use crate::ids::{AgentId, BadId, DeviceId, Number};

use super::password::check_hash;

/// An agent's account.
#[derive(Clone)]
pub struct Agent {
    /// The user name.
    pub id: AgentId,
    /// The number of the agent's device.
    pub number: Number,
    /// The agent's device: derived from the number ([`device_of`]), so that it is the same at every start.
    pub device: DeviceId,
    /// `firstName`.
    pub first_name: String,
    /// `lastName`.
    pub last_name: String,
    /// `ROLE_AGENT`, ….
    pub roles: Vec<String>,
    /// The names of its features: of each [`Feature`](crate::directory::Feature), and of any other.
    pub features: Vec<String>,
    /// The argon2 hash of the password, in PHC form.
    pub password_hash: String,
}

/// The accounts to be.
#[derive(Clone, Debug, Default)]
pub struct DirectoryConfig {
    /// Every agent.
    pub agents: Vec<Agent>,
}

/// Who exists. Cheap to clone.
///
/// Invariants: no name, number or device stands twice; every password hash can be verified against.
#[derive(Clone, Debug)]
pub struct Directory {
    accounts: Arc<Accounts>,
}

#[derive(Debug, Default)]
struct Accounts {
    agents: BTreeMap<AgentId, Agent>,
    by_number: BTreeMap<Number, AgentId>,
    by_device: BTreeMap<DeviceId, AgentId>,
    by_user: BTreeMap<Uuid, AgentId>,
    features: BTreeSet<String>,
}

impl Directory {
    /// A directory of these accounts.
    ///
    /// # Errors
    /// What is wrong with them, for the operator: a name, a number or a device that stands twice, or a password
    /// hash that is none.
    pub fn new(config: DirectoryConfig) -> Result<Self, String> {
        let mut accounts = Accounts::default();
        for agent in config.agents {
            accounts.add(agent)?;
        }
        Ok(Self { accounts: Arc::new(accounts) })
    }

    /// The agent with this user name.
    pub fn agent(&self, id: &AgentId) -> Option<&Agent> {
        self.accounts.agents.get(id)
    }

    /// The agent whose device this is.
    pub fn agent_at(&self, device: &DeviceId) -> Option<&Agent> {
        self.agent(self.accounts.by_device.get(device)?)
    }

    /// The agent with this [`user_id`].
    pub fn agent_with(&self, user: &str) -> Option<&Agent> {
        self.agent(self.accounts.by_user.get(&Uuid::try_parse(user).ok()?)?)
    }

    /// Every feature that some agent has.
    pub fn features(&self) -> impl Iterator<Item = &str> {
        self.accounts.features.iter().map(String::as_str)
    }

    /// The agent whose device has this number.
    pub fn agent_of(&self, number: &Number) -> Option<&Agent> {
        self.agent(self.accounts.by_number.get(number)?)
    }

    /// The agent and device behind a number.
    pub fn home(&self, number: &Number) -> Option<Home> {
        let agent = self.agent_of(number)?;
        Some(Home { agent: agent.id.clone(), device: agent.device.clone() })
    }

    /// Every agent, in the order of the names.
    pub fn agents(&self) -> impl Iterator<Item = &Agent> {
        self.accounts.agents.values()
    }
}

impl Accounts {
    fn add(&mut self, agent: Agent) -> Result<(), String> {
        check_hash(&agent.password_hash).map_err(|e| format!("agent {}: password_hash: {e}", agent.id))?;
        let id = agent.id.clone();
        if let Some(other) = self.by_number.insert(agent.number.clone(), id.clone()) {
            return Err(format!("agents {other} and {id} both have number {}", agent.number));
        }
        if let Some(other) = self.by_device.insert(agent.device.clone(), id.clone()) {
            return Err(format!("agents {other} and {id} both have device {}", agent.device));
        }
        self.by_user.insert(user_id(&id), id.clone());
        self.features.extend(agent.features.iter().cloned());
        if self.agents.insert(id.clone(), agent).is_some() {
            return Err(format!("agent {id} stands twice"));
        }
        Ok(())
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent").field("id", &self.id).field("number", &self.number).finish_non_exhaustive()
    }
}

/// The device behind a number: always the same one.
///
/// # Errors
/// [`BadId`] never: every UUID is a device id.
pub fn device_of(number: &Number) -> Result<DeviceId, BadId> {
    DeviceId::parse(&Uuid::new_v5(&DEVICES, number.as_str().as_bytes()).to_string())
}

/// The id by which the API knows an agent: always the same one.
pub fn user_id(agent: &AgentId) -> Uuid {
    Uuid::new_v5(&USERS, agent.as_str().as_bytes())
}

/// The namespace of the users' UUIDs. Part of what desktops may have stored: it must not change.
const USERS: Uuid = Uuid::from_u128(0x0c5e_7d44_91ab_4f0e_8a3c_2b6f_e1d0_9a57);

/// The namespace of the devices' UUIDs. Part of what desktops may have stored: it must not change.
const DEVICES: Uuid = Uuid::from_u128(0x5b0c_9c2e_6f3d_4c55_9e0b_7a1d_64c2_83f1);
