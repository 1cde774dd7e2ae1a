//! How commands are carried out, and what happens by itself.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::agents::{AfterCall, NotAnswered, Rules};
use crate::calls;
use crate::calls::{ClearRule, MuteRule};
use crate::ids::Number;

/// How commands are carried out, and what happens by itself.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long the switch may take to answer an ask.
    pub ask_timeout: Duration,
    /// What agents may do with calls.
    pub call_rules: calls::Rules,
    /// What becomes of agents by itself.
    pub rules: Rules,
    /// Numbers of the switch's own: a call to one does not leave the house.
    pub queues: BTreeSet<Number>,
    /// Numbers of agents' devices that the switch does not know: whatever their agents want of one fails there.
    pub unregistered: BTreeSet<Number>,
}

impl Settings {
    /// Nothing becomes of agents by itself, and the switch knows every device.
    pub const fn new(ask_timeout: Duration) -> Self {
        let rules = Rules { after_call: AfterCall::Never, after_call_time: None, not_answered: NotAnswered::Stay };
        let call_rules = calls::Rules { mute: MuteRule::Conference, clear: ClearRule::Conference };
        Self { ask_timeout, call_rules, rules, queues: BTreeSet::new(), unregistered: BTreeSet::new() }
    }
}
