//! Bearer tokens, from the header `Authorization` or from the `ext` of a Bayeux message.

use actix_web::http::header::{AUTHORIZATION, HeaderMap};

use crate::bayeux;
use crate::bayeux::{Batch, Error, Reply};
use crate::clock;
use crate::directory::{BadToken, Bearer, Tokens};

/// The agent that the header's token names; `None` if there is no such header.
pub(crate) fn of_header(tokens: &Tokens, headers: &HeaderMap) -> Option<Result<Bearer, BadToken>> {
    let header = headers.get(AUTHORIZATION)?.as_bytes();
    let token = SCHEMES.iter().find_map(|name| {
        let (scheme, token) = header.split_at_checked(name.len())?;
        scheme.eq_ignore_ascii_case(name).then_some(token)
    })?;
    Some(str::from_utf8(token.trim_ascii()).map_err(|_| BadToken::Malformed).and_then(|token| verify(tokens, token)))
}

/// Verifies a token. Why one was not believed is for the operator to know, who may look at debug lines.
pub(crate) fn verify(tokens: &Tokens, token: &str) -> Result<Bearer, BadToken> {
    tokens.verify(token, clock::wall()).inspect_err(|error| tracing::debug!(%error, "a token was refused"))
}

/// The answer to a batch whose token is not believed.
pub(crate) fn refusal(batch: Batch, bad: BadToken) -> Vec<u8> {
    let error = match bad {
        BadToken::Expired => Error::token_expired(),
        BadToken::Audience
        | BadToken::Issuer
        | BadToken::Key
        | BadToken::Malformed
        | BadToken::NotYet
        | BadToken::Signature
        | BadToken::Stranger => Error::token_invalid(),
    };
    let replies: Vec<Reply> = batch.requests.into_iter().map(|request| request.token_refused(error.clone())).collect();
    bayeux::body(&[], &replies)
}

/// Clients of Salesforce say `OAuth`, as drafts of the standard did.
const SCHEMES: [&[u8]; 2] = [b"bearer ", b"oauth "];
