//! What messages bear in their `ext`.

use std::collections::BTreeMap;

use bytes::Bytes;
use partyline::bayeux::{Batch, Body, Error, Pattern, ReplayFrom, Reply, Token, body};
use partyline::ids::Position;
use serde_json::Value;
use serde_json::value::RawValue;

use super::LIMITS;

/// A body of Bayeux messages: its token is the one that any reader of JSON finds in the first `ext` that has one, and no
/// reply repeats it.
pub fn credential(bytes: &[u8]) -> bool {
    let Ok(batch) = Batch::decode(&Bytes::copy_from_slice(bytes), &LIMITS) else { return false };
    let token = batch.token.clone();
    if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
        let messages = value.as_array().map_or_else(|| std::slice::from_ref(&value), Vec::as_slice);
        assert_eq!(token.as_ref().map(Token::reveal), messages.iter().find_map(|message| borne(&message["ext"])));
    }
    let Some(token) = token else { return false };
    assert_eq!(format!("{token:?}"), "Token(secret)");
    let mut replies: Vec<Reply> = Vec::new();
    for request in batch.requests {
        replies.push(request.clone().token_refused(Error::session_unknown()));
        replies.push(request.clone().session_unknown(Error::session_unknown()));
        replies.push(request.refused(Error::draining()));
    }
    // Unless it stands elsewhere too, for what it is worth there.
    let stands = |text: &[u8]| text.windows(token.reveal().len()).filter(|at| *at == token.reveal().as_bytes()).count();
    if token.reveal().len() >= 6 && stands(bytes) == 1 {
        assert_eq!(stands(&body(&[], &replies)), 0, "it is told to nobody");
    }
    true
}

/// The token in an `ext`.
fn borne(ext: &Value) -> Option<&str> {
    let places = [&ext["authentication"]["token"], &ext["token"], &ext["authToken"]];
    places.into_iter().find_map(Value::as_str)
}

/// The `ext.replay` of a subscribe: what is read of it is what any reader of JSON finds there, and one entry that makes no
/// sense refuses it all. What was read is written as it is read again.
pub fn replay(bytes: &[u8]) -> bool {
    let Ok(map) = serde_json::from_slice::<&RawValue>(bytes) else { return false };
    let Some(body) = subscribe(map.get()) else { return false };
    let expected = serde_json::from_slice::<Value>(bytes).map(|map| expected(&map));
    match (body, expected) {
        (Body::Subscribe { replay, patterns, .. }, expected) => {
            assert_eq!(patterns.len(), PATTERNS.len());
            if let Ok(expected) = expected {
                assert_eq!(Some(&replay), expected.as_ref());
            }
            let again = replay.iter().map(|(pattern, from)| (pattern.to_string(), written(*from))).collect();
            let again = subscribe(&Value::Object(again).to_string());
            assert!(matches!(again, Some(Body::Subscribe { replay: again, .. }) if again == replay));
            !replay.is_empty()
        }
        (Body::Invalid { error, .. }, expected) => {
            assert!(matches!(expected, Err(_) | Ok(None)), "{error:?}");
            false
        }
        (other, _) => panic!("no subscribe: {other:?}"),
    }
}

/// What becomes of a subscribe with this in its `ext.replay`; `None` if it nests too deeply.
fn subscribe(map: &str) -> Option<Body> {
    let [one, other, third] = PATTERNS;
    let text = format!(
        r#"[{{"channel":"/meta/subscribe","clientId":"c","subscription":["{one}","{other}","{third}"],"ext":{{"replay":{map}}}}}]"#
    );
    let batch = Batch::decode(&Bytes::from(text), &LIMITS).ok()?;
    assert_eq!(batch.requests.len(), 1, "what is one value stays in its place");
    batch.requests.into_iter().next().map(|request| request.body)
}

/// What a map says of the patterns; `None` if any of it makes no sense. The last spelling of a name counts.
fn expected(map: &Value) -> Option<Vec<(Pattern, ReplayFrom)>> {
    let mut found: Vec<(Pattern, ReplayFrom)> = Vec::new();
    let names: BTreeMap<&String, &Value> = map.as_object().into_iter().flatten().collect();
    for (name, value) in names.into_iter().filter(|(_, value)| !value.is_null()) {
        let name = name.trim_ascii();
        let name = name.strip_suffix('/').unwrap_or(name);
        let Some(pattern) = PATTERNS.into_iter().find(|known| *known == name) else { continue };
        let pattern = Pattern::parse(pattern).expect("a pattern");
        let from = from(value)?;
        found.retain(|(known, _)| *known != pattern);
        found.push((pattern, from));
    }
    Some(found)
}

fn from(value: &Value) -> Option<ReplayFrom> {
    let number = match value {
        Value::String(text) if text.starts_with('+') || text.starts_with("-0") => return None,
        Value::String(text) => text.parse::<i128>().ok(),
        Value::Number(number) => number.as_u64().map(i128::from).or_else(|| number.as_i64().map(i128::from)),
        Value::Array(_) | Value::Bool(_) | Value::Null | Value::Object(_) => None,
    };
    match number? {
        -2 => Some(ReplayFrom::All),
        -1 => Some(ReplayFrom::New),
        number => u64::try_from(number).ok().map(|number| ReplayFrom::After(Position::new(number))),
    }
}

fn written(from: ReplayFrom) -> Value {
    match from {
        ReplayFrom::After(position) => position.get().into(),
        ReplayFrom::All => (-2).into(),
        ReplayFrom::New => "-1".into(),
    }
}

const PATTERNS: [&str; 3] = ["/a", "/a/*", "/b/**"];
