//! Typed reading of settings: durations, sizes, choices. What was read is kept for `print-config`.

use std::time::Duration;

use toml::{Table, Value};

use super::error::ConfigError;
use super::secrets::{hidden, shown};
use super::settings::{Origin, Setting, Settings, nearest};

/// Reads settings one by one.
#[derive(Debug)]
pub(super) struct Reader {
    settings: Settings,
    effective: Table,
}

/// One value, with all that an error about it must name.
#[derive(Debug)]
pub(super) struct Field {
    key: String,
    setting: Setting,
}

/// A table in a list of tables, key by key.
#[derive(Debug)]
pub(super) struct Entry {
    key: String,
    origin: Origin,
    table: Table,
    known: Vec<&'static str>,
}

impl Reader {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, effective: Table::new() }
    }

    /// The setting of a key. One that the defaults lack is missing everywhere.
    pub(super) fn field(&mut self, key: &str) -> Result<Field, ConfigError> {
        let setting = self.settings.take(key).ok_or_else(|| ConfigError::BadValue {
            origin: Origin::Default,
            key: key.into(),
            value: "nothing".into(),
            expected: "a default".into(),
        })?;
        let field = Field { key: key.into(), setting };
        self.keep(&field);
        Ok(field)
    }

    pub(super) fn text(&mut self, key: &str) -> Result<String, ConfigError> {
        self.parsed(key, "a text", |text| Some(text.to_owned()))
    }

    /// A text, unless it is empty.
    pub(super) fn given(&mut self, key: &str) -> Result<Option<String>, ConfigError> {
        Ok(Some(self.text(key)?).filter(|text| !text.is_empty()))
    }

    /// A text that has a shape. A number in the environment is a text as well.
    pub(super) fn parsed<T>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let mut field = self.field(key)?;
        let text = field.text(expected)?;
        let parsed = parse(&text).ok_or_else(|| field.bad(expected));
        field.setting.value = Value::String(text);
        self.keep(&field);
        parsed
    }

    pub(super) fn boolean(&mut self, key: &str) -> Result<bool, ConfigError> {
        self.field(key)?.boolean()
    }

    pub(super) fn duration(&mut self, key: &str) -> Result<Duration, ConfigError> {
        self.parsed(key, A_DURATION, parse_duration)
    }

    /// A duration that is more than nothing.
    pub(super) fn positive(&mut self, key: &str) -> Result<Duration, ConfigError> {
        self.parsed(key, "a duration of more than 0, such as \"200ms\" or \"30s\", at most 876000h", |text| {
            parse_duration(text).filter(|duration| !duration.is_zero())
        })
    }

    /// A whole number that `check` likes.
    pub(super) fn number<T>(
        &mut self,
        key: &str,
        expected: &str,
        check: impl FnOnce(u64) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let field = self.field(key)?;
        let number = field.setting.value.as_integer().and_then(|n| u64::try_from(n).ok());
        number.and_then(check).ok_or_else(|| field.bad(expected))
    }

    /// A whole number that is `least` or more.
    pub(super) fn count(&mut self, key: &str, least: u64) -> Result<u64, ConfigError> {
        self.number(key, &format!("a whole number, {least} or more"), |n| (n >= least).then_some(n))
    }

    /// As [`count`](Self::count), of things in memory.
    pub(super) fn length(&mut self, key: &str, least: u64) -> Result<usize, ConfigError> {
        Ok(usize::try_from(self.count(key, least)?).unwrap_or(usize::MAX))
    }

    /// Bytes: a text with a unit, or a plain number.
    pub(super) fn size(&mut self, key: &str) -> Result<u64, ConfigError> {
        let expected = "a size such as \"64KiB\", \"1MiB\" or a number of bytes, more than 0";
        let field = self.field(key)?;
        let size = match field.setting.value.as_integer() {
            Some(bytes) => u64::try_from(bytes).ok(),
            None => parse_size(&field.text(expected)?),
        };
        size.filter(|size| *size > 0).ok_or_else(|| field.bad(expected))
    }

    /// As [`size`](Self::size), of things in memory.
    pub(super) fn length_in_bytes(&mut self, key: &str) -> Result<usize, ConfigError> {
        Ok(usize::try_from(self.size(key)?).unwrap_or(usize::MAX))
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Result<T, ConfigError> {
        let expected = one_of(choices);
        self.parsed(key, &expected, |text| choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value))
    }

    /// A list of texts that each have a shape.
    pub(super) fn list(
        &mut self,
        key: &str,
        expected: &str,
        fits: impl Fn(&str) -> bool,
    ) -> Result<Vec<String>, ConfigError> {
        let field = self.field(key)?;
        let texts = field.texts(expected)?;
        if texts.iter().all(|text| fits(text)) { Ok(texts) } else { Err(field.bad(expected)) }
    }

    /// A list of tables.
    pub(super) fn entries(&mut self, key: &str, expected: &str) -> Result<Vec<Entry>, ConfigError> {
        let field = self.field(key)?;
        let bad = field.bad(expected);
        let Value::Array(items) = field.setting.value else { return Err(bad) };
        let mut entries = Vec::with_capacity(items.len());
        for (place, item) in items.into_iter().enumerate() {
            let Value::Table(table) = item else { return Err(bad) };
            let origin = field.setting.origin.clone();
            entries.push(Entry { key: format!("{key}[{place}]"), origin, table, known: Vec::new() });
        }
        Ok(entries)
    }

    /// Where a key was set. Only before it is read.
    pub(super) fn origin(&self, key: &str) -> Origin {
        self.settings.origin(key)
    }

    /// Where the first of these keys was set that was set at all. Only before they are read.
    pub(super) fn origin_of(&self, keys: &[&str]) -> Origin {
        let mut origins = keys.iter().map(|key| self.origin(key));
        origins.find(|origin| *origin != Origin::Default).unwrap_or(Origin::Default)
    }

    /// Ends the reading: every key must have been read. What was read, secrets hidden.
    pub(super) fn finish(self) -> Result<Table, ConfigError> {
        self.settings.expect_none_left()?;
        Ok(self.effective)
    }

    /// A setting that was read, as it was written.
    pub(super) fn written(&self, key: &str) -> String {
        let (section, name) = key.split_once('.').unwrap_or((key, ""));
        self.effective.get(section).and_then(|section| section.get(name)).map(Value::to_string).unwrap_or_default()
    }

    fn keep(&mut self, field: &Field) {
        let mut table = &mut self.effective;
        let mut names = field.key.split('.').peekable();
        while let Some(name) = names.next() {
            if names.peek().is_none() {
                table.insert(name.into(), hidden(name, &field.setting.value));
                return;
            }
            let below = table.entry(name).or_insert_with(|| Value::Table(Table::new()));
            let Value::Table(below) = below else { return };
            table = below;
        }
    }
}

