//! JSON, written member by member in the order of the calls.

use super::query::Selection;

/// An object being written. Members that the selection does not name are left out.
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
    chosen: &'a Selection,
    empty: bool,
}

impl<'a> Object<'a> {
    /// Begins an object with all its members.
    pub(super) fn begin(out: &'a mut Vec<u8>) -> Self {
        Self::begin_chosen(out, &Selection::All)
    }

    /// Begins an object with those of its members that are chosen.
    pub(super) fn begin_chosen(out: &'a mut Vec<u8>, chosen: &'a Selection) -> Self {
        out.push(b'{');
        Self { out, chosen, empty: true }
    }

    /// A member that is a text.
    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.member(name, |out| write_text(out, value));
    }

    /// A member that is a number.
    pub(super) fn number(&mut self, name: &str, value: i64) {
        self.raw(name, &value.to_string());
    }

    /// A member that is no.
    pub(super) fn no(&mut self, name: &str) {
        self.raw(name, "false");
    }

    /// A member that is yes.
    pub(super) fn yes(&mut self, name: &str) {
        self.raw(name, "true");
    }

    /// A member that is yes or no.
    pub(super) fn flag(&mut self, name: &str, value: bool) {
        self.raw(name, if value { "true" } else { "false" });
    }

    /// A member that is JSON already.
    pub(super) fn raw(&mut self, name: &str, json: &str) {
        self.member(name, |out| out.extend_from_slice(json.as_bytes()));
    }

    /// A member that is an array of texts.
    pub(super) fn texts<T: AsRef<str>>(&mut self, name: &str, values: impl IntoIterator<Item = T>) {
        self.member(name, |out| write_array(out, values, |out, value| write_text(out, value.as_ref())));
    }

    /// A member that is an object.
    pub(super) fn object(&mut self, name: &str, fill: impl FnOnce(&mut Object<'_>)) {
        self.member(name, |out| {
            let mut object = Object::begin(out);
            fill(&mut object);
            object.end();
        });
    }

    /// A member that is written by `write`.
    pub(super) fn member(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        if self.chosen.names(name) {
            self.embed(name, write);
        }
    }

    /// A member that is written by `write` whatever was chosen.
    pub(super) fn embed(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        write_text(self.out, name);
        self.out.push(b':');
        write(self.out);
    }

    /// Ends the object.
    pub(super) fn end(self) {
        self.out.push(b'}');
    }
}

/// Writes an array.
pub(super) fn write_array<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// Writes a text in quotes.
pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\0'..='\x1f' => out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes()),
            _ => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}
