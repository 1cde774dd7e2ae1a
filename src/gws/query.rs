//! What a read asks for: `subresources`, `fields`, and filters.

use percent_encoding::percent_decode_str;

/// Which of many things.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Selection {
    /// `*`.
    All,
    /// `a,b`.
    Names(Vec<String>),
}

/// The query of a read.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Query {
    /// `subresources`: what is embedded.
    pub subresources: Option<Selection>,
    /// `fields`: which members are shown. A collection without it shows addresses only.
    pub fields: Option<Selection>,
    /// Every other parameter: members that a collection's resources must have.
    pub filters: Vec<(String, String)>,
}

impl Query {
    /// Reads the part of the address after `?`. It takes anything; where a parameter stands twice the last one counts.
    pub fn parse(text: &str) -> Self {
        let mut query = Self::default();
        for (name, value) in text.split('&').filter_map(|pair| pair.split_once('=')) {
            let (name, value) = (decoded(name), decoded(value));
            match name.as_str() {
                "fields" => query.fields = Selection::parse(&value),
                "subresources" => query.subresources = Selection::parse(&value),
                _ => query.filters.push((name, value)),
            }
        }
        query
    }

    /// Whether this subresource is embedded.
    pub fn embeds(&self, name: &str) -> bool {
        self.subresources.as_ref().is_some_and(|chosen| chosen.names(name))
    }

    /// A parameter that is no member of a resource; an empty one counts as none.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let (_, value) = self.filters.iter().rev().find(|(other, value)| other == name && !value.is_empty())?;
        Some(value)
    }

    /// Its filters by these members alone; an empty one counts as none.
    pub(super) fn by_members(&self, names: &[&str]) -> Self {
        let by_member = |(name, value): &&(String, String)| names.contains(&name.as_str()) && !value.is_empty();
        Self { filters: self.filters.iter().filter(by_member).cloned().collect(), ..Self::default() }
    }

    /// The members of one resource that are shown.
    pub(super) fn shown(&self) -> &Selection {
        self.fields.as_ref().unwrap_or(&Selection::All)
    }
}

impl Selection {
    fn parse(value: &str) -> Option<Self> {
        let names: Vec<String> = value.split(',').map(str::trim).filter(|n| !n.is_empty()).map(Into::into).collect();
        match names.iter().any(|name| name == "*") {
            true => Some(Self::All),
            false if names.is_empty() => None,
            false => Some(Self::Names(names)),
        }
    }

    /// Those of these that are among them.
    pub(super) fn within(&self, names: &[&str]) -> Self {
        Self::Names(names.iter().filter(|name| self.names(name)).map(|name| (*name).to_owned()).collect())
    }

    /// Whether this is one of them.
    pub fn names(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Names(names) => names.iter().any(|n| n == name),
        }
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}
