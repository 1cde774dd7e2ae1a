//! Where a piece of history is: of those subjects that are asked for, and of no others.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::ids::{Position, WallTime};
use crate::log::face::{Among, Past, Subject};
use crate::log::history::{All, Histories, History, Kept, Name, depth};

/// Where some history is.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Its positions, in order.
    pub(crate) kept: Vec<Position>,
    /// Whether there is more.
    pub(crate) more: bool,
    /// The newest position of these subjects that is not kept any more, and is missed.
    pub(crate) dropped: Position,
}

/// What is still to be looked at of one history.
struct Rest<'a> {
    kept: &'a VecDeque<Kept>,
    next: usize,
    through: Position,
}

impl Histories {
    /// Where a piece of history is, as it is kept at `now`. That costs as much as there are subjects among those that are
    /// asked for, and as it finds positions.
    pub(crate) fn find(&self, past: &Past<'_>, now: WallTime) -> Found {
        self.look(|all| {
            let mut found = Found::default();
            let mut rests = Vec::new();
            for (name, history) in all.among(past, &mut found.dropped) {
                let old = history.kept.iter().take_while(|kept| history.is_old(kept, now)).last();
                let dropped = old.map_or(history.dropped, |kept| kept.position);
                if dropped > found.dropped && dropped > (past.told)(Some(&name.subject)) {
                    found.dropped = dropped;
                }
                let after = past.after.max(dropped);
                let next = history.kept.partition_point(|kept| kept.position <= after);
                rests.push(Rest { kept: &history.kept, next, through: past.through });
            }
            let mut heads: BinaryHeap<_> =
                rests.iter().enumerate().filter_map(|(which, rest)| Some(Reverse((rest.position()?, which)))).collect();
            while let Some(Reverse((position, which))) = heads.pop() {
                if found.kept.len() == past.records {
                    found.more = true;
                    break;
                }
                found.kept.push(position);
                if let Some(rest) = rests.get_mut(which) {
                    rest.next += 1;
                    heads.extend(rest.position().map(|position| Reverse((position, which))));
                }
            }
            found
        })
    }
}

impl Rest<'_> {
    fn position(&self) -> Option<Position> {
        self.kept.get(self.next).map(|kept| kept.position).filter(|position| *position <= self.through)
    }
}

impl All {
    /// The histories that are asked for, each once. Raises `dropped` to what may be gone of subjects that are not known.
    fn among(&self, past: &Past<'_>, dropped: &mut Position) -> Vec<(&Name, &History)> {
        let mut near = Vec::new();
        let emptied = self.emptied.through();
        let unknown = if emptied > (past.told)(None) { emptied } else { Position::ZERO };
        for among in past.among {
            match among {
                Among::Below(prefix) => {
                    *dropped = unknown.max(*dropped);
                    self.below(prefix, past, &mut near);
                }
                Among::Children(prefix) => {
                    *dropped = unknown.max(*dropped);
                    self.level(depth(prefix), prefix, past, &mut near);
                }
                Among::Exactly(subject) => match self.by_name.get_key_value(&Name::of(subject)) {
                    Some(entry) if (past.wanted)(subject) => near.push(entry),
                    Some(_) => {}
                    None => *dropped = unknown.max(*dropped),
                },
            }
        }
        if past.among.len() > 1 {
            near.sort_unstable_by_key(|(name, _)| *name);
            near.dedup_by_key(|(name, _)| *name);
        }
        near
    }

    /// All that begin with a prefix and are as deep as that.
    fn level<'a>(&'a self, depth: usize, prefix: &str, past: &Past<'_>, near: &mut Vec<(&'a Name, &'a History)>) {
        let begins = Name { depth, subject: Subject::new(prefix) };
        let range = self.by_name.range(begins..);
        let range = range.take_while(|(name, _)| name.depth == depth && name.subject.as_str().starts_with(prefix));
        near.extend(range.filter(|(name, _)| (past.wanted)(&name.subject)));
    }

    /// All that begin with a prefix. One look-up for each depth that there is.
    fn below<'a>(&'a self, prefix: &str, past: &Past<'_>, near: &mut Vec<(&'a Name, &'a History)>) {
        let mut next = depth(prefix);
        loop {
            let begins = Name { depth: next, subject: Subject::new("") };
            let Some((name, _)) = self.by_name.range(begins..).next() else { return };
            self.level(name.depth, prefix, past, near);
            next = name.depth + 1;
        }
    }
}
