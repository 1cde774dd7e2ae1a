//! The names of things: one newtype each, parsed once at the edge and never mixed up after that.
//!
//! Secrets ([`ClientId`], [`BrowserCookie`]) show nothing of themselves in `Debug`, have no `Display`,
//! and are stored only as hashes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

/// A text that is no name: empty, too long, or with a character that names may not have.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be 1 to 128 characters, with no control character, quote, backslash or slash")]
pub struct BadId;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes 1 to 128 characters without control characters, quotes, backslashes and slashes.
            ///
            /// # Errors
            /// [`BadId`] if the text is anything else.
            pub fn parse(text: &str) -> Result<Self, BadId> {
                let fits = !text.is_empty() && text.chars().count() <= 128;
                let clean = !text.chars().any(|c| c.is_control() || matches!(c, '"' | '\\' | '/'));
                if fits && clean { Ok(Self(text.into())) } else { Err(BadId) }
            }

            /// The text as it was parsed.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// An agent: the user name that the agent logs in with.
    AgentId
}
text_id! {
    /// A call as every party names it: 32 characters of `[0-9A-V]`. Opaque and case sensitive.
    CallId
}
text_id! {
    /// The switch's own name of a call: 16 hexadecimal digits.
    ConnId
}
text_id! {
    /// A telephone device: a UUID.
    DeviceId
}
text_id! {
    /// A directory number (DN), as dialled.
    Number
}
text_id! {
    /// One login of an agent.
    LoginId
}
text_id! {
    /// A client's name for a command, by which a retry gets the first answer (`Idempotency-Key`).
    IdempotencyKey
}

/// A request's name in answers and log lines (`X-Request-ID`): 1 to 64 of `A-Z`, `a-z`, `0-9`, `-`, `_` and `.`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The client's own, if it is short and plain enough to stand in a log; else a fresh one.
    pub fn of(presented: Option<&[u8]>) -> Self {
        let plain = |bytes: &&[u8]| {
            (1..=64).contains(&bytes.len())
                && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        };
        let own = presented.filter(plain).and_then(|bytes| str::from_utf8(bytes).ok());
        Self(own.map_or_else(|| hex(&random::<8>()).into(), Arc::from))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl CallId {
    /// Draws a fresh one.
    pub fn draw() -> Self {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHIJKLMNOPQRSTUV";
        let bytes = random::<32>();
        let text: String = bytes.iter().map(|b| char::from(ALPHABET[usize::from(b & 31)])).collect();
        Self(text.into())
    }
}

impl ConnId {
    /// Draws a fresh one.
    pub fn draw() -> Self {
        Self(hex(&random::<8>()).into())
    }
}

impl LoginId {
    /// Draws a fresh one.
    pub fn draw() -> Self {
        Self(hex(&random::<8>()).into())
    }
}

/// A place in the log: 1, 2, 3, … in one order for everything. Stays below 2^53, so that every client
/// keeps it exactly. [`Position::ZERO`] is before the first record.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Position(u64);

impl Position {
    /// Before the first record.
    pub const ZERO: Self = Self(0);

    /// The largest: every client keeps it exactly.
    pub const LARGEST: Self = Self((1 << 53) - 1);

    /// The position with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The one after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A time of day in milliseconds since 1970.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct WallTime(u64);

impl WallTime {
    /// The time this many milliseconds after the start of 1970.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the start of 1970.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; zero if it is not earlier.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// The identity of one record: an append that is repeated bears the same one.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RecordId([u8; 16]);

impl RecordId {
    /// The record id with these bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Draws a fresh one.
    pub fn draw() -> Self {
        Self(random())
    }

    /// Its bytes.
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// One life of a log: positions of two epochs cannot be compared. Eight characters of `[0-9a-f]`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Epoch(u32);

impl Epoch {
    /// The epoch with this number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Draws a fresh one.
    pub fn draw() -> Self {
        Self(u32::from_be_bytes(random()))
    }

    /// Its number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// A Bayeux client's bearer secret: the epoch of the log, then 160 random bits, all in hexadecimal.
#[derive(Clone, Eq, PartialEq)]
pub struct ClientId(Arc<str>);

impl ClientId {
    /// Draws a fresh one for a session of this epoch.
    pub fn draw(epoch: Epoch) -> Self {
        Self(format!("{epoch}{}", hex(&random::<20>())).into())
    }

    /// Takes whatever a client sent. One that was never given out names a session that nobody has.
    pub fn presented(text: &str) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the handshake reply and nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The session it opens.
    pub fn session(&self) -> SessionId {
        SessionId(digest(self.0.as_bytes()))
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientId(secret)")
    }
}

/// The public handle of a Bayeux session: the hash of its clientId.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SessionId([u8; 16]);

impl SessionId {
    /// The session id with these bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Takes 32 hexadecimal digits.
    ///
    /// # Errors
    /// [`BadId`] if the text is anything else.
    pub fn parse(text: &str) -> Result<Self, BadId> {
        from_hex(text).map(Self)
    }

    /// Its bytes.
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

/// The cookie `BAYEUX_BROWSER`, which binds a session to one client: 160 random bits in hexadecimal.
#[derive(Clone, Eq, PartialEq)]
pub struct BrowserCookie {
    text: Arc<str>,
    /// Asked for several times a request.
    hash: CookieHash,
}

impl BrowserCookie {
    /// Draws a fresh one.
    pub fn draw() -> Self {
        Self::presented(&hex(&random::<20>()))
    }

    /// Takes whatever a client sent.
    pub fn presented(text: &str) -> Self {
        Self { text: text.into(), hash: CookieHash(digest(text.as_bytes())) }
    }

    /// The secret itself, for `Set-Cookie` and nothing else.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// What is remembered of it.
    pub fn hash(&self) -> CookieHash {
        self.hash
    }
}

impl fmt::Debug for BrowserCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrowserCookie(secret)")
    }
}

/// What is remembered of a [`BrowserCookie`]. Compared as hashes, so the time it takes tells nothing.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CookieHash([u8; 16]);

impl CookieHash {
    /// Its bytes.
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Takes 32 hexadecimal digits.
    ///
    /// # Errors
    /// [`BadId`] if the text is anything else.
    pub fn parse(text: &str) -> Result<Self, BadId> {
        from_hex(text).map(Self)
    }
}

impl fmt::Display for CookieHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// What a command was, shortened: two commands that differ have different ones.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// The fingerprint of these parts, in this order.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut whole = String::new();
        for part in parts {
            // The length keeps two parts from running into each other.
            whole.push_str(&part.len().to_string());
            whole.push(':');
            whole.push_str(part);
        }
        Self(digest(whole.as_bytes()))
    }

    /// Takes 32 hexadecimal digits.
    ///
    /// # Errors
    /// [`BadId`] if the text is anything else.
    pub fn parse(text: &str) -> Result<Self, BadId> {
        from_hex(text).map(Self)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// Random bytes from the operating system. A system that has none to give cannot keep a secret: there
/// is nothing to go on with, so this ends the process.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        std::process::abort();
    }
    bytes
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]).map(char::from).collect()
}

fn from_hex(text: &str) -> Result<[u8; 16], BadId> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()).ok_or(BadId))
        .collect::<Result<_, _>>()?;
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair.iter().fold(0, |sum, d| sum << 4 | d)).collect();
    if digits.len() == 32 { bytes.try_into().map_err(|_| BadId) } else { Err(BadId) }
}

fn digest(bytes: &[u8]) -> [u8; 16] {
    let full: [u8; 32] = Sha256::digest(bytes).into();
    let mut half = [0; 16];
    half.copy_from_slice(&full[..16]);
    half
}
