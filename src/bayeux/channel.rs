//! The channel grammar: names, patterns, families, and which patterns match a name.
//!
//! The grammar is the strict one of the specification: `/segment/segment…`, a segment being one or more of
//! `A-Z a-z 0-9 - _ ! ~ ( ) $ @`. What laxer servers let pass (dots, blanks, braces, stars inside) is
//! refused, so that no two texts that a reader takes for one channel are two.
//!
//! There is one normalisation, and everything goes through it: ASCII white space around the text falls away,
//! then one trailing slash.

use std::sync::Arc;
use std::{fmt, iter};

/// A text that is no channel name or pattern.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a channel")]
pub struct BadChannel;

/// What a channel is for, by its first segment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    /// Anybody may be listening.
    Broadcast,
    /// The protocol's own.
    Meta,
    /// Between one client and the server.
    Service,
}

/// A channel that can be published to: normalised, no wildcard.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Channel(Arc<str>);

/// What can be subscribed to: a channel, or a wildcard as the whole last segment.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Pattern(Arc<str>);

/// A pattern taken apart: how far it reaches below a stem that is a prefix of every channel it matches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reach<'a> {
    /// `stem/**`: whatever lies below the stem.
    Below(&'a str),
    /// `stem/*`: what lies one level below the stem.
    Child(&'a str),
    /// The channel itself.
    Exact(&'a str),
}

impl Channel {
    /// Parses and normalises a name.
    ///
    /// # Errors
    /// [`BadChannel`] if it breaks the grammar, has a wildcard, or is longer than 512 bytes.
    pub fn parse(text: &str) -> Result<Self, BadChannel> {
        let name = normalise(text)?;
        if segments(name).all(is_plain) { Ok(Self(name.into())) } else { Err(BadChannel) }
    }

    /// The normalised name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it is for. `/meta` and `/service` themselves are broadcast channels like any other.
    pub fn family(&self) -> Family {
        family(&self.0)
    }

    /// All patterns that match it, from the channel itself up to `/**`.
    pub fn patterns(&self) -> impl Iterator<Item = Pattern> {
        self.reaches().map(|reach| match reach {
            Reach::Below(stem) => Pattern(format!("{stem}/**").into()),
            Reach::Child(stem) => Pattern(format!("{stem}/*").into()),
            Reach::Exact(_) => Pattern(Arc::clone(&self.0)),
        })
    }

    /// The same taken apart, which costs no allocation.
    pub(super) fn reaches(&self) -> impl Iterator<Item = Reach<'_>> {
        let stems = iter::successors(parent(&self.0), |stem| parent(stem));
        // `/*` and `/**` are for broadcast channels: what passes between a client and the server is nobody
        // else's, whatever one subscribed to.
        let only_broadcast = self.family() != Family::Broadcast;
        iter::once(Reach::Exact(&self.0))
            .chain(parent(&self.0).map(Reach::Child))
            .chain(stems.map(Reach::Below))
            .filter(move |reach| !(only_broadcast && matches!(reach, Reach::Below("") | Reach::Child(""))))
    }
}

impl Pattern {
    /// Parses and normalises a pattern.
    ///
    /// # Errors
    /// [`BadChannel`] if it breaks the grammar or is longer than 512 bytes.
    pub fn parse(text: &str) -> Result<Self, BadChannel> {
        let name = normalise(text)?;
        let (head, last) = name.rsplit_once('/').ok_or(BadChannel)?;
        let sound = segments(head).all(is_plain) && (matches!(last, "*" | "**") || is_plain(last));
        if sound { Ok(Self(name.into())) } else { Err(BadChannel) }
    }

    /// The normalised pattern.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a publication to `channel` is for those who subscribed to this. Only channels of its own
    /// [family](Self::family) match a pattern.
    pub fn matches(&self, channel: &Channel) -> bool {
        let below = |stem| channel.0.strip_prefix(stem).and_then(|rest: &str| rest.strip_prefix('/'));
        let reached = match self.reach() {
            Reach::Below(stem) => below(stem).is_some(),
            Reach::Child(stem) => below(stem).is_some_and(|rest| !rest.contains('/')),
            Reach::Exact(name) => *name == *channel.0,
        };
        reached && self.family() == channel.family()
    }

    /// What the channels that it can match are for. `/**` and `/*` count as broadcast.
    pub fn family(&self) -> Family {
        family(&self.0)
    }

    /// The one channel that it matches, unless it is a wildcard.
    pub fn channel(&self) -> Option<Channel> {
        match self.reach() {
            Reach::Below(_) | Reach::Child(_) => None,
            Reach::Exact(_) => Some(Channel(Arc::clone(&self.0))),
        }
    }

    /// What the names of all channels that it matches begin with.
    pub fn stem(&self) -> &str {
        match self.reach() {
            Reach::Below(stem) | Reach::Child(stem) | Reach::Exact(stem) => stem,
        }
    }

    /// Whether it matches channels of any number of segments more than its [stem](Self::stem).
    pub fn is_deep(&self) -> bool {
        matches!(self.reach(), Reach::Below(_))
    }

    /// Whether there can be a channel that both match.
    pub fn meets(&self, other: &Self) -> bool {
        self.family() == other.family()
            && match (self.reach(), other.reach()) {
                (Reach::Exact(name), _) => Channel::parse(name).is_ok_and(|channel| other.matches(&channel)),
                (_, Reach::Exact(name)) => Channel::parse(name).is_ok_and(|channel| self.matches(&channel)),
                (Reach::Child(one), Reach::Child(two)) => one == two,
                (Reach::Below(stem), Reach::Child(inner)) | (Reach::Child(inner), Reach::Below(stem)) => {
                    reaches(stem, inner)
                }
                (Reach::Below(one), Reach::Below(two)) => reaches(one, two) || reaches(two, one),
            }
    }

    /// Whether this matches every channel that the other does.
    pub fn contains(&self, other: &Self) -> bool {
        self.family() == other.family()
            && match (self.reach(), other.reach()) {
                (_, Reach::Exact(name)) => Channel::parse(name).is_ok_and(|channel| self.matches(&channel)),
                (Reach::Exact(_), Reach::Below(_) | Reach::Child(_)) | (Reach::Child(_), Reach::Below(_)) => false,
                (Reach::Child(one), Reach::Child(two)) => one == two,
                (Reach::Below(stem), Reach::Below(inner) | Reach::Child(inner)) => reaches(stem, inner),
            }
    }

    pub(super) fn reach(&self) -> Reach<'_> {
        match (self.0.strip_suffix("/**"), self.0.strip_suffix("/*")) {
            (Some(stem), _) => Reach::Below(stem),
            (None, Some(stem)) => Reach::Child(stem),
            (None, None) => Reach::Exact(&self.0),
        }
    }
}

impl From<&Channel> for Pattern {
    fn from(channel: &Channel) -> Self {
        Self(Arc::clone(&channel.0))
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn normalise(text: &str) -> Result<&str, BadChannel> {
    let trimmed = text.trim_ascii();
    let name = trimmed.strip_suffix('/').unwrap_or(trimmed);
    if name.starts_with('/') && name.len() <= LONGEST { Ok(name) } else { Err(BadChannel) }
}

/// The segments of a text that begins with a slash, or of the empty text, which has none.
fn segments(name: &str) -> impl Iterator<Item = &str> {
    name.split('/').skip(1)
}

fn is_plain(segment: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_!~()$@".contains(&b);
    !segment.is_empty() && segment.bytes().all(fits)
}

fn family(name: &str) -> Family {
    if name.starts_with("/meta/") {
        Family::Meta
    } else if name.starts_with("/service/") {
        Family::Service
    } else {
        Family::Broadcast
    }
}

/// Whether `stem/**` reaches what is one level below `inner`.
fn reaches(stem: &str, inner: &str) -> bool {
    inner.strip_prefix(stem).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn parent(name: &str) -> Option<&str> {
    name.rsplit_once('/').map(|(stem, _)| stem)
}

const LONGEST: usize = 512;
