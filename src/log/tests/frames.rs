//! Frames, and what lies between them.

use crate::ids::{Epoch, Position};
use crate::log::config::{Durability, OpenError};
use crate::log::face::{Log, Record};
use crate::log::frame::{Flaw, Ground};
use crate::log::segment::Header;
use crate::log::tests::kit::{config, ending, open, record, story};
use crate::log::{frame, segment};

#[test]
fn a_frame_gives_back_what_went_in() {
    for ground in [Ground::Firm, Ground::Loose] {
        for new in [record("a/1", "payload"), ending(record("", "")), record("täglich/1", "\u{0}x")] {
            let new = at(77, new);
            let mut bytes = Vec::new();
            let length = frame::encode(&new, ground, &mut bytes);
            bytes.extend_from_slice(b"more");
            let frame = frame::decode(&bytes).unwrap();
            assert_eq!((frame.record, frame.ground, frame.length), (new, ground, length));
            for short in 0..length {
                assert_eq!(frame::decode(&bytes[..short]).unwrap_err(), Flaw::Short);
            }
        }
    }
}

#[test]
fn no_text_is_a_frame() {
    let mut inner = Vec::new();
    frame::encode(&at(1, record("a/1", "x")), Ground::Firm, &mut inner);
    assert!(std::str::from_utf8(&inner[..4]).is_err());
}

#[test]
fn what_lies_beyond_a_flaw_decides_whether_it_is_a_torn_end() {
    let frames = |ground| {
        let mut bytes = Header { epoch: Epoch::new(1), through: Position::ZERO }.encode();
        frame::encode(&at(10, record("a/0", "kept")), Ground::Firm, &mut bytes);
        let flaw = bytes.len();
        frame::encode(&at(11, record("a/1", "lost")), Ground::Firm, &mut bytes);
        frame::encode(&at(12, record("a/2", "later")), ground, &mut bytes);
        bytes[flaw + 20] ^= 1;
        (bytes, flaw as u64)
    };
    let plant = |bytes: &[u8]| {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(segment::path(directory.path(), Position::new(10)), bytes).unwrap();
        (open(config(directory.path(), Durability::Commit)), directory)
    };
    // The later record was written together with the lost one: a power cut may keep either.
    let (bytes, flaw) = frames(Ground::Loose);
    let (log, _directory) = plant(&bytes);
    let log = log.unwrap();
    assert_eq!(story(&log as &dyn Log), ["a/0=kept"]);
    assert_eq!(log.recovery().cut.as_ref().unwrap().offset, flaw);
    // The later record was written after the lost one had been synced: that one was there.
    let (bytes, flaw) = frames(Ground::Firm);
    let (refused, _directory) = plant(&bytes);
    let Err(OpenError::Corrupt { offset, reason, .. }) = refused else { panic!("opened") };
    assert_eq!((offset, reason.as_str()), (flaw, "the checksum of a record does not match"));
}

pub(crate) fn at(position: u64, new: crate::log::face::NewRecord) -> Record {
    Record {
        position: Position::new(position),
        id: new.id,
        subject: new.subject,
        kind: new.kind,
        version: new.version,
        time: new.time,
        volatile: false,
        ends: new.ends,
        payload: new.payload,
    }
}
