//! The conformance suite over every engine and durability.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use crate::log::config::{Durability, EmbeddedConfig};
use crate::log::face::Log;
use crate::log::tests::{conformance, kit};

macro_rules! suite {
    ($engine:ident, $open:expr, [$($test:ident),* $(,)?]) => {
        mod $engine {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let (log, _kept): (crate::log::tests::engines::SharedLog, crate::log::tests::engines::Kept) = $open;
                    crate::log::tests::conformance::$test(log).await;
                }
            )*
        }
    };
}

macro_rules! suites {
    ($($engine:ident = $open:expr),* $(,)?) => {
        $(suite!($engine, $open, [
            positions_rise_in_the_order_of_the_calls,
            what_was_answered_can_be_read_at_once,
            nothing_is_expected_successfully_only_of_a_new_or_ended_subject,
            a_position_is_expected_successfully_only_while_it_is_the_newest,
            an_append_sees_those_called_before_it_even_unanswered,
            of_many_who_expect_the_same_one_wins,
            living_subjects_are_listed_in_order_by_prefix,
            a_follower_reads_every_record_in_order,
            a_follower_waits_and_its_wait_may_be_dropped,
            a_follower_that_falls_behind_is_told_where_it_goes_on,
            history_comes_in_pages_over_several_subjects_in_order_and_beyond_the_ring,
            history_is_bounded_by_its_number_and_says_what_is_gone,
            pages_reach_beyond_the_ring_and_end_at_the_head,
            a_volatile_record_takes_a_position_in_order_with_the_rest,
            a_closed_log_refuses_appends_and_still_reads,
        ]);)*
    };
}

suites! {
    commit = crate::log::tests::engines::embedded(crate::log::Durability::Commit),
    interval = crate::log::tests::engines::embedded(crate::log::Durability::Interval(std::time::Duration::from_millis(1))),
    memory = crate::log::tests::engines::embedded(crate::log::Durability::Memory),
}

type SharedLog = Arc<dyn Log>;
type Kept = Box<dyn Any>;

fn embedded(durability: Durability) -> (SharedLog, Kept) {
    let directory = tempfile::tempdir().unwrap();
    let small = EmbeddedConfig {
        ring_records: conformance::RING,
        segment_size: 2000,
        ..kit::config(directory.path(), durability)
    };
    (Arc::new(kit::open(small).unwrap()), Box::new(directory))
}

#[test]
fn memory_leaves_the_directory_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("never");
    let log = kit::open(kit::config(&path, Durability::Memory)).unwrap();
    let _told = log.append(kit::record("a/1", "x"));
    assert!(!path.exists());
}

#[tokio::test(start_paused = true)]
async fn memory_appends_at_once_so_paused_time_does_not_pass() {
    let log = kit::open(kit::config("never".as_ref(), Durability::Memory)).unwrap();
    let before = tokio::time::Instant::now();
    let append = tokio::time::timeout(Duration::from_millis(1), log.append(kit::record("a/1", "x")));
    assert!(append.await.is_ok());
    assert_eq!(tokio::time::Instant::now(), before);
}
