//! Files of format 1 must be readable for ever. `UPDATE_GOLDEN=1` writes the file anew.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::ids::{Epoch, Position, RecordId, WallTime};
use crate::log::config::{Durability, Left};
use crate::log::epoch::{EpochRecord, How};
use crate::log::face::{Kind, Log, Record, Subject};
use crate::log::frame::Ground;
use crate::log::segment::Header;
use crate::log::tests::frames;
use crate::log::tests::kit::{config, open, read_all};
use crate::log::{frame, segment};

#[test]
fn a_file_of_format_1_is_written_as_it_always_was() {
    let mut bytes = Header { epoch: EPOCH, through: Position::ZERO }.encode();
    for (n, record) in records().iter().enumerate() {
        frame::encode(record, if n == 3 { Ground::Loose } else { Ground::Firm }, &mut bytes);
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(golden(), &bytes).unwrap();
    }
    assert_eq!(bytes, std::fs::read(golden()).unwrap());
}

#[test]
fn a_file_of_format_1_is_read() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::copy(golden(), segment::path(directory.path(), Position::new(1000))).unwrap();
    let log = open(config(directory.path(), Durability::Commit)).unwrap();
    assert_eq!((log.recovery().left, log.epoch(), log.recovery().records), (Left::Closed, EPOCH, 6));
    let read: Vec<Record> = read_all(&log).into_iter().map(|record| (*record).clone()).collect();
    assert_eq!(read[..6], records());
    assert_eq!(log.subjects("").iter().map(ToString::to_string).collect::<Vec<_>>(), ["channel/x", "log/epoch"]);
}

fn records() -> Vec<Record> {
    let own = |how, last| EpochRecord { epoch: EPOCH, how, last: Position::new(last), reserved: Position::new(9000) };
    let first = frames::at(1000, own(How::OpenedNew, 0).record(TIME));
    let last = frames::at(1009, own(How::Closed, 1008).record(TIME));
    let mut all = vec![
        first,
        plain(1001, "call/ABC", b"{\"state\":\"dialing\"}"),
        plain(1002, "channel/x", "Grüße".as_bytes()),
        plain(1005, "call/ABC", b""),
        plain(1008, "call/ABC", &[0, 255, b'p', b'l', 1, 128]),
        last,
    ];
    for (n, record) in all.iter_mut().enumerate() {
        record.id = RecordId::new([n as u8 + 1; 16]);
        record.ends = n == 4;
    }
    all
}

fn plain(position: u64, subject: &str, payload: &[u8]) -> Record {
    Record {
        position: Position::new(position),
        id: RecordId::new([0; 16]),
        subject: Subject::new(subject),
        kind: Kind(0x1234),
        version: 2,
        time: TIME,
        volatile: false,
        ends: false,
        payload: Bytes::copy_from_slice(payload),
    }
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/log/v1.segment")
}

const EPOCH: Epoch = Epoch::new(0x1234_abcd);
const TIME: WallTime = WallTime::from_millis(1_790_000_000_000);
