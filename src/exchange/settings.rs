//! How commands are carried out, and what happens by itself.

use std::time::Duration;

use crate::agents::{AfterCall, NotAnswered, Rules};
use crate::calls;
use crate::calls::{ClearRule, MuteRule};

/// How commands are carried out, and what happens by itself.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long the switch may take to answer an ask.
    pub ask_timeout: Duration,
    /// What agents may do with calls.
    pub call_rules: calls::Rules,
    /// What becomes of agents by itself.
    pub rules: Rules,
}

impl Settings {
    /// Nothing becomes of agents by itself.
    pub const fn new(ask_timeout: Duration) -> Self {
        let rules = Rules { after_call: AfterCall::Never, after_call_time: None, not_answered: NotAnswered::Stay };
        let call_rules = calls::Rules { mute: MuteRule::Conference, clear: ClearRule::Conference };
        Self { ask_timeout, call_rules, rules }
    }
}
