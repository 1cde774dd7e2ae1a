//! Tokens, by whomever they were made.

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::sign;
use jsonwebtoken::{Algorithm, EncodingKey};
use partyline::directory::{BadToken, Bearer, Directory, DirectoryConfig, TokenConfig, TokenKeys, Tokens, demo_agents};
use partyline::ids::WallTime;
use serde_json::{Map, Value};

/// A token, or the claims of one. A token that is believed is signed with the one key, and no other byte in it would do;
/// its claims name an agent, who may use it until it ends and not a moment longer.
pub fn token(bytes: &[u8]) -> bool {
    let presented = std::str::from_utf8(bytes).ok().and_then(|text| believed(text).map(|bearer| (text, bearer)));
    if let Some((text, bearer)) = &presented {
        let (signed, signature) = text.rsplit_once('.').expect("three parts");
        assert_eq!(signature, signature_of(signed), "nobody else can sign");
        let claims = signed.split_once('.').and_then(|(_, claims)| URL_SAFE_NO_PAD.decode(claims).ok());
        look(&claims.expect("claims"), bearer);
    }
    let made = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(bytes));
    let made = format!("{made}.{}", signature_of(&made));
    let bearer = TOKENS.verify(&made, NOW);
    match &bearer {
        Ok(bearer) => look(bytes, bearer),
        Err(bad) => assert!(!matches!(bad, BadToken::Key | BadToken::Signature), "it is signed: {bad}"),
    }
    // Somebody changes one character of it.
    let mut changed = made.clone().into_bytes();
    let at = bytes.iter().fold(bytes.len(), |at, byte| at.wrapping_mul(31) + usize::from(*byte)) % changed.len();
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    assert!(TOKENS.verify(&String::from_utf8_lossy(&changed), NOW).is_err());
    if let Ok(bearer) = &bearer {
        let last = WallTime::from_millis(bearer.until.millis() - 1);
        assert_eq!(TOKENS.verify(&made, last).as_ref(), Ok(bearer));
        assert_eq!(TOKENS.verify(&made, bearer.until), Err(BadToken::Expired));
    }
    presented.is_some() || bearer.is_ok()
}

fn believed(text: &str) -> Option<Bearer> {
    TOKENS.verify(text, NOW).ok()
}

/// The claims are those of a token that is to be believed.
fn look(claims: &[u8], bearer: &Bearer) {
    let claims: Map<String, Value> = serde_json::from_slice(claims).expect("claims are an object");
    assert_eq!(claims["sub"], bearer.agent.as_str());
    assert!(["15000", "15001", "15002"].contains(&bearer.agent.as_str()));
    assert_eq!(claims["iss"], ISSUER);
    let aud = &claims["aud"];
    assert!(*aud == AUDIENCE || aud.as_array().is_some_and(|all| all.iter().any(|one| *one == AUDIENCE)));
    let seconds = |claim: &str| claims.get(claim).map(|value| value.as_f64().expect("a time is a number"));
    let now = NOW.millis() as f64 / 1000.0;
    let leeway = LEEWAY.as_secs_f64();
    assert!(seconds("exp").expect("an end") + leeway > now && bearer.until > NOW);
    assert!(seconds("nbf").is_none_or(|begins| begins <= now + leeway + 0.001));
}

fn signature_of(signed: &str) -> String {
    sign(signed.as_bytes(), &EncodingKey::from_secret(SECRET), Algorithm::HS256).expect("a key that signs")
}

static TOKENS: LazyLock<Tokens> = LazyLock::new(|| {
    let config = TokenConfig {
        keys: TokenKeys::parse(SECRET).expect("a secret"),
        issuer: Some(ISSUER.into()),
        audience: Some(AUDIENCE.into()),
        subject: "sub".into(),
        leeway: LEEWAY,
    };
    Tokens::new(Directory::new(DirectoryConfig { agents: demo_agents() }).expect("agents"), config)
});

/// `{"alg":"HS256","typ":"JWT"}`
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const ISSUER: &str = "https://login.example.org";
const AUDIENCE: &str = "partyline";
const LEEWAY: Duration = Duration::from_secs(30);
const NOW: WallTime = WallTime::from_millis(1_800_000_000_000);
