//! The places that a request can lead to: a fixed list, so that metrics never bear what a client sent.

use std::time::Duration;

use actix_web::http::StatusCode;

use crate::metrics::{Metrics, Route, Status};

use super::errors::Failure;

/// Where a request leads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    AgentStates,
    BusinessAttributes,
    Call,
    Calls,
    Channel,
    Channels,
    ColleagueDevice,
    ColleagueDeviceSettings,
    Cometd,
    Contact,
    ContactCenter,
    Contacts,
    Device,
    DeviceCalls,
    DeviceSettings,
    Devices,
    Elsewhere,
    Feature,
    Features,
    Groups,
    InternalOperations,
    InternalSettings,
    Livez,
    Me,
    Metrics,
    MyFeatures,
    MyGroups,
    MySettings,
    MySettingsSection,
    Notifications,
    OpenApi,
    Readyz,
    Service,
    Services,
    UnknownResource,
    User,
    Version,
    VoiceEnvironment,
    VoiceEnvironments,
    Workbins,
}

impl Place {
    /// The pattern of its path.
    pub(crate) const fn pattern(self) -> &'static str {
        match self {
            Self::AgentStates => "/api/v2/settings/agent-states",
            Self::BusinessAttributes => "/internal-api/business-attributes",
            Self::Call => "/api/v2/me/calls/{id}",
            Self::Calls => "/api/v2/me/calls",
            Self::Channel => "/api/v2/me/channels/{id}",
            Self::Channels => "/api/v2/me/channels",
            Self::ColleagueDevice => "/api/v2/devices/{id}",
            Self::ColleagueDeviceSettings => "/api/v2/devices/{id}/settings/{group}",
            Self::Cometd => "/cometd",
            Self::Contact => "/api/v2/contacts/{id}",
            Self::ContactCenter => "/internal-api/contact-center",
            Self::Contacts => "/api/v2/contacts",
            Self::Device => "/api/v2/me/devices/{id}",
            Self::DeviceCalls => "/api/v2/me/devices/{id}/calls",
            Self::DeviceSettings => "/api/v2/me/devices/{id}/settings/{group}",
            Self::Devices => "/api/v2/me/devices",
            Self::Elsewhere => "/{tail:.*}",
            Self::Feature => "/api/v2/features/{id}",
            Self::Features => "/api/v2/features",
            Self::Groups => "/api/v2/groups",
            Self::InternalOperations => "/internal-api/operations",
            Self::InternalSettings => "/internal-api/me/settings",
            Self::Livez => "/livez",
            Self::Me => "/api/v2/me",
            Self::Metrics => "/metrics",
            Self::MyFeatures => "/api/v2/me/features",
            Self::MyGroups => "/api/v2/me/groups",
            Self::MySettings => "/api/v2/me/settings",
            Self::MySettingsSection => "/api/v2/me/settings/{id}",
            Self::Notifications => "/api/v2/notifications",
            Self::OpenApi => "/openapi.json",
            Self::Readyz => "/readyz",
            Self::Service => "/api/v2/services/{id}",
            Self::Services => "/api/v2/services",
            Self::UnknownResource => "/api/v2/{tail:.*}",
            Self::User => "/api/v2/users/{id}",
            Self::Version => "/api/v2/diagnostics/version",
            Self::VoiceEnvironment => "/api/v2/voice-environments/{id}",
            Self::VoiceEnvironments => "/api/v2/voice-environments",
            Self::Workbins => "/api/v2/workbins",
        }
    }

    /// Under what it is counted.
    pub(crate) const fn route(self) -> Route {
        match self {
            Self::AgentStates => Route::Settings,
            Self::Call | Self::Calls => Route::Calls,
            Self::Channel | Self::Channels => Route::Channels,
            Self::Cometd => Route::Bayeux,
            Self::Device | Self::DeviceCalls | Self::DeviceSettings | Self::Devices => Route::Device,
            Self::BusinessAttributes
            | Self::ColleagueDevice
            | Self::ColleagueDeviceSettings
            | Self::Contact
            | Self::ContactCenter
            | Self::Contacts
            | Self::Feature
            | Self::Features
            | Self::Groups
            | Self::InternalOperations
            | Self::InternalSettings
            | Self::MyFeatures
            | Self::MyGroups
            | Self::MySettings
            | Self::MySettingsSection
            | Self::Service
            | Self::Services
            | Self::User
            | Self::VoiceEnvironment
            | Self::VoiceEnvironments
            | Self::Workbins => Route::Directory,
            Self::Elsewhere | Self::OpenApi | Self::UnknownResource => Route::Other,
            Self::Livez => Route::Live,
            Self::Me => Route::Me,
            Self::Metrics => Route::Metrics,
            Self::Notifications => Route::Notifications,
            Self::Readyz => Route::Ready,
            Self::Version => Route::Diagnostics,
        }
    }

    /// Whether what is asked here is how the server is: that is told on any connection.
    pub(crate) const fn tells_how_it_is(self) -> bool {
        matches!(self, Self::Livez | Self::Metrics | Self::Readyz)
    }

    /// The patterns that lead here: with and without a slash at the end.
    pub(crate) fn patterns(self) -> Vec<String> {
        let pattern = self.pattern();
        if self == Self::UnknownResource {
            vec!["/api/v2".into(), pattern.into()]
        } else if self == Self::Elsewhere {
            vec![pattern.into()]
        } else {
            vec![pattern.into(), format!("{pattern}/")]
        }
    }
}

/// Counts an answer, by the place and never by the path.
pub(crate) fn observe(metrics: &Metrics, place: Place, status: StatusCode, took: Duration) {
    metrics.http_requests_total.of(place.route(), Status::from_code(status.as_u16())).inc();
    metrics.http_request_seconds.of(place.route()).observe(took.as_secs_f64());
}

/// Counts a no that was said at a limit.
pub(crate) fn observe_failure(metrics: &Metrics, failure: &Failure) {
    if let Some(limit) = failure.limit() {
        metrics.rejected_total.of(limit).inc();
    }
}
