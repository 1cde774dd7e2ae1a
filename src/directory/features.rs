//! What an agent may do: the features of the API by which an account says so.

use crate::calls::{Right, Rights};

use super::accounts::Agent;

/// A feature that means something here. An account may have others, which are shown to desktops and mean nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Feature {
    /// Change the state of other agents. Nothing here does that: it is shown alone.
    AgentControl,
    /// Watch other agents' calls.
    Monitoring,
    /// Have calls recorded.
    Recording,
    /// Do anything with calls, and with one's own state and device.
    Voice,
}

impl Feature {
    /// Every one of them.
    pub const ALL: [Self; 4] = [Self::AgentControl, Self::Monitoring, Self::Recording, Self::Voice];

    /// What accounts and the API call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AgentControl => "api-supervisor-agent-control",
            Self::Monitoring => "api-supervisor-monitoring",
            Self::Recording => "api-voice-recording",
            Self::Voice => "api-voice",
        }
    }
}

impl Agent {
    /// Whether the agent has this feature.
    pub fn has(&self, feature: Feature) -> bool {
        self.features.iter().any(|each| each == feature.name())
    }

    /// What the agent may do on calls.
    pub fn rights(&self) -> Rights {
        Rights { recording: self.right(Feature::Recording), voice: self.right(Feature::Voice) }
    }

    fn right(&self, feature: Feature) -> Right {
        if self.has(feature) { Right::Granted } else { Right::Withheld }
    }
}
