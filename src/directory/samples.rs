//! Accounts that nobody has to write down: for trying the server out, and for loading it.

use crate::ids::{AgentId, BadId, Number};

use super::accounts::{Agent, device_of};
use super::features::Feature;
use super::password::{BadHash, hash_cheaply};

/// Many agents alike, for load tests.
#[derive(Clone, Debug)]
pub struct Generated {
    /// What their user names begin with; their number follows.
    pub prefix: String,
    /// How many.
    pub count: u32,
    /// The number of the first one. The others count on from it, in as many digits.
    pub first_number: Number,
    /// The password of them all.
    pub password: String,
}

/// Three agents whose names, numbers and passwords are all the same and known to everybody: not to be used
/// outside a test.
pub fn demo_agents() -> Vec<Agent> {
    DEMO.iter().filter_map(|(name, hash)| account(name, name, "Demo", hash).ok()).collect()
}

/// The agents of a load test. Their one password is hashed once, with the least that argon2 takes, for it protects
/// nothing.
///
/// # Errors
/// What is wrong with the settings, for the operator.
pub fn generated_agents(settings: &Generated) -> Result<Vec<Agent>, String> {
    let first = settings.first_number.as_str();
    let base: u64 = first.parse().map_err(|_| format!("first_number {first} is no whole number"))?;
    base.checked_add(u64::from(settings.count)).ok_or_else(|| format!("first_number {first} is too large"))?;
    let hash = hash_cheaply(&settings.password).map_err(|BadHash| "the password cannot be hashed".to_owned())?;
    (0..u64::from(settings.count))
        .map(|index| {
            let number = format!("{:0width$}", base + index, width = first.len());
            let name = format!("{}{number}", settings.prefix);
            account(&name, &number, "Generated", &hash).map_err(|e| format!("agent {name}: {e}"))
        })
        .collect()
}

fn account(name: &str, number: &str, first_name: &str, hash: &str) -> Result<Agent, BadId> {
    let id = AgentId::parse(name)?;
    let number = Number::parse(number)?;
    Ok(Agent {
        device: device_of(&number)?,
        first_name: first_name.to_owned(),
        last_name: number.as_str().to_owned(),
        roles: vec!["ROLE_AGENT".to_owned()],
        features: vec![Feature::Voice.name().to_owned()],
        password_hash: hash.to_owned(),
        id,
        number,
    })
}

/// User names, and hashes of the same as passwords. The least that argon2 takes: there is nothing to protect.
const DEMO: [(&str, &str); 3] = [
    ("15000", "$argon2id$v=19$m=8,t=1,p=1$IAS78NjE7vOg8uZmNKQDPg$P8S3yuZpd6VFmEV1AIURwYw39Zk8oaOuyyPbbKjYHZk"),
    ("15001", "$argon2id$v=19$m=8,t=1,p=1$WPe/XrxRVo+VINfn2tmhLA$BNSbJbsiGq+4HPUi+7nSCjdiw6S4YRa7FAlIUapUqYU"),
    ("15002", "$argon2id$v=19$m=8,t=1,p=1$PdwIlOlYXWhsBJANirqHHg$frR80/e8DWkt4tZGIvBdLX1fjv1h23iOriroxoL1TKw"),
];
