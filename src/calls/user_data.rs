//! Attached data: how it is changed, and what stands in it of the call itself.

use std::sync::Arc;

use crate::calls::change::Change;
use crate::calls::model::{Call, Datum, Recording, UserData};
use crate::calls::operation::Refused;
use crate::ids::{CallId, Number};

/// The key under which every party sees who first made the call a conference. It is the call's own: agents
/// cannot set it.
pub const FIRST_CONFERENCE_PARTY: &str = "FirstConferencePartyDN";

/// The key under which every party sees whether the call is recorded, once it was.
pub const RECORDED: &str = "GSIP_RECORD";

impl Change<'_> {
    /// Changes the data of a call, and tells every agent on it who does not learn it otherwise.
    ///
    /// # Errors
    /// [`Refused::NotFound`] if there is no such call.
    pub(super) fn edit(&mut self, call: &CallId, edit: impl FnOnce(&mut UserData)) -> Result<bool, Refused> {
        let Some(found) = self.call_mut(call) else { return Err(Refused::NotFound) };
        let mut data = found.user_data.clone();
        edit(&mut data);
        if let Some(owner) = found.owner.clone() {
            data.mark_owner(&owner);
        }
        if data == found.user_data {
            return Ok(false);
        }
        found.user_data = data;
        let all = self.all(call);
        self.tell_data(call, &all);
        Ok(true)
    }
}

impl Call {
    /// Once there are three, it is a conference, and who made it one owns it.
    pub(super) fn mark_conference(&mut self, by: Number) {
        if self.owner.is_none() && self.is_conference() {
            self.user_data.mark_owner(&by);
            self.owner = Some(by);
        }
    }
}

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

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.0.retain(|(name, _)| &**name != key);
    }

    pub(super) fn mark_owner(&mut self, owner: &Number) {
        // A number holds no quote, backslash or control character, so quoted it is JSON.
        self.put(&FIRST_CONFERENCE_PARTY.into(), Datum(format!("\"{owner}\"").into()));
    }

    pub(super) fn unmark_owner(&mut self) {
        self.remove(FIRST_CONFERENCE_PARTY);
    }

    pub(super) fn mark_recording(&mut self, recording: Recording) {
        self.put(&RECORDED.into(), Datum(recording.mark().into()));
    }

    /// Whether that says something of the call itself.
    pub(super) fn is_a_mark(key: &str, datum: &Datum) -> bool {
        let recordings = [Recording::Paused, Recording::Recording, Recording::Stopped];
        key == FIRST_CONFERENCE_PARTY || key == RECORDED && recordings.iter().any(|at| at.mark() == &*datum.0)
    }

    fn put(&mut self, key: &Arc<str>, datum: Datum) {
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = datum,
            None => self.0.push((Arc::clone(key), datum)),
        }
    }
}

impl Recording {
    const fn mark(self) -> &'static str {
        match self {
            Self::Paused => "\"PAUSED\"",
            Self::Recording => "\"ON\"",
            Self::Stopped => "\"OFF\"",
        }
    }
}
