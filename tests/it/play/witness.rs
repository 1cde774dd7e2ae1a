//! What must hold of what all agents of the real server read at one moment.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::life::AGENTS;
use super::person::{Person, others};
use crate::harness::{Server, request};

/// What was come by when all were looked at.
#[derive(Debug, Default)]
pub(super) struct Witnessed {
    /// Agents who are seen on a call, and do not know of it yet.
    pub missing: Vec<String>,
    /// Calls that two agents or more are on.
    pub shared: usize,
    /// Of those, such with three or more that are seen.
    pub conferences: usize,
    /// Agents on a call whom the others do not see.
    pub unseen: usize,
}

/// Sees to it that what all of them read at one moment fits.
///
/// # Panics
/// If it does not fit.
pub(super) fn look_at_all(persons: &[Person]) -> Witnessed {
    let mut calls: BTreeMap<&str, Vec<(&str, &Value)>> = BTreeMap::new();
    for person in persons {
        for (id, call) in &person.seen.calls {
            calls.entry(id).or_default().push((AGENTS[person.index], call));
        }
    }
    let mut witnessed = Witnessed::default();
    calls.values().for_each(|parts| look_at(parts, &mut witnessed));
    witnessed
}

/// Looks at one call as those see it who are on it: all see the same, but each itself.
fn look_at(parts: &[(&str, &Value)], witnessed: &mut Witnessed) {
    let seen: BTreeSet<String> = parts.iter().flat_map(|(_, call)| others(call)).collect();
    assert!(!seen.is_empty(), "nobody is left alone: {parts:#?}");
    let there: BTreeSet<&str> = parts.iter().map(|(number, _)| *number).collect();
    for (number, call) in parts {
        let mut shown = others(call);
        shown.sort_unstable();
        let wanted: Vec<&String> = seen.iter().filter(|other| other != number).collect();
        assert!(shown.iter().eq(wanted), "{number} sees {shown:?} of {seen:?}: {parts:#?}");
        let is_seen = seen.contains(*number) || parts.len() == 1;
        let may_be_unseen = call["state"] == "Ringing" || call["monitoring"] == true;
        assert!(is_seen || may_be_unseen, "nobody sees {number}: {parts:#?}");
        witnessed.unseen += usize::from(!is_seen);
    }
    // Who is called is shown before it rings, and rings soon.
    let missing = |number: &&String| AGENTS.contains(&number.as_str()) && !there.contains(number.as_str());
    witnessed.missing.extend(seen.iter().find(missing).cloned());
    witnessed.shared += usize::from(parts.len() > 1);
    witnessed.conferences += usize::from(parts.len() > 1 && seen.len() > 2);
}

/// How many calls live, by the page of metrics, which is counted now and then.
pub(super) fn living(server: &Server) -> usize {
    let page = request(server.address, "GET /metrics HTTP/1.1\r\n", &[], b"").body;
    let counts = page.lines().filter_map(|line| line.strip_prefix("partyline_calls{")?.split_once(' '));
    counts.map(|(_, count)| count.trim().parse::<usize>().unwrap()).sum()
}
