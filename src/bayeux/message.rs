//! One message of a batch: its fields as they stand in the body, and what they come to.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::ids::{ClientId, Position};

use super::channel::{BadChannel, Channel, Family, Pattern};
use super::credential::Token;
use super::envelope::{Advice, Body, Limits, MessageId, ReplayFrom, Request};
use super::error::Error;
use super::scan;
use super::timesync::TimeSync;

/// The fields of a message that mean something, each a JSON token of the body; what stood last counts.
#[derive(Default)]
pub(super) struct Message<'a> {
    advice: Option<&'a str>,
    channel: Option<&'a str>,
    client: Option<&'a str>,
    data: Option<&'a str>,
    ext: Option<&'a str>,
    id: Option<&'a str>,
    subscription: Option<&'a str>,
    types: Option<&'a str>,
}

impl Message<'_> {
    /// The token that it bears.
    pub(super) fn token(&self) -> Option<Token> {
        self.ext.and_then(Token::of)
    }

    /// What the message comes to. `body` is what it was parsed from.
    pub(super) fn request(&self, body: &Bytes, limits: &Limits) -> Request {
        let id = self.id(body);
        let client = self.client();
        let asked = self.channel().and_then(|channel| {
            let claimed = (id.clone()?, client.clone()?);
            self.body(channel, body, limits).map(|asked| (claimed, asked))
        });
        match asked {
            Ok(((id, client), asked)) => Request { id, client, sync: self.sync(), body: asked },
            Err(error) => Request {
                id: id.ok().flatten(),
                client: client.ok().flatten(),
                sync: self.sync(),
                body: Body::Invalid {
                    channel: self.channel.filter(|token| text(token).is_some()).map(|token| slice(body, token)),
                    subscription: self.echo(body),
                    error,
                },
            },
        }
    }

    fn channel(&self) -> Result<Channel, Error> {
        let token = self.channel.ok_or_else(Error::channel_missing)?;
        let name = text(token).ok_or_else(|| Error::field_invalid("channel"))?;
        Channel::parse(&name).map_err(|_| Error::channel_invalid())
    }

    fn id(&self, body: &Bytes) -> Result<Option<MessageId>, Error> {
        let Some(token) = self.id else { return Ok(None) };
        let alphanumeric = |id: Cow<'_, str>| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric());
        let sound = number(token).is_some_and(f64::is_finite) || text(token).is_some_and(alphanumeric);
        if sound && token.len() <= LONGEST { Ok(Some(id_of(body, token))) } else { Err(Error::message_id_invalid()) }
    }

    fn client(&self) -> Result<Option<ClientId>, Error> {
        let Some(token) = self.client else { return Ok(None) };
        let id = text(token).ok_or_else(|| Error::field_invalid("clientId"))?;
        // None that was given out is nearly as long: the beginning of a longer one is as unknown as all of it.
        Ok(id.get(..id.floor_char_boundary(LONGEST)).map(ClientId::presented))
    }

    fn body(&self, channel: Channel, body: &Bytes, limits: &Limits) -> Result<Body, Error> {
        let ext = object(self.ext).map_err(|_| Error::field_invalid("ext"))?;
        let advice = object(self.advice).map_err(|_| Error::field_invalid("advice"))?;
        match channel.as_str() {
            CONNECT => Ok(Body::Connect { ack: ext.ack.and_then(whole), advice: self.advice.map(|_| advice.advice()) }),
            DISCONNECT => Ok(Body::Disconnect),
            HANDSHAKE => Ok(Body::Handshake { ack: ext.ack == Some("true"), types: self.types()? }),
            SUBSCRIBE => {
                let (patterns, echo) = self.patterns(Error::never_subscribed, body, limits)?;
                let replay = ext.replay.map_or(Ok(Vec::new()), |map| replay(map, &patterns))?;
                Ok(Body::Subscribe { patterns, replay, echo })
            }
            UNSUBSCRIBE => {
                let (patterns, echo) = self.patterns(Error::unsubscribe_failed, body, limits)?;
                Ok(Body::Unsubscribe { patterns, echo })
            }
            _ if channel.family() == Family::Meta => Err(Error::never_created()),
            _ => Ok(Body::Publish { channel, data: self.data(body)?, binary: binary(ext.binary, body)? }),
        }
    }

    /// What it says of its client's clock, if it is a meta message.
    fn sync(&self) -> Option<TimeSync> {
        let meta = self.channel.is_some_and(|token| token.starts_with("\"/meta/"));
        object(self.ext.filter(|_| meta)).ok()?.timesync.and_then(TimeSync::parse)
    }

    fn data(&self, body: &Bytes) -> Result<Bytes, Error> {
        let token = self.data.ok_or_else(Error::data_missing)?;
        if scan::is_well_formed(token) { Ok(slice(body, token)) } else { Err(Error::field_invalid("data")) }
    }

    fn types(&self) -> Result<Option<Vec<Box<str>>>, Error> {
        let Some(token) = self.types else { return Ok(None) };
        let names = strings(token).ok_or_else(|| Error::field_invalid("supportedConnectionTypes"))?;
        Ok(Some(names.into_iter().map(Box::from).collect()))
    }

    /// All the patterns or none, and their echo; `meta` is what is wrong with a pattern below `/meta`.
    fn patterns(&self, meta: fn() -> Error, body: &Bytes, limits: &Limits) -> Result<(Vec<Pattern>, Bytes), Error> {
        let token = self.subscription.ok_or_else(Error::subscription_missing)?;
        let patterns: Vec<Pattern> = if token.starts_with('[') {
            let tokens = elements(token).ok_or_else(|| Error::subscription_invalid(""))?;
            if tokens.len() > limits.subscriptions {
                return Err(Error::limit("subscriptions"));
            }
            tokens.iter().map(|token| pattern(token.get())).collect::<Result<_, _>>()?
        } else {
            vec![pattern(token)?]
        };
        if patterns.is_empty() {
            return Err(Error::subscription_missing());
        }
        if patterns.iter().any(|pattern| pattern.family() == Family::Meta) {
            return Err(meta());
        }
        Ok((patterns, slice(body, token)))
    }

    /// `subscription` for the reply to an invalid message, if it is at least a string or strings.
    fn echo(&self, body: &Bytes) -> Option<Bytes> {
        let channel = self.channel().ok()?;
        let token = self.subscription.filter(|_| matches!(channel.as_str(), SUBSCRIBE | UNSUBSCRIBE))?;
        let sound = text(token).is_some() || strings(token).is_some();
        sound.then(|| slice(body, token))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Message<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MessageVisitor)
    }
}