impl Field {
    pub(super) fn text(&self, expected: &str) -> Result<String, ConfigError> {
        match (&self.setting.value, &self.setting.raw) {
            (Value::String(text), _) => Ok(text.clone()),
            (Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_), Some(raw)) => {
                Ok(raw.clone())
            }
            (
                Value::Integer(_)
                | Value::Float(_)
                | Value::Boolean(_)
                | Value::Datetime(_)
                | Value::Array(_)
                | Value::Table(_),
                _,
            ) => Err(self.bad(expected)),
        }
    }

    pub(super) fn texts(&self, expected: &str) -> Result<Vec<String>, ConfigError> {
        let items = self.setting.value.as_array().ok_or_else(|| self.bad(expected))?;
        items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(|| self.bad(expected))).collect()
    }

    pub(super) const fn is_list(&self) -> bool {
        matches!(self.setting.value, Value::Array(_))
    }

    pub(super) fn boolean(&self) -> Result<bool, ConfigError> {
        self.setting.value.as_bool().ok_or_else(|| self.bad("true or false"))
    }

    pub(super) fn bad(&self, expected: &str) -> ConfigError {
        ConfigError::BadValue {
            origin: self.setting.origin.clone(),
            key: self.key.clone(),
            value: shown(&self.key, &self.setting.value),
            expected: expected.into(),
        }
    }
}

