//! A response's body that knows whether it was written.

use std::convert::Infallible;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;

use crate::broker;

/// What is to be told that a body was written; dropping it says that it was not.
pub(crate) trait Written: Unpin {
    /// The body was polled to its end.
    fn written(self);
}

impl Written for broker::Receipt {
    fn written(self) {
        Self::written(self);
    }
}

/// The body of an answer to a batch. The receipt is told only by the poll that finds nothing left: the
/// connection polls on once it has taken the bytes over, and drops the body if it broke before.
pub(crate) struct DeliveryBody<R> {
    length: u64,
    rest: Rest<R>,
}

enum Rest<R> {
    /// Not polled yet.
    All(Bytes, Option<R>),
    /// The bytes were handed out.
    Receipt(Option<R>),
    /// Polled to the end.
    Nothing,
}

impl<R> DeliveryBody<R> {
    pub(crate) fn new(body: Vec<u8>, receipt: Option<R>) -> Self {
        let bytes = Bytes::from(body);
        Self { length: u64::try_from(bytes.len()).unwrap_or(u64::MAX), rest: Rest::All(bytes, receipt) }
    }
}

impl<R: Written> MessageBody for DeliveryBody<R> {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.length)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        match mem::replace(&mut self.rest, Rest::Nothing) {
            Rest::All(bytes, receipt) => {
                self.rest = Rest::Receipt(receipt);
                Poll::Ready(Some(Ok(bytes)))
            }
            Rest::Receipt(receipt) => {
                if let Some(receipt) = receipt {
                    receipt.written();
                }
                Poll::Ready(None)
            }
            Rest::Nothing => Poll::Ready(None),
        }
    }
}
