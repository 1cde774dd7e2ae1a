//! What every engine must do. Each function takes a fresh log whose ring holds [`RING`] records.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::ids::Position;
use crate::log::epoch::LOG_KIND;
use crate::log::face::{Among, Expected, Follower, Health, Log, Outcome, Past, Record, Stretch, Subject};
use crate::log::tests::kit::{KEPT, ending, expecting, page, put, read_all, record, told, volatile};

/// How many records the ring of a log under test holds.
pub(crate) const RING: usize = 64;

pub(crate) async fn positions_rise_in_the_order_of_the_calls(log: Arc<dyn Log>) {
    let appends: Vec<_> = (0..500).map(|n| log.append(record("a/1", &n.to_string()))).collect();
    let mut last = log.head();
    assert!(last < Position::new(1 << 53));
    let mut first = true;
    for append in appends {
        let Outcome::Appended(position) = append.await else { panic!("not appended") };
        assert!(first || position > last, "{position} after {last}");
        (first, last) = (false, position);
    }
    assert_eq!(log.head(), last);
    assert_eq!(log.newest(&Subject::new("a/1")).unwrap().map(|record| told(&record)).unwrap(), "a/1=499");
}

pub(crate) async fn what_was_answered_can_be_read_at_once(log: Arc<dyn Log>) {
    for n in 0..200 {
        let subject = format!("a/{n}");
        let new = record(&subject, "x");
        let position = put(&*log, new.clone()).await;
        assert!(log.head() >= position);
        let newest = log.newest(&new.subject).unwrap().unwrap();
        assert_eq!(
            (newest.position, newest.id, newest.kind, newest.version),
            (position, new.id, new.kind, new.version)
        );
        assert_eq!(
            (newest.time, newest.ends, newest.volatile, &newest.payload),
            (new.time, false, false, &new.payload)
        );
        assert_eq!(log.recall(position), Some(newest.clone()));
        assert_eq!(log.read(Position::new(position.get() - 1), 9).unwrap(), vec![newest]);
    }
}

pub(crate) async fn nothing_is_expected_successfully_only_of_a_new_or_ended_subject(log: Arc<dyn Log>) {
    let begin = |payload| expecting(Expected::Nothing, record("call/1", payload));
    put(&*log, begin("one")).await;
    assert_eq!(log.append(begin("two")).await, Outcome::Conflict);
    put(&*log, ending(record("call/1", "over"))).await;
    assert_eq!(log.newest(&Subject::new("call/1")).unwrap(), None);
    put(&*log, begin("three")).await;
    assert_eq!(told(&log.newest(&Subject::new("call/1")).unwrap().unwrap()), "call/1=three");
}

pub(crate) async fn a_position_is_expected_successfully_only_while_it_is_the_newest(log: Arc<dyn Log>) {
    let first = put(&*log, record("call/1", "one")).await;
    put(&*log, record("call/2", "other")).await;
    let second = put(&*log, expecting(Expected::At(first), record("call/1", "two"))).await;
    assert_eq!(log.append(expecting(Expected::At(first), record("call/1", "late"))).await, Outcome::Conflict);
    let end = ending(expecting(Expected::At(second), record("call/1", "end")));
    let end = put(&*log, end).await;
    for gone in [second, end] {
        assert_eq!(log.append(expecting(Expected::At(gone), record("call/1", "late"))).await, Outcome::Conflict);
    }
    assert_eq!(log.append(expecting(Expected::At(first), record("call/9", "x"))).await, Outcome::Conflict);
}

pub(crate) async fn an_append_sees_those_called_before_it_even_unanswered(log: Arc<dyn Log>) {
    for n in 0..50 {
        let name = format!("call/{n}");
        let begin = log.append(expecting(Expected::Nothing, record(&name, "one")));
        let again = log.append(expecting(Expected::Nothing, record(&name, "two")));
        let end = log.append(ending(record(&name, "end")));
        let anew = log.append(expecting(Expected::Nothing, record(&name, "three")));
        assert!(matches!(begin.await, Outcome::Appended(_)));
        assert_eq!(again.await, Outcome::Conflict);
        assert!(matches!(end.await, Outcome::Appended(_)));
        assert!(matches!(anew.await, Outcome::Appended(_)));
    }
}

