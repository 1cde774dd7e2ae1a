//! Publications and their idempotency keys.

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::bayeux::Channel;
use crate::broker::AdminError;
use crate::broker::keyed::{Keyed, fingerprint};
use crate::ids::{IdempotencyKey, Position};
use crate::records::ChannelPublished;

type Told = oneshot::Receiver<Result<Position, AdminError>>;

fn published(data: &'static str) -> ChannelPublished {
    ChannelPublished {
        channel: Channel::parse("/demo/a").unwrap(),
        data: Bytes::from_static(data.as_bytes()),
        binary: None,
        publisher: None,
        key: Some(IdempotencyKey::parse("k").unwrap()),
    }
}

fn admit(keyed: &mut Keyed, data: &'static str) -> (bool, Told) {
    let published = published(data);
    let (tell, told) = oneshot::channel();
    (keyed.admit(published.key.as_ref().unwrap(), fingerprint(&published), tell), told)
}

#[test]
fn who_repeats_while_the_first_is_under_way_gets_its_answer() {
    let mut keyed = Keyed::default();
    let (first, mut one) = admit(&mut keyed, "1");
    let (second, mut two) = admit(&mut keyed, "1");
    let (third, mut other) = admit(&mut keyed, "2");
    assert_eq!((first, second, third), (true, false, false));
    assert_eq!(other.try_recv(), Ok(Err(AdminError::KeyReused)));
    keyed.settle(&IdempotencyKey::parse("k").unwrap(), Ok(Position::new(5)));
    assert_eq!((one.try_recv(), two.try_recv()), (Ok(Ok(Position::new(5))), Ok(Ok(Position::new(5)))));
}

#[test]
fn a_publication_that_failed_may_be_tried_again() {
    let mut keyed = Keyed::default();
    let (_, mut told) = admit(&mut keyed, "1");
    keyed.settle(&IdempotencyKey::parse("k").unwrap(), Err(AdminError::LogUnavailable));
    assert_eq!(told.try_recv(), Ok(Err(AdminError::LogUnavailable)));
    assert!(admit(&mut keyed, "1").0);
}

#[test]
fn what_the_log_has_is_not_published_again() {
    let mut keyed = Keyed::default();
    keyed.apply(Position::new(9), &published("1"));
    let (append, mut told) = admit(&mut keyed, "1");
    assert!(!append);
    assert_eq!(told.try_recv(), Ok(Ok(Position::new(9))));
    let (append, mut told) = admit(&mut keyed, "2");
    assert!(!append);
    assert_eq!(told.try_recv(), Ok(Err(AdminError::KeyReused)));
}
