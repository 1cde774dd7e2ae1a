//! Saying no: the one table of statuses and codes of the admin API.

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use serde_json::json;

use crate::broker::AdminError;
use crate::ids::RequestId;

/// Why a request has no other answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Failure {
    /// The broker says no.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The body broke off.
    #[error("the body broke off")]
    Broken,
    /// A message of a batch is not as it must be: none was published.
    #[error("messages[{0}]: {1}")]
    Item(usize, Box<Self>),
    /// The body did not come in time.
    #[error("the body did not arrive in time")]
    Late,
    /// The body or the query is not as it must be.
    #[error("{0}")]
    Malformed(String),
    /// Nothing here takes this method; these it takes.
    #[error("only {0} is allowed here")]
    Method(String),
    /// There is no such path.
    #[error("not found")]
    NotFound,
    /// Some of a batch was written down, and some not.
    #[error("{done} of {all} messages were published: the log takes no writes")]
    Partly {
        /// How many were.
        done: usize,
        /// Of how many.
        all: usize,
    },
    /// Too many streams of events are open.
    #[error("too many streams of events are open")]
    Streams,
    /// The body, or the data of a message, has too many bytes.
    #[error("the {0} is too large")]
    TooLarge(&'static str),
    /// No token, or a wrong one.
    #[error("a bearer token is needed")]
    Unauthorized,
}

impl Failure {
    /// The status of the answer, and the code in it.
    pub(crate) const fn table(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Admin(AdminError::Busy) => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Self::Admin(AdminError::Channels) => (StatusCode::TOO_MANY_REQUESTS, "channels"),
            Self::Admin(AdminError::DurableChannels) => (StatusCode::TOO_MANY_REQUESTS, "durable_channels"),
            Self::Admin(AdminError::KeyReused) => (StatusCode::CONFLICT, "key_reused"),
            Self::Admin(AdminError::LogUnavailable) => (StatusCode::SERVICE_UNAVAILABLE, "log_unavailable"),
            Self::Admin(AdminError::NobodyHears) => (StatusCode::UNPROCESSABLE_ENTITY, "nobody_hears"),
            Self::Admin(AdminError::NotDeliverable) => (StatusCode::UNPROCESSABLE_ENTITY, "not_deliverable"),
            Self::Admin(AdminError::SessionUnknown) => (StatusCode::NOT_FOUND, "session_unknown"),
            Self::Admin(AdminError::SlowConsumer) => (StatusCode::TOO_MANY_REQUESTS, "slow_consumer"),
            Self::Broken => (StatusCode::BAD_REQUEST, "body_broken"),
            Self::Item(_, failure) => failure.table(),
            Self::Late => (StatusCode::REQUEST_TIMEOUT, "body_late"),
            Self::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed"),
            Self::Method(_) => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::Partly { .. } => (StatusCode::SERVICE_UNAVAILABLE, "partly_published"),
            Self::Streams => (StatusCode::SERVICE_UNAVAILABLE, "too_many_streams"),
            Self::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
        }
    }

    /// The answer to the request with this id.
    pub(crate) fn answer(&self, request: &RequestId) -> HttpResponse {
        let (_, code) = self.table();
        let error = json!({ "code": code, "message": self.to_string(), "requestId": request.as_str() });
        self.head().content_type("application/json").body(json!({ "error": error }).to_string())
    }

    fn head(&self) -> HttpResponseBuilder {
        let mut response = HttpResponse::build(self.table().0);
        if let Some((name, value)) = self.header() {
            response.insert_header((name, value));
        }
        if self.ends_connection() {
            response.force_close();
        }
        response
    }

    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::Admin(AdminError::Busy | AdminError::SlowConsumer) | Self::Streams => {
                Some((RETRY_AFTER, HeaderValue::from_static("1")))
            }
            Self::Item(_, failure) => failure.header(),
            Self::Method(allowed) => HeaderValue::from_str(allowed).ok().map(|allowed| (ALLOW, allowed)),
            Self::Unauthorized => Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            Self::Admin(
                AdminError::Channels
                | AdminError::DurableChannels
                | AdminError::KeyReused
                | AdminError::LogUnavailable
                | AdminError::NobodyHears
                | AdminError::NotDeliverable
                | AdminError::SessionUnknown,
            )
            | Self::Broken
            | Self::Late
            | Self::Malformed(_)
            | Self::NotFound
            | Self::Partly { .. }
            | Self::TooLarge(_) => None,
        }
    }

    /// Whether what is left of the request's body is not worth reading.
    const fn ends_connection(&self) -> bool {
        matches!(self, Self::Broken | Self::Late | Self::TooLarge(_) | Self::Unauthorized)
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.table().0
    }

    /// The frame writes the answer, which bears the request's id.
    fn error_response(&self) -> HttpResponse {
        self.head().finish()
    }
}