pub(crate) async fn of_many_who_expect_the_same_one_wins(log: Arc<dyn Log>) {
    let mut at = put(&*log, record("call/1", "start")).await;
    for round in 0..20 {
        let racers: Vec<_> = (0..8)
            .map(|racer| {
                let log = Arc::clone(&log);
                let new = expecting(Expected::At(at), record("call/1", &format!("{round}.{racer}")));
                tokio::spawn(async move { (new.id, log.append(new).await) })
            })
            .collect();
        let mut won = Vec::new();
        for racer in racers {
            match racer.await.unwrap() {
                (id, Outcome::Appended(position)) => won.push((id, position)),
                (_, outcome) => assert_eq!(outcome, Outcome::Conflict),
            }
        }
        let newest = log.newest(&Subject::new("call/1")).unwrap().unwrap();
        assert_eq!(won, [(newest.id, newest.position)]);
        at = newest.position;
    }
}

pub(crate) async fn living_subjects_are_listed_in_order_by_prefix(log: Arc<dyn Log>) {
    for name in ["call/2", "call/10", "callback/1", "agent/1", "call/1", "call/3"] {
        put(&*log, record(name, "x")).await;
    }
    put(&*log, ending(record("call/3", "x"))).await;
    let names = |prefix: &str| log.subjects(prefix).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names("call/"), ["call/1", "call/10", "call/2"]);
    assert_eq!(names("call"), ["call/1", "call/10", "call/2", "callback/1"]);
    assert_eq!(names("zebra"), Vec::<String>::new());
    assert!(names("").contains(&"agent/1".to_owned()));
}

pub(crate) async fn a_follower_reads_every_record_in_order(log: Arc<dyn Log>) {
    let mut follower = log.follow(log.head());
    let writer = Arc::clone(&log);
    let writing = tokio::spawn(async move {
        for n in 0..300 {
            let new = record("a/1", &n.to_string());
            put(&*writer, if n % 3 == 0 { volatile(new) } else { new }).await;
            tokio::task::yield_now().await;
        }
    });
    // The writer may outrun a ring of 64 records: what is then missed is told, and is as much as was missed.
    let (mut seen, mut missed) = (Vec::new(), 0);
    while seen.last().is_none_or(|record: &Arc<Record>| told(record) != "a/1=299") {
        match follower.next(7).await {
            Ok(records) => {
                assert!(records.iter().all(|record| record.position <= log.head()));
                assert!((1..=7).contains(&records.len()));
                seen.extend(records.into_iter().filter(|record| record.kind != LOG_KIND));
            }
            Err(lagged) => {
                missed += 1;
                assert!(seen.last().is_none_or(|record| record.position < lagged.resume));
            }
        }
    }
    writing.await.unwrap();
    assert!(seen.is_sorted_by_key(|record| record.position));
    assert!(missed > 0 || seen.iter().map(|record| told(record)).eq((0..300).map(|n| format!("a/1={n}"))));
}

pub(crate) async fn a_follower_waits_and_its_wait_may_be_dropped(log: Arc<dyn Log>) {
    let mut follower = log.follow(log.head());
    assert!(waits(&mut follower).await);
    put(&*log, record("a/1", "one")).await;
    assert_eq!(next(&mut follower).await, ["a/1=one"]);
    assert!(waits(&mut follower).await);
    assert!(waits(&mut follower).await);
    put(&*log, volatile(record("a/1", "two"))).await;
    put(&*log, record("a/1", "three")).await;
    assert_eq!(next(&mut follower).await, ["a/1=two", "a/1=three"]);
}

pub(crate) async fn a_follower_that_falls_behind_is_told_where_it_goes_on(log: Arc<dyn Log>) {
    let start = log.head();
    let mut follower = log.follow(start);
    for n in 0..RING + 10 {
        put(&*log, record("a/1", &n.to_string())).await;
    }
    let floor = log.floor();
    assert!(floor > start);
    assert_eq!(follower.next(5).await.unwrap_err().resume, floor);
    assert_eq!(next(&mut follower).await.len(), RING);
    assert!(waits(&mut follower).await);
    assert_eq!(log.recall(floor), None);
    assert_eq!(log.follow(floor).next(1).await.unwrap().len(), 1);
}

pub(crate) async fn pages_reach_beyond_the_ring_and_end_at_the_head(log: Arc<dyn Log>) {
    for n in 0..3 * RING {
        put(&*log, record(&format!("a/{n:04}"), "x")).await;
    }
    assert!(log.floor() > Position::ZERO);
    let stories: Vec<_> =
        read_all(&*log).iter().filter(|record| record.kind != LOG_KIND).map(|record| told(record)).collect();
    assert_eq!(stories, (0..3 * RING).map(|n| format!("a/{n:04}=x")).collect::<Vec<_>>());
    assert_eq!(log.read(log.head(), 10).unwrap(), vec![]);
    assert_eq!(told(&log.newest(&Subject::new("a/0001")).unwrap().unwrap()), "a/0001=x");
}

