//! Which tokens are believed.

use std::time::Duration;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::directory::{
    BadKeys, BadToken, Bearer, Directory, DirectoryConfig, TokenConfig, TokenKeys, Tokens, demo_agents,
};
use crate::ids::{AgentId, WallTime};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210";
const NOW: u64 = 1_800_000_000;

fn tokens(file: &str) -> Tokens {
    let config = TokenConfig {
        keys: TokenKeys::parse(file.as_bytes()).unwrap(),
        issuer: Some("https://login.example.org".into()),
        audience: Some("partyline".into()),
        subject: "sub".into(),
        leeway: Duration::from_secs(30),
    };
    Tokens::new(directory(), config)
}

fn directory() -> Directory {
    Directory::new(DirectoryConfig { agents: demo_agents() }).unwrap()
}

fn claims() -> Value {
    json!({"sub": "15000", "iss": "https://login.example.org", "aud": "partyline", "exp": NOW + 60})
}

/// The usual claims with some of them changed; `null` takes one away.
fn claims_but(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

fn hmac(claims: &Value) -> String {
    encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

fn verify(tokens: &Tokens, token: &str) -> Result<String, BadToken> {
    let bearer = tokens.verify(token, WallTime::from_millis(NOW * 1000))?;
    Ok(bearer.agent.to_string())
}

/// A key pair of RSA: to sign with, and its public half in PEM.
fn rsa() -> (EncodingKey, String) {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let private = pem("PRIVATE KEY", AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).unwrap().as_ref());
    let public = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap();
    (EncodingKey::from_rsa_pem(private.as_bytes()).unwrap(), pem("PUBLIC KEY", public.as_ref()))
}

/// A key pair of P-256.
fn ec() -> (EncodingKey, String) {
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref()).unwrap();
    let public = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap();
    (EncodingKey::from_ec_der(document.as_ref()), pem("PUBLIC KEY", public.as_ref()))
}

fn pem(tag: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {tag}-----\n{}\n-----END {tag}-----\n", lines.join("\n"))
}

fn named(algorithm: Algorithm, id: &str) -> Header {
    Header { kid: Some(id.into()), ..Header::new(algorithm) }
}

fn jwk(key: &EncodingKey, algorithm: Algorithm, id: &str) -> Value {
    let mut jwk = Jwk::from_encoding_key(key, algorithm).unwrap();
    jwk.common.key_id = Some(id.into());
    serde_json::to_value(jwk).unwrap()
}

#[test]
fn a_token_of_a_trusted_secret_names_its_agent_until_it_ends() {
    let bearer = tokens(SECRET).verify(&hmac(&claims()), WallTime::from_millis(NOW * 1000)).unwrap();
    let until = WallTime::from_millis((NOW + 60 + 30) * 1000);
    assert_eq!(bearer, Bearer { agent: AgentId::parse("15000").unwrap(), until });
}

