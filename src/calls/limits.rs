//! Who may come to a call, and how much it may have: each limit is judged here, whoever asks.

use std::collections::BTreeMap;

use crate::calls::change::Change;
use crate::calls::model::{Call, Family, UserData};
use crate::calls::operation::Refused;
use crate::calls::operations::Accepted;
use crate::calls::telephony::{AskKind, LegId};
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

    /// Its data, and those that come with who is being added to it.
    fn data(&self) -> impl Iterator<Item = &UserData> {
        let joining = self.live().filter_map(|party| party.joining.as_ref());
        std::iter::once(&self.user_data).chain(joining.map(|joining| &joining.user_data))
    }
}

impl Change<'_> {
    /// Does what an agent wants, if no call has too much data by it.
    ///
    /// # Errors
    /// [`Refused::TooMany`], and those of what is done.
    pub(super) fn within_limits(
        &mut self,
        done: impl FnOnce(&mut Self) -> Result<Accepted, Refused>,
    ) -> Result<Accepted, Refused> {
        let before = self.family.loads();
        let accepted = done(self)?;
        self.family.check_data(&before)?;
        Ok(accepted)
    }

    /// Whether another party of the call has this number.
    pub(super) fn is_elsewhere_on(&self, call: &CallId, leg: LegId, number: &Number) -> bool {
        let mut others = self.call(call).into_iter().flat_map(Call::live).filter(|party| party.leg != leg);
        others.any(|party| party.endpoint.number == *number)
    }
}

/// How much data a call has, and is to have: every key once, with the longest of its values.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Load {
    keys: usize,
    bytes: usize,
}

/// How much data each call of a family has.
#[derive(Debug, Default)]
pub(super) struct Loads(BTreeMap<CallId, Load>);

impl Load {
    /// What the call itself says there is not counted: it comes and goes by itself.
    fn of<'a>(data: impl IntoIterator<Item = &'a UserData>) -> Self {
        let pairs = data.into_iter().flat_map(|data| &data.0);
        let mut longest: BTreeMap<&str, usize> = BTreeMap::new();
        for (key, datum) in pairs.filter(|(key, datum)| !UserData::is_a_mark(key, datum)) {
            let length = longest.entry(key).or_default();
            *length = datum.0.len().max(*length);
        }
        Self { keys: longest.len(), bytes: longest.iter().map(|(key, length)| key.len() + length).sum() }
    }

    /// Whether a call may have so much that had this much before. What is too much already may still become less.
    fn check(self, before: Self) -> Result<(), Refused> {
        let fits = self.keys <= KEYS.max(before.keys) && self.bytes <= BYTES.max(before.bytes);
        if fits { Ok(()) } else { Err(Refused::TooMany("data")) }
    }
}

impl UserData {
    /// Whether a call may begin with so much.
    ///
    /// # Errors
    /// [`Refused::TooMany`].
    pub(super) fn check(&self) -> Result<(), Refused> {
        Load::of([self]).check(Load::default())
    }
}

impl Family {
    /// How much data each call has.
    pub(super) fn loads(&self) -> Loads {
        Loads(self.calls.iter().map(|call| (call.id.clone(), Load::of(self.data_of(&call.id)))).collect())
    }

    /// Whether each call may have the data that it has now, and had so much before.
    ///
    /// # Errors
    /// [`Refused::TooMany`].
    pub(super) fn check_data(&self, before: &Loads) -> Result<(), Refused> {
        self.calls.iter().try_for_each(|call| {
            // A consult call begins with the data of its main call.
            let began = || before.0.get(&call.consult.as_ref()?.parent);
            let before = before.0.get(&call.id).or_else(began).copied().unwrap_or_default();
            Load::of(self.data_of(&call.id)).check(before)
        })
    }

    /// The data of a call, of those who are being added to it, and of the consult calls that are being brought into it
    /// or may yet be.
    fn data_of(&self, call: &CallId) -> Vec<&UserData> {
        let mut ids = vec![call];
        let mut next = 0;
        while let Some(id) = ids.get(next).copied() {
            for ask in self.asks.iter().chain(&self.late).filter(|ask| ask.call == *id) {
                if let AskKind::Merge { consult, .. } = &ask.kind
                    && !ids.contains(&consult)
                {
                    ids.push(consult);
                }
            }
            next += 1;
        }
        let calls = self.calls.iter().filter(|call| ids.contains(&&call.id));
        calls.flat_map(Call::data).collect()
    }

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

/// How long a call's data may be, its keys and values together, with those that are to come.
const BYTES: usize = 64 * 1024;
