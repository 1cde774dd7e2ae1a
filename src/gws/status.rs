//! The status codes of the API: the number in every answer's `statusCode`.

/// What an answer's `statusCode` says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StatusCode {
    /// 18.
    AlreadyExists,
    /// 19.
    AlreadyInUse,
    /// 3.
    Forbidden,
    /// 4.
    Internal,
    /// 2: not valid for the current state.
    InvalidState,
    /// 1.
    MissingParameter,
    /// 5.
    NoPermission,
    /// 20.
    NotAuthenticated,
    /// 6.
    NotFound,
    /// 0.
    Ok,
    /// 10.
    OutOfRange,
    /// 7: some of it was done.
    Partial,
}

/// A no, with its reason for the desktop.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The code.
    pub code: StatusCode,
    /// The reason, for `statusMessage`.
    pub message: String,
}

impl Refusal {
    /// A no for this reason.
    pub fn new(code: StatusCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl StatusCode {
    /// Its number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Self::AlreadyExists => 18,
            Self::AlreadyInUse => 19,
            Self::Forbidden => 3,
            Self::Internal => 4,
            Self::InvalidState => 2,
            Self::MissingParameter => 1,
            Self::NoPermission => 5,
            Self::NotAuthenticated => 20,
            Self::NotFound => 6,
            Self::Ok => 0,
            Self::OutOfRange => 10,
            Self::Partial => 7,
        }
    }
}
