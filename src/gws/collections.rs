//! Collections, as all of them are answered: addresses, or with `fields` the resources themselves, as far as the filters
//! let them through.

use serde_json::Value;

use super::json::{Object, write_array};
use super::query::{Query, Selection};

/// Something that can be listed, and that has all its members at all times.
pub(super) trait Resource {
    /// Its address.
    fn uri(&self) -> String;

    /// Writes it, with those of its members that are chosen.
    fn write(&self, out: &mut Vec<u8>, chosen: &Selection);
}

/// Writes what passes the filters: `uris`, or with `fields` an array under this name.
pub(super) fn write_collection<R: Resource>(
    answer: &mut Object<'_>,
    name: &str,
    resources: impl IntoIterator<Item = R>,
    query: &Query,
) {
    let kept = resources.into_iter().filter(|resource| passes(query, &[], |out| resource.write(out, &Selection::All)));
    match &query.fields {
        None => answer.texts("uris", kept.map(|resource| resource.uri())),
        Some(fields) => answer.member(name, |out| write_array(out, kept, |out, resource| resource.write(out, fields))),
    }
}

/// Whether a resource has every member that the filters ask for. One that it may have (`at_times`) and lacks is not as
/// asked for. A filter by what is no member of it is passed over: clients append parameters of their own against caches.
pub(super) fn passes(query: &Query, at_times: &[&str], write: impl FnOnce(&mut Vec<u8>)) -> bool {
    if query.filters.is_empty() {
        return true;
    }
    let mut out = Vec::new();
    write(&mut out);
    let resource: Value = serde_json::from_slice(&out).unwrap_or_default();
    query.filters.iter().all(|(name, wanted)| match resource.get(name) {
        None => !at_times.contains(&name.as_str()),
        Some(Value::String(text)) => text == wanted,
        Some(other) => serde_json::from_str::<Value>(wanted).is_ok_and(|wanted| wanted == *other),
    })
}