struct MessageVisitor;

impl<'de> Visitor<'de> for MessageVisitor {
    type Value = Message<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Bayeux message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut message = Message::default();
        while let Some(Key(key)) = map.next_key()? {
            let field = match key.as_ref() {
                "advice" => &mut message.advice,
                "channel" => &mut message.channel,
                "clientId" => &mut message.client,
                "data" => {
                    message.data = Some(map.next_value::<&RawValue>()?.get());
                    continue;
                }
                "ext" => &mut message.ext,
                "id" => &mut message.id,
                "subscription" => &mut message.subscription,
                "supportedConnectionTypes" => &mut message.types,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *field = present(map.next_value()?);
        }
        Ok(message)
    }
}

/// The fields of `advice` and `ext` that mean something.
#[derive(Default)]
struct Object<'a> {
    replay: Option<&'a str>,
    ack: Option<&'a str>,
    binary: Option<&'a str>,
    interval: Option<&'a str>,
    timeout: Option<&'a str>,
    timesync: Option<&'a str>,
}

impl Object<'_> {
    fn advice(&self) -> Advice {
        let duration = |token| whole(token).map(|ms| Duration::from_millis(ms).min(LONGEST_ADVICE));
        Advice { timeout: self.timeout.and_then(duration), interval: self.interval.and_then(duration) }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut object = Object::default();
        while let Some(Key(key)) = map.next_key()? {
            let field = match key.as_ref() {
                "ack" => &mut object.ack,
                "binary" => &mut object.binary,
                "interval" => &mut object.interval,
                "replay" => &mut object.replay,
                "timeout" => &mut object.timeout,
                "timesync" => &mut object.timesync,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *field = present(map.next_value()?);
        }
        Ok(object)
    }
}

/// A field's name, borrowed unless it has escapes.
#[derive(Eq, Ord, PartialEq, PartialOrd)]
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor).map(Self)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

