//! Attached data: how one set of it is merged into another.

use std::sync::Arc;

use crate::calls::model::{Datum, UserData};
use crate::ids::Number;

/// The key under which every party sees who first made the call a conference. It is the call's own: agents
/// cannot set it.
pub const FIRST_CONFERENCE_PARTY: &str = "FirstConferencePartyDN";

impl UserData {
    /// The value of this key.
    pub fn find(&self, key: &str) -> Option<&Datum> {
        self.0.iter().find(|(name, _)| &**name == key).map(|(_, datum)| datum)
    }

    /// Takes an agent's data in: a known key keeps its place and gets the new value, a new one comes last.
    pub(super) fn merge(&mut self, newer: &Self) {
        for (key, datum) in &newer.0 {
            if &**key != FIRST_CONFERENCE_PARTY {
                self.put(key, datum.clone());
            }
        }
    }

    pub(super) fn mark_owner(&mut self, owner: &Number) {
        // A number holds no quote, backslash or control character, so quoted it is JSON.
        self.put(&FIRST_CONFERENCE_PARTY.into(), Datum(format!("\"{owner}\"").into()));
    }

    pub(super) fn unmark_owner(&mut self) {
        self.0.retain(|(name, _)| &**name != FIRST_CONFERENCE_PARTY);
    }

    fn put(&mut self, key: &Arc<str>, datum: Datum) {
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = datum,
            None => self.0.push((Arc::clone(key), datum)),
        }
    }
}
