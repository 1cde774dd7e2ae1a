//! When a body counts as written.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;

use crate::http::delivery::{DeliveryBody, Written};

/// Counts what it is told.
#[derive(Clone, Default)]
struct Told {
    written: Rc<Cell<u32>>,
    dropped: Rc<Cell<u32>>,
}

struct Receipt(Told, bool);

impl Written for Receipt {
    fn written(mut self) {
        self.1 = true;
        self.0.written.set(self.0.written.get() + 1);
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if !self.1 {
            self.0.dropped.set(self.0.dropped.get() + 1);
        }
    }
}

fn body() -> (Told, BoxBody) {
    let told = Told::default();
    let body = DeliveryBody::new(b"[{}]".to_vec(), Some(Receipt(told.clone(), false)));
    (told, BoxBody::new(body))
}

fn poll(body: &mut BoxBody) -> Option<Bytes> {
    match Pin::new(body).poll_next(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(chunk) => chunk.map(Result::unwrap),
        Poll::Pending => panic!("a body never waits"),
    }
}

#[test]
fn a_body_polled_to_its_end_is_written_once() {
    let (told, mut body) = body();
    assert!(matches!(body.size(), BodySize::Sized(4)));
    assert_eq!(poll(&mut body).unwrap(), "[{}]");
    assert_eq!(told.written.get(), 0, "the bytes alone are not the end");
    assert!(poll(&mut body).is_none());
    assert!(poll(&mut body).is_none());
    drop(body);
    assert_eq!((told.written.get(), told.dropped.get()), (1, 0));
}

#[test]
fn a_body_dropped_before_the_first_poll_is_not_written() {
    let (told, body) = body();
    drop(body);
    assert_eq!((told.written.get(), told.dropped.get()), (0, 1));
}

#[test]
fn a_body_dropped_after_its_bytes_but_before_its_end_is_not_written() {
    let (told, mut body) = body();
    poll(&mut body);
    drop(body);
    assert_eq!((told.written.get(), told.dropped.get()), (0, 1));
}
