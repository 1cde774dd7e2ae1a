//! Reading a request's body: bounded in size and in time, as UTF-8.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, TRANSFER_ENCODING};
use actix_web::{HttpMessage, HttpRequest, web};
use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt, Stream, StreamExt, stream};

use super::basic::latin1;
use super::upgrade::names_websocket;

/// A body that is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum BadBody {
    /// The connection broke, or its framing did.
    #[error("the body broke off")]
    Broken,
    /// It is in no character set that is understood.
    #[error("the character set of the body is not supported")]
    Charset,
    /// It is compressed.
    #[error("the content encoding of the body is not supported")]
    Encoding,
    /// It did not come in time.
    #[error("the body did not arrive in time")]
    Late,
    /// It has too many bytes.
    #[error("the body is too large")]
    TooLarge,
}

/// Reads a body of at most `max` bytes within `timeout`, and turns it into UTF-8 if it is in ISO-8859-1. That
/// what claims to be UTF-8 is so, its reader checks.
pub(crate) async fn read(
    headers: &HeaderMap,
    payload: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin,
    max: usize,
    timeout: Duration,
) -> Result<Bytes, BadBody> {
    check_encoding(headers)?;
    let charset = charset(headers)?;
    if announced(headers).is_some_and(|length| length > max) {
        return Err(BadBody::TooLarge);
    }
    let mut body = pin!(collect(payload, max));
    // Most bodies come with their heads: those take no timer.
    let body = match body.as_mut().now_or_never() {
        Some(body) => body?,
        None => Box::pin(tokio::time::timeout(timeout, body)).await.map_err(|_| BadBody::Late)??,
    };
    match charset {
        Charset::Latin1 if !body.is_ascii() => Ok(latin1(&body).into()),
        Charset::Latin1 | Charset::Utf8 => Ok(body),
    }
}

/// As [`read`], of a request. A payload that was not read to its end is put by, for [`hold_unread`].
pub(crate) async fn read_of(
    request: &HttpRequest,
    mut payload: web::Payload,
    max: usize,
    timeout: Duration,
) -> Result<Bytes, BadBody> {
    let headers = request.headers();
    let endless = names_websocket(headers) && !headers.contains_key(TRANSFER_ENCODING);
    let read = match endless {
        true => read(headers, of_announced_length(headers, &mut payload), max, timeout).await,
        false => read(headers, &mut payload, max, timeout).await,
    };
    if endless || read.is_err() {
        put_by(request, payload.into_inner());
    }
    read
}

/// Puts a payload by that nobody will read, for [`hold_unread`].
pub(crate) fn put_by(request: &HttpRequest, payload: Payload) {
    request.extensions_mut().insert(Unread(payload));
}

/// The body of a request that names a websocket and is answered as any other: the HTTP stack hands out all that comes on its
/// connection.
fn of_announced_length(
    headers: &HeaderMap,
    payload: &mut web::Payload,
) -> impl Stream<Item = Result<Bytes, PayloadError>> + Unpin {
    let mut left = announced(headers).unwrap_or_default();
    stream::poll_fn(move |cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        payload.poll_next_unpin(cx).map_ok(|mut chunk| {
            chunk.truncate(left);
            left -= chunk.len();
            chunk
        })
    })
}

/// A payload that nobody will read.
struct Unread(Payload);

/// Has an answer hold what was not read of its request until it is written. The connection is then closed, a while
/// later at the latest; it would wait for the end of a chunked payload that was dropped, for ever.
pub(crate) fn hold_unread(request: &HttpRequest, body: BoxBody) -> BoxBody {
    match request.extensions_mut().remove::<Unread>() {
        Some(Unread(payload)) => Holding { body, _payload: payload }.boxed(),
        None => body,
    }
}

struct Holding {
    body: BoxBody,
    _payload: Payload,
}

impl MessageBody for Holding {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}

/// Copies what came, also what came in one piece: a message's id lives as long as its connect is parked, and would
/// keep the connection's whole read buffer alive.
async fn collect(
    mut payload: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin,
    max: usize,
) -> Result<Bytes, BadBody> {
    let first = within(payload.next().await.unwrap_or(Ok(Bytes::new())), max)?;
    let Some(second) = payload.next().await else { return Ok(Bytes::copy_from_slice(&first)) };
    let mut body = BytesMut::with_capacity(first.len() + second.as_ref().map_or(0, Bytes::len));
    body.extend_from_slice(&first);
    body.extend_from_slice(&within(second, max - body.len())?);
    while let Some(chunk) = payload.next().await {
        body.extend_from_slice(&within(chunk, max - body.len())?);
    }
    Ok(body.freeze())
}

fn within(chunk: Result<Bytes, PayloadError>, max: usize) -> Result<Bytes, BadBody> {
    let chunk = chunk.map_err(|_| BadBody::Broken)?;
    if chunk.len() > max { Err(BadBody::TooLarge) } else { Ok(chunk) }
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn check_encoding(headers: &HeaderMap) -> Result<(), BadBody> {
    let plain = headers
        .get_all(CONTENT_ENCODING)
        .all(|value| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity") || value.is_empty());
    if plain { Ok(()) } else { Err(BadBody::Encoding) }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Charset {
    Latin1,
    /// Or ASCII, which is part of it.
    Utf8,
}

/// UTF-8 unless the content type says otherwise.
fn charset(headers: &HeaderMap) -> Result<Charset, BadBody> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(Charset::Utf8) };
    let parameters = value.as_bytes().split(|byte| *byte == b';').skip(1);
    let named = parameters.filter_map(|parameter| {
        let (name, value) = parameter.trim_ascii().split_at_checked(CHARSET.len())?;
        name.eq_ignore_ascii_case(CHARSET).then_some(value)
    });
    match named.map(unquoted).next() {
        None => Ok(Charset::Utf8),
        Some(name) if is_one_of(name, &["utf-8", "utf8", "us-ascii", "ascii"]) => Ok(Charset::Utf8),
        Some(name) if is_one_of(name, &["iso-8859-1", "iso8859-1", "iso_8859-1", "latin1"]) => Ok(Charset::Latin1),
        Some(_) => Err(BadBody::Charset),
    }
}

fn unquoted(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(value)
}

fn is_one_of(name: &[u8], names: &[&str]) -> bool {
    names.iter().any(|one| name.eq_ignore_ascii_case(one.as_bytes()))
}

const CHARSET: &[u8] = b"charset=";
