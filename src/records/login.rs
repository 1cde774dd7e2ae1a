//! `login.ended`: a login that is over before its time.

use serde::{Deserialize, Serialize};

use crate::ids::{AgentId, LoginId, RecordId, WallTime};
use crate::log::{Expected, NewRecord, Record, Subject};

use super::codec::{LOGIN_ENDED, VERSION, from_json, to_json};
use super::family::parse_id;

/// A login is over before its time: whoever shows its cookie is nobody.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LoginEnded {
    /// Which.
    pub login: LoginId,
    /// Whose it was.
    pub agent: AgentId,
    /// When its cookie is worth nothing anyhow, and this record neither.
    pub until: WallTime,
}

impl LoginEnded {
    /// What the names of all logins' subjects begin with.
    pub const SUBJECTS: &str = "login/";

    /// The record to append.
    pub fn record(&self, id: RecordId, time: WallTime) -> NewRecord {
        self.written(id, time, false)
    }

    /// The record to append when nobody needs to know any more: it ends the subject.
    pub fn forgotten(&self, id: RecordId, time: WallTime) -> NewRecord {
        self.written(id, time, true)
    }

    fn written(&self, id: RecordId, time: WallTime, ends: bool) -> NewRecord {
        let wire =
            LoginWire { login: self.login.to_string(), agent: self.agent.to_string(), until: self.until.millis() };
        NewRecord {
            id,
            subject: Subject::new(&format!("{}{}", Self::SUBJECTS, self.login)),
            expected: Expected::Any,
            kind: LOGIN_ENDED,
            version: VERSION,
            time,
            volatile: false,
            ends,
            payload: to_json(&wire),
        }
    }

    pub(super) fn read(record: &Record) -> Result<Self, String> {
        let LoginWire { login, agent, until } = from_json(&record.payload)?;
        Ok(Self {
            login: parse_id(&login, LoginId::parse)?,
            agent: parse_id(&agent, AgentId::parse)?,
            until: WallTime::from_millis(until),
        })
    }
}

/// `login.ended` as it is written.
#[derive(Deserialize, Serialize)]
struct LoginWire {
    login: String,
    agent: String,
    until: u64,
}