#[test]
fn a_claim_that_does_not_fit_is_refused() {
    let cases = [
        (json!({}), Ok("15000".into())),
        (json!({"exp": NOW - 29}), Ok("15000".into())),
        (json!({"exp": NOW - 30}), Err(BadToken::Expired)),
        (json!({"exp": 0}), Err(BadToken::Expired)),
        (json!({"exp": NOW as f64 - 100.5}), Err(BadToken::Expired)),
        (json!({"exp": 1e300}), Ok("15000".into())),
        (json!({"exp": null}), Err(BadToken::Malformed)),
        (json!({"exp": "soon"}), Err(BadToken::Malformed)),
        (json!({"exp": -1}), Err(BadToken::Malformed)),
        (json!({"nbf": NOW + 30}), Ok("15000".into())),
        (json!({"nbf": NOW + 31}), Err(BadToken::NotYet)),
        (json!({"nbf": "now"}), Err(BadToken::Malformed)),
        (json!({"iss": "https://evil.example"}), Err(BadToken::Issuer)),
        (json!({"iss": null}), Err(BadToken::Issuer)),
        (json!({"iss": ["https://login.example.org"]}), Err(BadToken::Issuer)),
        (json!({"aud": "another"}), Err(BadToken::Audience)),
        (json!({"aud": null}), Err(BadToken::Audience)),
        (json!({"aud": 7}), Err(BadToken::Audience)),
        (json!({"aud": []}), Err(BadToken::Audience)),
        (json!({"aud": ["another", "partyline"]}), Ok("15000".into())),
        (json!({"sub": "15001"}), Ok("15001".into())),
        (json!({"sub": "nobody"}), Err(BadToken::Stranger)),
        (json!({"sub": "15000/15001"}), Err(BadToken::Stranger)),
        (json!({"sub": ""}), Err(BadToken::Stranger)),
        (json!({"sub": 15000}), Err(BadToken::Malformed)),
        (json!({"sub": null}), Err(BadToken::Malformed)),
    ];
    let tokens = tokens(SECRET);
    for (changes, outcome) in cases {
        assert_eq!(verify(&tokens, &hmac(&claims_but(changes.clone()))), outcome, "{changes}");
    }
}

#[test]
fn a_token_with_an_audience_is_for_nobody_who_has_none() {
    let keys = TokenKeys::parse(SECRET.as_bytes()).unwrap();
    let config = TokenConfig { keys, issuer: None, audience: None, subject: "name".into(), leeway: Duration::ZERO };
    let tokens = Tokens::new(directory(), config);
    assert_eq!(verify(&tokens, &hmac(&claims_but(json!({"name": "15002"})))), Err(BadToken::Audience));
    let plain = claims_but(json!({"name": "15002", "aud": null, "iss": null}));
    assert_eq!(verify(&tokens, &hmac(&plain)), Ok("15002".into()), "another claim may name the agent");
}

#[test]
fn a_token_that_is_none_is_refused() {
    let good = hmac(&claims());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let tokens = tokens(SECRET);
    for none in ["none", "None", "NONE", "", "HS1", "ES512"] {
        for signature in ["", signature] {
            let forged = format!("{}.{payload}.{signature}", part(json!({"alg": none, "typ": "JWT"})));
            assert_eq!(verify(&tokens, &forged), Err(BadToken::Malformed), "{none}");
        }
    }
    let critical = Header { crit: Some(vec!["b64".into()]), ..Header::new(Algorithm::HS256) };
    let critical = encode(&critical, &claims(), &EncodingKey::from_secret(SECRET.as_bytes())).unwrap();
    let long = format!("{good}{}", "A".repeat(9000));
    for text in ["", ".", "..", "...", signed, &format!("{good}."), &format!("{good}.x"), "a.b.c", &critical, &long] {
        assert_eq!(verify(&tokens, text), Err(BadToken::Malformed), "{text}");
    }
    let changed = format!("{header}.{}.{signature}", part(claims_but(json!({"sub": "15001"}))));
    assert_eq!(verify(&tokens, &changed), Err(BadToken::Signature));
    assert_eq!(verify(&tokens, &format!("{signed}.")), Err(BadToken::Signature));
    let other = encode(&Header::default(), &claims(), &EncodingKey::from_secret(OTHER.as_bytes())).unwrap();
    assert_eq!(verify(&tokens, &other), Err(BadToken::Signature));
    // Its signature is right, and its claims are none.
    assert_eq!(verify(&tokens, &hmac(&json!(["sub"]))), Err(BadToken::Malformed));
    assert_eq!(verify(&tokens, &good), Ok("15000".into()));
}

