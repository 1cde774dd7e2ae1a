//! The places that a request can lead to: a fixed list, so that metrics never bear what a client sent.

use std::time::Duration;

use actix_web::http::StatusCode;

use crate::metrics::{Metrics, Route, Status};

use super::errors::Failure;

/// Where a request leads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    AgentStates,
    Call,
    Calls,
    Channel,
    Channels,
    Cometd,
    Device,
    DeviceCalls,
    Devices,
    Elsewhere,
    Livez,
    Me,
    Metrics,
    Notifications,
    OpenApi,
    Readyz,
    UnknownResource,
    Version,
}

impl Place {
    /// The pattern of its path.
    pub(crate) const fn pattern(self) -> &'static str {
        match self {
            Self::AgentStates => "/api/v2/settings/agent-states",
            Self::Call => "/api/v2/me/calls/{id}",
            Self::Calls => "/api/v2/me/calls",
            Self::Channel => "/api/v2/me/channels/{id}",
            Self::Channels => "/api/v2/me/channels",
            Self::Cometd => "/cometd",
            Self::Device => "/api/v2/me/devices/{id}",
            Self::DeviceCalls => "/api/v2/me/devices/{id}/calls",
            Self::Devices => "/api/v2/me/devices",
            Self::Elsewhere => "/{tail:.*}",
            Self::Livez => "/livez",
            Self::Me => "/api/v2/me",
            Self::Metrics => "/metrics",
            Self::Notifications => "/api/v2/notifications",
            Self::OpenApi => "/openapi.json",
            Self::Readyz => "/readyz",
            Self::UnknownResource => "/api/v2/{tail:.*}",
            Self::Version => "/api/v2/diagnostics/version",
        }
    }

    /// Under what it is counted.
    pub(crate) const fn route(self) -> Route {
        match self {
            Self::AgentStates => Route::Settings,
            Self::Call | Self::Calls => Route::Calls,
            Self::Channel | Self::Channels => Route::Channels,
            Self::Cometd => Route::Bayeux,
            Self::Device | Self::DeviceCalls | Self::Devices => Route::Device,
            Self::Elsewhere | Self::OpenApi | Self::UnknownResource => Route::Other,
            Self::Livez => Route::Live,
            Self::Me => Route::Me,
            Self::Metrics => Route::Metrics,
            Self::Notifications => Route::Notifications,
            Self::Readyz => Route::Ready,
            Self::Version => Route::Diagnostics,
        }
    }

    /// The patterns that lead here: with and without a slash at the end.
    pub(crate) fn patterns(self) -> Vec<String> {
        let pattern = self.pattern();
        match self {
            Self::UnknownResource => vec!["/api/v2".into(), pattern.into()],
            Self::Elsewhere => vec![pattern.into()],
            Self::AgentStates
            | Self::Call
            | Self::Calls
            | Self::Channel
            | Self::Channels
            | Self::Cometd
            | Self::Device
            | Self::DeviceCalls
            | Self::Devices
            | Self::Livez
            | Self::Me
            | Self::Metrics
            | Self::Notifications
            | Self::OpenApi
            | Self::Readyz
            | Self::Version => vec![pattern.into(), format!("{pattern}/")],
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
