//! Messages in the forms of older clients: fields of a query or of a form's body, each a batch of its own.

use std::borrow::Cow;

use bytes::Bytes;
use percent_encoding::percent_decode;

use crate::bayeux::{BadBatch, Batch, Limits};

/// The batch in a body: JSON, whatever its content type says, or a form with one or more fields `message`.
///
/// # Errors
/// [`BadBatch`] if it is neither.
pub(crate) fn decode(body: &Bytes, limits: &Limits) -> Result<Batch, BadBatch> {
    match body.trim_ascii_start().first() {
        Some(b'[' | b'{') | None => Batch::decode(body, limits),
        // No JSON of messages begins otherwise.
        Some(_) if messages(body).next().is_some() => join(messages(body), limits),
        Some(_) => Batch::decode(body, limits),
    }
}

/// One batch of several, in their order.
///
/// # Errors
/// [`BadBatch`] if one is bad, if there is none, or if they have too many messages together.
pub(crate) fn join(bodies: impl Iterator<Item = Bytes>, limits: &Limits) -> Result<Batch, BadBatch> {
    let mut whole: Option<Batch> = None;
    for body in bodies {
        let batch = Batch::decode(&body, limits)?;
        whole = Some(match whole {
            None => batch,
            Some(whole) => whole.join(batch, limits)?,
        });
    }
    whole.ok_or(BadBatch::Empty)
}

/// The fields `message` of a form.
pub(crate) fn messages(form: &[u8]) -> impl Iterator<Item = Bytes> {
    fields(form).filter(|(name, _)| &**name == b"message").map(|(_, value)| Bytes::from(value.into_owned()))
}

/// The fields of a form, decoded.
pub(crate) fn fields(form: &[u8]) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    form.split(|byte| *byte == b'&').filter(|field| !field.is_empty()).map(|field| {
        let (name, value) = field.split_at(field.iter().position(|byte| *byte == b'=').unwrap_or(field.len()));
        (decoded(name), decoded(value.get(1..).unwrap_or_default()))
    })
}

fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if text.contains(&b'+') {
        let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        return Cow::Owned(percent_decode(&spaced).collect());
    }
    percent_decode(text).into()
}