#[test]
fn each_family_of_keys_verifies_its_own_algorithms_and_no_other() {
    let ((rsa, rsa_public), (ec, ec_public)) = (rsa(), ec());
    let (other, _) = self::rsa();
    let tokens = tokens(&format!("{rsa_public}{ec_public}"));
    let sign = |algorithm, key: &EncodingKey| encode(&Header::new(algorithm), &claims(), key).unwrap();
    for good in [sign(Algorithm::RS256, &rsa), sign(Algorithm::PS512, &rsa), sign(Algorithm::ES256, &ec)] {
        assert_eq!(verify(&tokens, &good), Ok("15000".into()));
    }
    assert_eq!(verify(&tokens, &sign(Algorithm::RS256, &other)), Err(BadToken::Signature));
    // A public key is known to all: it must not serve as a secret.
    for public in [&rsa_public, &ec_public, &rsa_public.trim().to_owned()] {
        let forged = sign(Algorithm::HS256, &EncodingKey::from_secret(public.as_bytes()));
        assert_eq!(verify(&tokens, &forged), Err(BadToken::Key));
    }
}

#[test]
fn a_key_of_a_set_is_known_by_its_name() {
    let ((one, _), (two, _)) = (rsa(), ec());
    let other = json!({"kty": "RSA", "use": "enc", "kid": "x", "n": "AQAB", "e": "AQAB"});
    let strange = json!({"kty": "strange", "kid": "y"});
    let set = json!({"keys": [other, strange, jwk(&one, Algorithm::RS256, "one"), jwk(&two, Algorithm::ES256, "two")]});
    let tokens = tokens(&set.to_string());
    let sign = |header: Header, key: &EncodingKey| encode(&header, &claims(), key).unwrap();
    assert_eq!(verify(&tokens, &sign(named(Algorithm::RS256, "one"), &one)), Ok("15000".into()));
    assert_eq!(verify(&tokens, &sign(named(Algorithm::ES256, "two"), &two)), Ok("15000".into()));
    assert_eq!(
        verify(&tokens, &sign(Header::new(Algorithm::RS256), &one)),
        Ok("15000".into()),
        "no name: all are tried"
    );
    for (header, key) in [
        (named(Algorithm::RS256, "three"), &one),
        (named(Algorithm::RS256, "two"), &one),
        (named(Algorithm::RS384, "one"), &one),
        (named(Algorithm::RS256, "x"), &one),
    ] {
        assert_eq!(verify(&tokens, &sign(header.clone(), key)), Err(BadToken::Key), "{header:?}");
    }
    // The file was replaced: what one key signed is no longer believed.
    tokens.replace_keys(
        TokenKeys::parse(json!({"keys": [jwk(&two, Algorithm::ES256, "two")]}).to_string().as_bytes()).unwrap(),
    );
    assert_eq!(verify(&tokens, &sign(named(Algorithm::RS256, "one"), &one)), Err(BadToken::Key));
    assert_eq!(verify(&tokens, &sign(named(Algorithm::ES256, "two"), &two)), Ok("15000".into()));
}

#[test]
fn a_file_that_holds_no_keys_is_refused_and_says_nothing_of_what_it_holds() {
    let private = pem("PRIVATE KEY", &[0; 40]);
    let short = json!({"keys": [{"kty": "oct", "k": URL_SAFE_NO_PAD.encode("short")}]}).to_string();
    let many = json!({"keys": vec![json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(SECRET)}); 33]}).to_string();
    let certificate = pem("CERTIFICATE", &[0; 40]);
    for (file, error) in [
        ("", BadKeys::Short),
        ("swordfish\n", BadKeys::Short),
        ("{}", BadKeys::Unusable),
        ("{\"keys\": []}", BadKeys::Unusable),
        (&short, BadKeys::Unusable),
        (&many, BadKeys::TooMany),
        (&private, BadKeys::Private),
        (&certificate, BadKeys::Unusable),
    ] {
        assert_eq!(TokenKeys::parse(file.as_bytes()).err(), Some(error), "{file}");
    }
    let keys = TokenKeys::parse(SECRET.as_bytes()).unwrap();
    assert_eq!(format!("{keys:?}"), "TokenKeys(1 keys)");
    assert!(TokenKeys::parse(&[0xff; 32]).is_ok(), "a secret may have any bytes");
}