/// `token` must be a part of `body`.
fn slice(body: &Bytes, token: &str) -> Bytes {
    body.slice_ref(token.as_bytes())
}

fn id_of(body: &Bytes, token: &str) -> MessageId {
    MessageId(slice(body, token))
}

fn present(value: &RawValue) -> Option<&str> {
    Some(value.get()).filter(|token| *token != "null")
}

/// The text of a JSON string, or nothing if the token is something else.
fn text(token: &str) -> Option<Cow<'_, str>> {
    let plain = token.strip_prefix('"')?.strip_suffix('"')?;
    if plain.contains('\\') { serde_json::from_str(token).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(plain)) }
}

fn elements(token: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(token).ok()
}

fn strings(token: &str) -> Option<Vec<Cow<'_, str>>> {
    elements(token)?.into_iter().map(|element| text(element.get())).collect()
}

fn object(token: Option<&str>) -> serde_json::Result<Object<'_>> {
    token.map_or_else(|| Ok(Object::default()), serde_json::from_str)
}

fn binary(token: Option<&str>, body: &Bytes) -> Result<Option<Bytes>, Error> {
    let sound = |token: &str| token.len() <= LONGEST_BINARY && scan::is_well_formed(token);
    match token {
        Some(token) if !sound(token) => Err(Error::field_invalid("ext")),
        token => Ok(token.filter(|token| *token != "false").map(|token| slice(body, token))),
    }
}

fn pattern(token: &str) -> Result<Pattern, Error> {
    let name = text(token).unwrap_or(Cow::Borrowed(token));
    let parsed = if token.starts_with('"') { Pattern::parse(&name) } else { Err(BadChannel) };
    parsed.map_err(|_| Error::subscription_invalid(&name))
}

/// What `ext.replay` says of these patterns. What it says of others is nobody's business here, and so is whatever is no
/// map: some clients say `true` there. A map that cannot be read, with half a surrogate pair in a name, is refused: whoever
/// sent it waits for history.
fn replay(token: &str, patterns: &[Pattern]) -> Result<Vec<(Pattern, ReplayFrom)>, Error> {
    if !token.starts_with('{') {
        return Ok(Vec::new());
    }
    let map: BTreeMap<Key<'_>, &RawValue> = serde_json::from_str(token).map_err(|_| Error::field_invalid("ext"))?;
    let mut found: Vec<(Pattern, ReplayFrom)> = Vec::new();
    for (Key(name), value) in &map {
        let Ok(pattern) = Pattern::parse(name) else { continue };
        if patterns.contains(&pattern)
            && let Some(value) = present(value)
        {
            let from = replay_from(value).ok_or_else(|| Error::replay_id_invalid(&pattern))?;
            // One pattern may stand there twice, with a slash behind it and without.
            found.retain(|(known, _)| *known != pattern);
            found.push((pattern, from));
        }
    }
    Ok(found)
}

/// A number, or a text of one.
fn replay_from(token: &str) -> Option<ReplayFrom> {
    match text(token).as_deref().unwrap_or(token) {
        "-1" => Some(ReplayFrom::New),
        "-2" => Some(ReplayFrom::All),
        digits => {
            let plain = digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse().ok().filter(|_| plain).map(|number| ReplayFrom::After(Position::new(number)))
        }
    }
}

/// A JSON number; infinite if it is too large for the floating point of most clients.
fn number(token: &str) -> Option<f64> {
    let begins = token.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    token.parse().ok().filter(|_| begins)
}

/// A number that is not negative, without its fraction. A huge one is the greatest.
fn whole(token: &str) -> Option<u64> {
    let rounded = || number(token).filter(|number| *number >= 0.0).map(|number| number as u64);
    token.parse().ok().or_else(rounded)
}

const CONNECT: &str = "/meta/connect";
const DISCONNECT: &str = "/meta/disconnect";
const HANDSHAKE: &str = "/meta/handshake";
const SUBSCRIBE: &str = "/meta/subscribe";
const UNSUBSCRIBE: &str = "/meta/unsubscribe";

/// Bytes in an id or a clientId.
const LONGEST: usize = 128;

/// Bytes in `ext.binary`.
const LONGEST_BINARY: usize = 1024;

const LONGEST_ADVICE: Duration = Duration::from_secs(24 * 60 * 60);