impl Entry {
    /// A key of the table; `None` if it is not there.
    pub(super) fn field(&mut self, name: &'static str) -> Option<Field> {
        self.known.push(name);
        let value = self.table.remove(name)?;
        let setting = Setting { value, raw: None, origin: self.origin.clone() };
        Some(Field { key: format!("{}.{name}", self.key), setting })
    }

    /// A text that must be there and have a shape.
    pub(super) fn parsed<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let field = self.field(name).ok_or_else(|| ConfigError::BadValue {
            origin: self.origin.clone(),
            key: format!("{}.{name}", self.key),
            value: "nothing".into(),
            expected: expected.into(),
        })?;
        parse(&field.text(expected)?).ok_or_else(|| field.bad(expected))
    }

    /// A text, or `otherwise`.
    pub(super) fn text_or(&mut self, name: &'static str, otherwise: &str) -> Result<String, ConfigError> {
        self.field(name).map_or_else(|| Ok(otherwise.into()), |field| field.text("a text"))
    }

    /// Yes or no, or `otherwise`.
    pub(super) fn boolean_or(&mut self, name: &'static str, otherwise: bool) -> Result<bool, ConfigError> {
        self.field(name).map_or(Ok(otherwise), |field| field.boolean())
    }

    /// A duration, or `otherwise`.
    pub(super) fn duration_or(&mut self, name: &'static str, otherwise: Duration) -> Result<Duration, ConfigError> {
        let Some(field) = self.field(name) else { return Ok(otherwise) };
        parse_duration(&field.text(A_DURATION)?).ok_or_else(|| field.bad(A_DURATION))
    }

    /// A whole number that is `least` or more, of things in memory, or `otherwise`.
    pub(super) fn length_or(
        &mut self,
        name: &'static str,
        least: usize,
        otherwise: usize,
    ) -> Result<usize, ConfigError> {
        let Some(field) = self.field(name) else { return Ok(otherwise) };
        let number = field.setting.value.as_integer().and_then(|n| usize::try_from(n).ok());
        number.filter(|n| *n >= least).ok_or_else(|| field.bad(&format!("a whole number, {least} or more")))
    }

    /// A list of texts, or none.
    pub(super) fn texts_or(&mut self, name: &'static str, usual: &str) -> Result<Vec<String>, ConfigError> {
        self.field(name).map_or_else(|| Ok(vec![usual.to_owned()]), |field| field.texts("a list of texts"))
    }

    /// Ends the reading: every key must have been read.
    pub(super) fn finish(self) -> Result<(), ConfigError> {
        let Some((left, value)) = self.table.iter().next() else { return Ok(()) };
        let meant = nearest(left, self.known.iter().copied()).map(|name| format!("{}.{name}", self.key));
        let value = shown(left, value);
        Err(ConfigError::UnknownKey { origin: self.origin, key: format!("{}.{left}", self.key), value, meant })
    }
}

fn one_of<T>(choices: &[(&str, T)]) -> String {
    let words: Vec<String> = choices.iter().map(|(word, _)| format!("\"{word}\"")).collect();
    words.join(" or ")
}

/// What a duration looks like.
const A_DURATION: &str = "a duration such as \"200ms\", \"30s\", \"5m\" or \"24h\", at most 876000h";

/// A number and a unit: `ms`, `s`, `m` or `h`. What is longer than [`LONGEST`] is a mistake, and could not be added to a
/// time of day.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let number: u64 = number.parse().ok()?;
    let duration = match unit {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.checked_mul(60)?),
        "h" => Duration::from_secs(number.checked_mul(3600)?),
        _ => return None,
    };
    Some(duration).filter(|duration| *duration <= LONGEST)
}

/// A hundred years.
const LONGEST: Duration = Duration::from_secs(876_000 * 3600);

/// A number, and `B`, `KiB`, `MiB` or `GiB`.
fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = number.parse().ok()?;
    let unit: u64 = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(unit)
}
