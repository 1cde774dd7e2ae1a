//! Who may come to a call, and how much it may have: each limit is judged here, whoever asks.

use crate::calls::change::Change;
use crate::calls::model::{Call, Family, UserData};
use crate::calls::operation::Refused;
use crate::calls::telephony::LegId;
use crate::ids::{CallId, Number};

impl Call {
    /// Whether somebody with this number is on the call, or is being added to it: a number comes to a call once.
    pub(super) fn has(&self, number: &Number) -> bool {
        self.live().any(|party| party.endpoint.number == *number)
    }

    /// Whether somebody with this number may come.
    ///
    /// # Errors
    /// [`Refused::AlreadyPresent`].
    pub(super) fn check_number(&self, number: &Number) -> Result<(), Refused> {
        if self.has(number) { Err(Refused::AlreadyPresent(number.clone())) } else { Ok(()) }
    }

    /// Whether there is room for so many parties more.
    ///
    /// # Errors
    /// [`Refused::TooMany`].
    pub(super) fn check_room(&self, more: usize) -> Result<(), Refused> {
        if self.live().count() + more <= PARTIES { Ok(()) } else { Err(Refused::TooMany("parties")) }
    }

    /// Whether there is room for that data, too.
    ///
    /// # Errors
    /// [`Refused::TooMany`].
    pub(super) fn check_data(&self, newer: &UserData) -> Result<(), Refused> {
        let mut both = self.user_data.clone();
        both.merge(newer);
        both.check()
    }
}

impl Change<'_> {
    /// Whether another party of the call has this number.
    pub(super) fn is_elsewhere_on(&self, call: &CallId, leg: LegId, number: &Number) -> bool {
        let mut others = self.call(call).into_iter().flat_map(Call::live).filter(|party| party.leg != leg);
        others.any(|party| party.endpoint.number == *number)
    }
}

impl UserData {
    /// Whether a call may have so much.
    ///
    /// # Errors
    /// [`Refused::TooMany`].
    pub(super) fn check(&self) -> Result<(), Refused> {
        let bytes: usize = self.0.iter().map(|(key, datum)| key.len() + datum.0.len()).sum();
        if self.0.len() <= KEYS && bytes <= BYTES { Ok(()) } else { Err(Refused::TooMany("data")) }
    }
}

impl Family {
    /// Whether there is room for one consult call more.
    ///
    /// # Errors
    /// [`Refused::TooMany`].
    pub(super) fn check_consults(&self) -> Result<(), Refused> {
        let begun = self.calls.iter().filter(|call| call.consult.is_some() && call.live().next().is_some());
        if begun.count() < CONSULTS { Ok(()) } else { Err(Refused::TooMany("consult calls")) }
    }
}

/// How many parties a call may have, supervisors and those being added included.
const PARTIES: usize = 64;

/// How many consult calls a family may have at a time.
const CONSULTS: usize = 8;

/// How many keys a call's data may have.
const KEYS: usize = 1024;

/// How long a call's data may be, its keys and values together.
const BYTES: usize = 64 * 1024;