pub(crate) async fn a_volatile_record_takes_a_position_in_order_with_the_rest(log: Arc<dyn Log>) {
    let mut follower = log.follow(log.head());
    let appends: Vec<_> = (0..9)
        .map(|n| {
            let new = record("channel/x", &n.to_string());
            log.append(if n % 2 == 1 { volatile(new) } else { new })
        })
        .collect();
    let mut positions = BTreeSet::new();
    for append in appends {
        let Outcome::Appended(position) = append.await else { panic!("not appended") };
        assert!(positions.insert(position));
    }
    let mut seen = Vec::new();
    while seen.len() < 9 {
        seen.extend(follower.next(100).await.unwrap());
    }
    assert_eq!(seen.iter().map(|record| record.position).collect::<BTreeSet<_>>(), positions);
    assert!(seen.iter().enumerate().all(|(n, record)| told(record) == format!("channel/x={n}")));
    assert!(seen.iter().enumerate().all(|(n, record)| record.volatile == (n % 2 == 1)));
}

pub(crate) async fn a_closed_log_refuses_appends_and_still_reads(log: Arc<dyn Log>) {
    assert_eq!(log.health(), Health::Well);
    let position = put(&*log, record("a/1", "one")).await;
    log.close().await;
    log.close().await;
    assert_eq!(log.append(record("a/1", "two")).await, Outcome::Full);
    assert!(matches!(log.health(), Health::ReadOnly(_)));
    assert_eq!(log.newest(&Subject::new("a/1")).unwrap().unwrap().position, position);
}

/// What comes next, whole.
async fn next(follower: &mut Follower) -> Vec<String> {
    follower.next(1000).await.unwrap().iter().map(|record| told(record)).collect()
}

/// Whether nothing is there to be read.
async fn waits(follower: &mut Follower) -> bool {
    tokio::time::timeout(Duration::ZERO, follower.next(10)).await.is_err()
}

pub(crate) async fn history_comes_in_pages_over_several_subjects_in_order_and_beyond_the_ring(log: Arc<dyn Log>) {
    let mut all = Vec::new();
    for n in 0..KEPT {
        for name in ["kept/a/1", "kept/b", "kept/a/2"] {
            all.push((name, put(&*log, record(name, &format!("{n:0>100}"))).await));
        }
        put(&*log, record("other/1", "x")).await;
        put(&*log, volatile(record("kept/a/1", "volatile"))).await;
    }
    assert!(log.floor() > all[0].1, "the ring does not have it all");
    for prefix in ["kept/", "kept/a/", "kept/b", "kept/c", "other/"] {
        let expected: Vec<Position> =
            all.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(_, position)| *position).collect();
        let (mut got, mut after) = (Vec::new(), Position::ZERO);
        loop {
            let stretch = page(&*log, prefix, after, 7);
            assert!(stretch.through > after && stretch.records.len() <= 7);
            got.extend(stretch.records.iter().map(|record| record.position));
            after = stretch.through;
            if after == log.head() {
                break;
            }
        }
        assert_eq!(got, expected, "{prefix}");
    }
    let places: Vec<Position> = all.iter().step_by(5).map(|(_, position)| *position).collect();
    let found: Vec<Position> = log.select(&places).unwrap().iter().map(|record| record.position).collect();
    assert_eq!(found, places);
    assert_eq!(log.select(&[Position::new(1)]).unwrap(), vec![]);
}

pub(crate) async fn history_is_bounded_by_its_number_and_says_what_is_gone(log: Arc<dyn Log>) {
    let mut all = Vec::new();
    for n in 0..KEPT + 10 {
        all.push(put(&*log, record("kept/1", &n.to_string())).await);
    }
    let Stretch { records, through, dropped } = page(&*log, "kept/", Position::ZERO, 1000);
    assert_eq!(records.iter().map(|record| record.position).collect::<Vec<_>>(), all[10..]);
    assert_eq!((through, dropped), (log.head(), all[9]));
    let one = |bytes| {
        let past = Past {
            among: &[Among::Below("kept/".into())],
            wanted: &|_| true,
            told: &|_| Position::ZERO,
            after: all[20],
            through: all[30],
            records: 100,
            bytes,
        };
        log.history(&past).unwrap()
    };
    let small = one(4);
    assert_eq!((small.records.len(), small.through), (2, all[22]));
    assert_eq!(one(0).records.len(), 1, "one at least");
    let whole = one(1000);
    assert_eq!((whole.records.len(), whole.through), (10, all[30]));
}
