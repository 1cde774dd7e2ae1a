//! What of a setting may be shown, in an error or by `print-config`.

use toml::Value;

/// What a secret is shown as.
const REDACTED: &str = "(redacted)";

/// What the name of a secret has in it, also when it is misspelt at its end.
const MARKS: [&str; 3] = ["passw", "secret", "token"];

/// What has a mark in its name, and is no secret.
const OPEN: [&str; 5] = ["token_audience", "token_issuer", "token_keys_file", "token_leeway", "token_subject"];

/// A value as it may be shown, as TOML. `key` may be dotted.
pub(super) fn shown(key: &str, value: &Value) -> String {
    hidden(key.rsplit_once('.').map_or(key, |(_, name)| name), value).to_string()
}

/// A value without the secrets in it.
pub(super) fn hidden(name: &str, value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(|item| hidden(name, item)).collect()),
        Value::Table(table) => {
            Value::Table(table.iter().map(|(name, below)| (name.clone(), hidden(name, below))).collect())
        }
        Value::String(text) if text.is_empty() => value.clone(),
        Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {
            if MARKS.iter().any(|mark| name.contains(mark)) && !OPEN.contains(&name) {
                REDACTED.into()
            } else {
                value.clone()
            }
        }
    }
}
