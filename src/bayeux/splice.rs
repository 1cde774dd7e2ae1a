//! One number put into JSON that otherwise stays as it came, byte by byte.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::ids::Position;

/// `data` with `event.replayId`, in the place of one that it brought along. `None` if it has no object `event`.
pub(super) fn with_replay_id(data: &[u8], at: Position) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(data).ok()?;
    let event = member(text, "event").filter(|event| text.get(event.clone()).is_some_and(|t| t.starts_with('{')))?;
    let object = text.get(event.clone())?;
    let (place, id) = match member(object, "replayId") {
        Some(old) => (event.start + old.start..event.start + old.end, at.to_string()),
        None => {
            let inside = event.start + 1;
            let empty = object.get(1..)?.trim_ascii_start() == "}";
            (inside..inside, format!("\"replayId\":{at}{}", if empty { "" } else { "," }))
        }
    };
    Some([text.get(..place.start)?, &id, text.get(place.end..)?].concat().into_bytes())
}

/// Where the value of an object's member stands. Of several of that name the last one, which is the one that counts.
fn member(object: &str, name: &str) -> Option<Range<usize>> {
    let Members(members) = serde_json::from_str(object).ok()?;
    let value = members.iter().rev().find(|(key, _)| key == name)?.1.get();
    // It borrows from the text it was read from, so the distance of the two is where it stands.
    let start = (value.as_ptr() as usize).checked_sub(object.as_ptr() as usize)?;
    Some(start..start + value.len())
}

struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
