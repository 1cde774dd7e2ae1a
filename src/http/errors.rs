//! Saying no: the one table of statuses and codes.

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};

use crate::agents;
use crate::bayeux::BadBatch;
use crate::calls::Refused;
use crate::directory::BadToken;
use crate::exchange::CommandError;
use crate::gws::{Refusal, StatusCode as Code, no_multimedia, refusal_answer};
use crate::metrics::Limit;

use super::body::BadBody;
use super::callback::BadCallback;

/// Why a request has no other answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The body is no Bayeux batch.
    #[error(transparent)]
    Batch(#[from] BadBatch),
    /// The body was not taken.
    #[error(transparent)]
    Body(#[from] BadBody),
    /// Too much is waiting; nothing was done.
    #[error("the server is busy")]
    Busy,
    /// The function that a script is to call has no plain name.
    #[error(transparent)]
    Callback(#[from] BadCallback),
    /// The exchange did not accept the command.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The connection is one more than may be.
    #[error("the server has as many connections as it may have")]
    Connections,
    /// A request that changes something lacks the token of its login. Clients look for this text.
    #[error("Missing or invalid Csrf token")]
    Csrf,
    /// Nobody is logged in, or the credentials are wrong.
    #[error("Access denied")]
    Denied,
    /// The head of the request is too large.
    #[error("the headers are too large")]
    Headers,
    /// The idempotency key is no key.
    #[error("the idempotency key must be 1 to 128 characters, with no control character, quote, backslash or slash")]
    Key,
    /// There is no channel but voice.
    #[error("{}", no_multimedia().message)]
    Multimedia,
    /// Nothing here takes this method; these it takes.
    #[error("only {0} is allowed here")]
    Method(&'static str),
    /// There is no such thing.
    #[error("not found")]
    NotFound,
    /// The web page that asks may not call.
    #[error("pages of this origin may not call")]
    Origin,
    /// The API says no.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// The bearer token is not believed. Why not is not told, unless it was good once.
    #[error("{}", if *.0 == BadToken::Expired { "the token expired" } else { "the token is not valid" })]
    Token(BadToken),
    /// No Bayeux transport speaks like this.
    #[error("no Bayeux transport that is spoken here: long-polling is, by POST")]
    Transport,
    /// Too many passwords wait to be verified.
    #[error("the server is busy")]
    Unverified,
}

impl Failure {
    /// The status of the answer: that of its code, unless HTTP has a better one.
    const fn status(&self) -> StatusCode {
        match self {
            Self::Body(BadBody::Charset | BadBody::Encoding) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Body(BadBody::Late) => StatusCode::REQUEST_TIMEOUT,
            Self::Body(BadBody::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy
            | Self::Command(CommandError::Busy)
            | Self::Connections
            | Self::Multimedia
            | Self::Unverified => StatusCode::SERVICE_UNAVAILABLE,
            Self::Headers => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::Batch(_)
            | Self::Body(BadBody::Broken)
            | Self::Callback(_)
            | Self::Command(
                CommandError::KeyReused
                | CommandError::LogFull
                | CommandError::Refused(_)
                | CommandError::RefusedAgent(_)
                | CommandError::SwitchRefused(_),
            )
            | Self::Csrf
            | Self::Denied
            | Self::Key
            | Self::NotFound
            | Self::Origin
            | Self::Refusal(_)
            | Self::Transport => status(self.code()),
        }
    }

    /// The code in the answer.
    const fn code(&self) -> Code {
        match self {
            Self::Batch(_)
            | Self::Body(BadBody::Broken | BadBody::Charset | BadBody::Encoding | BadBody::Late)
            | Self::Callback(_)
            | Self::Key
            | Self::Transport => Code::MissingParameter,
            Self::Body(BadBody::TooLarge) | Self::Headers => Code::OutOfRange,
            Self::Busy | Self::Connections | Self::Multimedia | Self::Unverified => Code::Internal,
            Self::Command(CommandError::Busy | CommandError::LogFull | CommandError::SwitchRefused(_)) => {
                Code::Internal
            }
            Self::Command(CommandError::KeyReused) => Code::AlreadyExists,
            Self::Command(CommandError::Refused(refused)) => match refused {
                Refused::AlreadyPresent(_)
                | Refused::NotPaired
                | Refused::NotPresent(_)
                | Refused::TooMany(_)
                | Refused::WrongState { .. } => Code::InvalidState,
                Refused::NotPermitted { .. } => Code::NoPermission,
                Refused::NotFound => Code::NotFound,
            },
            Self::Command(CommandError::RefusedAgent(refused)) => match refused {
                agents::Refused::AlreadySet(_)
                | agents::Refused::NotWatching
                | agents::Refused::OwnDevice
                | agents::Refused::WrongState { .. } => Code::InvalidState,
                agents::Refused::NotPermitted(_) => Code::NoPermission,
                agents::Refused::NotRegistered => Code::Internal,
                agents::Refused::InUse(_) => Code::AlreadyInUse,
                agents::Refused::NotFound => Code::NotFound,
            },
            Self::Denied | Self::Token(_) => Code::NotAuthenticated,
            Self::Method(_) | Self::Csrf | Self::Origin => Code::Forbidden,
            Self::NotFound => Code::NotFound,
            Self::Refusal(refusal) => refusal.code,
        }
    }

    /// The limit at which it was said, if it was one.
    pub(crate) const fn limit(&self) -> Option<Limit> {
        match self {
            Self::Batch(BadBatch::TooDeep) => Some(Limit::JsonDepth),
            Self::Batch(BadBatch::TooMany) => Some(Limit::BatchMessages),
            Self::Body(BadBody::Late) => Some(Limit::BodyTimeout),
            Self::Body(BadBody::TooLarge) => Some(Limit::Body),
            Self::Connections => Some(Limit::Connections),
            Self::Unverified => Some(Limit::Verifications),
            Self::Batch(BadBatch::Empty | BadBatch::Malformed)
            | Self::Body(BadBody::Broken | BadBody::Charset | BadBody::Encoding)
            | Self::Busy
            | Self::Callback(_)
            | Self::Command(_)
            | Self::Csrf
            | Self::Denied
            | Self::Headers
            | Self::Key
            | Self::Method(_)
            | Self::Multimedia
            | Self::NotFound
            | Self::Origin
            | Self::Refusal(_)
            | Self::Token(_)
            | Self::Transport => None,
        }
    }

    /// The answer of a Bayeux path: who is not logged in learns it as the API tells it; else a reason for people,
    /// as a client of Bayeux reads nothing but the status.
    pub(crate) fn bayeux_response(&self) -> HttpResponse {
        match self {
            Self::Denied | Self::Token(_) => self.error_response(),
            Self::Batch(_)
            | Self::Body(_)
            | Self::Busy
            | Self::Callback(_)
            | Self::Command(_)
            | Self::Connections
            | Self::Csrf
            | Self::Headers
            | Self::Key
            | Self::Method(_)
            | Self::Multimedia
            | Self::NotFound
            | Self::Origin
            | Self::Refusal(_)
            | Self::Transport
            | Self::Unverified => self.head().content_type("text/plain; charset=utf-8").body(self.to_string()),
        }
    }

    fn head(&self) -> HttpResponseBuilder {
        let mut response = HttpResponse::build(self.status_code());
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
            Self::Busy | Self::Command(CommandError::Busy) | Self::Connections | Self::Unverified => {
                Some((RETRY_AFTER, HeaderValue::from_static("1")))
            }
            Self::Method(allowed) => Some((ALLOW, HeaderValue::from_static(allowed))),
            Self::Token(BadToken::Expired) => Some((WWW_AUTHENTICATE, HeaderValue::from_static(EXPIRED))),
            Self::Token(
                BadToken::Audience
                | BadToken::Issuer
                | BadToken::Key
                | BadToken::Malformed
                | BadToken::NotYet
                | BadToken::Signature
                | BadToken::Stranger,
            ) => Some((WWW_AUTHENTICATE, HeaderValue::from_static(INVALID))),
            Self::Batch(_)
            | Self::Body(_)
            | Self::Callback(_)
            | Self::Command(
                CommandError::KeyReused
                | CommandError::LogFull
                | CommandError::Refused(_)
                | CommandError::RefusedAgent(_)
                | CommandError::SwitchRefused(_),
            )
            | Self::Csrf
            | Self::Denied
            | Self::Headers
            | Self::Key
            | Self::Multimedia
            | Self::NotFound
            | Self::Origin
            | Self::Refusal(_)
            | Self::Transport => None,
        }
    }

    /// Whether what is left of the request cannot be told from the next one, or is not worth reading; or the connection
    /// itself is refused.
    const fn ends_connection(&self) -> bool {
        matches!(self, Self::Body(_) | Self::Connections | Self::Headers | Self::Transport)
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        let refusal = Refusal { code: self.code(), message: self.to_string() };
        self.head().insert_header((CONTENT_TYPE, "application/json")).body(refusal_answer(&refusal))
    }
}

/// The status that goes with a code.
const fn status(code: Code) -> StatusCode {
    match code {
        Code::AlreadyExists | Code::AlreadyInUse => StatusCode::CONFLICT,
        Code::Forbidden | Code::NoPermission | Code::NotAuthenticated => StatusCode::FORBIDDEN,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Code::InvalidState | Code::MissingParameter | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Ok | Code::Partial => StatusCode::OK,
    }
}

/// A browser shows no dialog for this scheme.
const EXPIRED: &str = "Bearer error=\"invalid_token\", error_description=\"the token expired\"";
const INVALID: &str = "Bearer error=\"invalid_token\"";
