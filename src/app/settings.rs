//! Layers of settings: which source said what, and the errors that name it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use toml::{Table, Value};

use super::error::ConfigError;
use super::secrets::shown;

/// The defaults, which are also the document of every key.
const DEFAULTS: &str = include_str!("../../config/partyline.toml");

/// What begins the name of each environment variable that is a setting.
const PREFIX: &str = "PARTYLINE__";

/// Where a setting was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origin {
    /// Compiled in.
    Default,
    /// An environment variable.
    Environment(String),
    /// A file.
    File(PathBuf),
    /// A flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the built-in defaults"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// What is laid over the defaults, in this order.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A configuration file: its name and its text.
    pub file: Option<(PathBuf, String)>,
    /// The environment. Variables that are no settings are passed over.
    pub environment: Vec<(String, String)>,
    /// Flags: name, key, value.
    pub flags: Vec<(&'static str, &'static str, String)>,
}

/// One setting.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    pub(super) value: Value,
    /// What stood in the environment or on the command line: a text that looks like a number is still a text.
    pub(super) raw: Option<String>,
    pub(super) origin: Origin,
}

/// All settings, by their dotted keys; of each the one that counts.
#[derive(Debug)]
pub(super) struct Settings(BTreeMap<String, Setting>);

impl Settings {
    /// Lays the sources over the defaults.
    pub(super) fn layer(sources: Sources) -> Result<Self, ConfigError> {
        let mut all = Self(BTreeMap::new());
        all.lay_text(DEFAULTS, &Origin::Default)?;
        if let Some((path, text)) = sources.file {
            all.lay_text(&text, &Origin::File(path))?;
        }
        for (name, raw) in sources.environment {
            if let Some(key) = name.strip_prefix(PREFIX) {
                let key = key.to_lowercase().replace("__", ".");
                all.lay_raw(&key, raw, Origin::Environment(name))?;
            }
        }
        for (name, key, raw) in sources.flags {
            all.lay_raw(key, raw, Origin::Flag(name))?;
        }
        Ok(all)
    }

    /// The setting of a key that the defaults have.
    pub(super) fn take(&mut self, key: &str) -> Option<Setting> {
        self.0.remove(key)
    }

    /// Where a key was set.
    pub(super) fn origin(&self, key: &str) -> Origin {
        self.0.get(key).map_or(Origin::Default, |setting| setting.origin.clone())
    }

    /// Fails with the first setting that nobody took.
    pub(super) fn expect_none_left(&self) -> Result<(), ConfigError> {
        let Some((key, setting)) = self.0.iter().next() else { return Ok(()) };
        let value = shown(key, &setting.value);
        Err(ConfigError::UnknownKey { origin: setting.origin.clone(), key: key.clone(), value, meant: None })
    }

    fn lay_text(&mut self, text: &str, origin: &Origin) -> Result<(), ConfigError> {
        let table: Table = text
            .parse()
            .map_err(|e: toml::de::Error| ConfigError::Syntax { origin: origin.clone(), reason: e.to_string() })?;
        self.lay_table("", table, origin)
    }

    fn lay_raw(&mut self, key: &str, raw: String, origin: Origin) -> Result<(), ConfigError> {
        let value: Value = raw.parse().unwrap_or_else(|_| Value::String(raw.clone()));
        self.lay(key.into(), value, Some(raw), &origin)
    }

    fn lay_table(&mut self, prefix: &str, table: Table, origin: &Origin) -> Result<(), ConfigError> {
        for (name, value) in table {
            let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
            self.lay(key, value, None, origin)?;
        }
        Ok(())
    }

    /// A table is laid key by key. Only the defaults bring new keys.
    fn lay(&mut self, key: String, value: Value, raw: Option<String>, origin: &Origin) -> Result<(), ConfigError> {
        if let Value::Table(table) = value {
            if self.0.contains_key(&key) {
                let value = shown(&key, &Value::Table(table));
                return Err(ConfigError::BadValue { origin: origin.clone(), key, value, expected: "one value".into() });
            }
            if *origin != Origin::Default && !self.has_section(&key) {
                return Err(self.unknown(key, &Value::Table(table), origin));
            }
            return self.lay_table(&key, table, origin);
        }
        if *origin != Origin::Default && self.has_section(&key) {
            return Err(ConfigError::BadValue {
                origin: origin.clone(),
                value: shown(&key, &value),
                expected: format!("keys of its own, such as {}", self.first_below(&key)),
                key,
            });
        }
        if *origin != Origin::Default && !self.0.contains_key(&key) {
            return Err(self.unknown(key, &value, origin));
        }
        self.0.insert(key, Setting { value, raw, origin: origin.clone() });
        Ok(())
    }

    fn has_section(&self, key: &str) -> bool {
        !self.first_below(key).is_empty()
    }

    fn first_below(&self, section: &str) -> String {
        let prefix = format!("{section}.");
        self.0.keys().find(|key| key.starts_with(&prefix)).cloned().unwrap_or_default()
    }

    fn unknown(&self, key: String, value: &Value, origin: &Origin) -> ConfigError {
        let sections = self.0.keys().filter_map(|key| key.rsplit_once('.').map(|(section, _)| section));
        // Several sections may have a key of that name: whoever forgot the section mostly meant the server's.
        let misplaced = self.0.keys().filter(|known| known.rsplit_once('.').is_some_and(|(_, name)| name == key));
        let misplaced = misplaced.max_by_key(|known| known.starts_with("server.")).cloned();
        let meant = misplaced.or_else(|| nearest(&key, self.0.keys().map(String::as_str).chain(sections)));
        ConfigError::UnknownKey { origin: origin.clone(), value: shown(&key, value), meant, key }
    }
}

/// The candidate that differs from `text` in the fewest characters, if they are few for its length.
pub(super) fn nearest<'a>(text: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    let near = candidates.map(|candidate| (distance(text, candidate), candidate)).min()?;
    (near.0 * 3 <= text.chars().count()).then(|| near.1.to_owned())
}

/// Insertions, deletions and replacements between two texts.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(b.chars()) {
            let best = (diagonal + usize::from(from != to)).min(*cell + 1).min(left + 1);
            diagonal = *cell;
            *cell = best;
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}
