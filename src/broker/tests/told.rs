//! Messages, as one reads them who trusts neither the client nor the server.

use serde_json::Value;

use crate::ids::{ClientId, SessionId};

/// One message of a body.
pub(super) struct Message(Value);

impl Message {
    pub(super) fn all(body: &str) -> Vec<Self> {
        let Value::Array(messages) = serde_json::from_str(body).unwrap() else { panic!("{body}") };
        messages.into_iter().map(Self).collect()
    }

    pub(super) fn of(body: &[u8]) -> Self {
        Self::all(std::str::from_utf8(body).unwrap()).remove(0)
    }

    pub(super) fn channel(&self) -> &str {
        self.0["channel"].as_str().unwrap()
    }

    pub(super) fn event(&self) -> Option<u64> {
        self.0.get("data")?.as_u64()
    }

    pub(super) fn session(&self) -> Option<SessionId> {
        self.0["clientId"].as_str().map(|client| ClientId::presented(client).session())
    }

    pub(super) fn ack(&self) -> u64 {
        self.0["ext"]["ack"].as_u64().unwrap_or_default()
    }

    pub(super) fn is_successful(&self) -> bool {
        self.0["successful"] == Value::Bool(true)
    }

    pub(super) fn error(&self) -> &str {
        self.0["error"].as_str().unwrap_or_default()
    }

    pub(super) fn reconnect(&self) -> &str {
        self.0["advice"]["reconnect"].as_str().unwrap_or_default()
    }
}
