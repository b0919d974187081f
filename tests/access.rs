//! Clients, tokens and keys.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use taabia::domain::{ClientId, PartnerId};
use taabia::engine::EngineConfig;
use taabia::ports::Clock;
use taabia::services::Scope;
use taabia::services::access::{
    AuthenticationError, GrantError, KeyError, KeyFile, KeyRing, KeySource, SecretHasher, SecretHashingError,
};

use crate::support::api::{Access, FRESHNESS, ISSUER};
use crate::support::script::rules;
use crate::support::{ManualClock, SeededRandomness, in_memory};

fn access() -> Access {
    let (books, clock) = (in_memory(1), Arc::new(ManualClock::at("2026-11-22T08:00:00Z")));
    let engine =
        taabia::engine::Engine::start(books.store.clone(), clock.clone(), Arc::new(rules()), &EngineConfig::default());
    Access::new(&books, engine, clock)
}

/// The signing key as its file holds it.
fn signing_key(access: &Access) -> EncodingKey {
    let pem = fs::read_to_string(access.directory.path().join("signing-key.pem")).unwrap();
    EncodingKey::from_ed_pem(pem.as_bytes()).unwrap()
}

async fn kid(access: &Access) -> String {
    access.keys.public_keys().await.keys[0].common.key_id.clone().unwrap()
}

fn claims(access: &Access, client: ClientId) -> Value {
    let now = access.clock.now().unix_s();
    json!({ "iss": ISSUER, "aud": ISSUER, "sub": client.to_string(), "client_id": client.to_string(),
            "iat": now, "exp": now + 60, "jti": "j", "scope": "recharges:read" })
}

fn header(alg: Algorithm, kid: &str) -> Header {
    Header { typ: Some("at+jwt".into()), kid: Some(kid.into()), ..Header::new(alg) }
}

#[tokio::test]
async fn a_token_speaks_for_its_client() {
    let access = access();
    let client = access.client("atm", &[Scope::RechargesWrite, Scope::RechargesRead], &[]).await;
    let caller = access.authenticator.authenticate(&access.token(&client).await).await.unwrap();
    assert_eq!((caller.client, &*caller.name), (client.0, "atm"));
    assert_eq!(*caller.scopes, [Scope::RechargesWrite, Scope::RechargesRead]);
    assert!(client.1.expose_secret().starts_with("tsk_") && client.1.expose_secret().len() == 47);
    let stored = &access.clients.list().await.unwrap()[0].secrets[0].hash;
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
}

#[tokio::test]
async fn any_key_set_reader_can_check_a_token() {
    let access = access();
    let client = access.client("atm", &[Scope::RechargesRead], &[]).await;
    let token = access.token(&client).await;
    let published = serde_json::to_value(access.keys.public_keys().await).unwrap();
    let key = &published["keys"][0];
    assert_eq!(
        (&key["kty"], &key["crv"], &key["use"], &key["alg"]),
        (&json!("OKP"), &json!("Ed25519"), &json!("sig"), &json!("EdDSA"))
    );
    assert!(key.get("d").is_none(), "the private part stays at home");

    let jwk: Jwk = serde_json::from_value(key.clone()).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[ISSUER]);
    validation.validate_exp = false;
    let read = jsonwebtoken::decode::<Value>(&token, &DecodingKey::from_jwk(&jwk).unwrap(), &validation).unwrap();
    assert_eq!(read.header.typ.as_deref(), Some("at+jwt"));
    assert_eq!(read.header.kid.as_deref(), key["kid"].as_str());
    let names: BTreeSet<_> = read.claims.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["iss", "sub", "client_id", "aud", "iat", "exp", "jti", "scope"]));
    assert_eq!(read.claims["exp"].as_i64().unwrap() - read.claims["iat"].as_i64().unwrap(), 900);
    assert_eq!(read.claims["sub"], client.0.to_string());
}

#[tokio::test]
async fn foreign_and_spoiled_tokens_let_nobody_in() {
    let access = access();
    let client = access.client("atm", &[Scope::RechargesRead], &[]).await;
    let (kid, key) = (kid(&access).await, signing_key(&access));
    let good = claims(&access, client.0);
    let sign = |header: &Header, claims: &Value| jsonwebtoken::encode(header, claims, &key).unwrap();
    let ours = sign(&header(Algorithm::EdDSA, &kid), &good);
    assert!(access.authenticator.authenticate(&ours).await.is_ok(), "the yardstick");

    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        sign(&header(Algorithm::EdDSA, &kid), &claims)
    };
    let published = serde_json::to_value(access.keys.public_keys().await).unwrap();
    let public = URL_SAFE_NO_PAD.decode(published["keys"][0]["x"].as_str().unwrap()).unwrap();
    let hs256 = jsonwebtoken::encode(&header(Algorithm::HS256, &kid), &good, &EncodingKey::from_secret(&public));
    let p256 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    let es256 = jsonwebtoken::encode(&header(Algorithm::ES256, &kid), &good, &EncodingKey::from_ec_der(p256.as_ref()));
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let none = format!("{}.{}.", part(&json!({"alg": "none", "typ": "at+jwt", "kid": kid})), part(&good));
    let other_key = access_with_other_key(&good, &kid);
    let id_token = sign(&Header { typ: Some("JWT".into()), ..header(Algorithm::EdDSA, &kid) }, &good);
    let critical = Header { crit: Some(vec!["b64".into()]), ..header(Algorithm::EdDSA, &kid) };
    let now = access.clock.now().unix_s();

    for (what, token) in [
        ("empty", String::new()),
        ("no token", "abc".into()),
        ("too long", "x".repeat(10_000)),
        ("algorithm none", none),
        ("HS256 with the public key", hs256.unwrap()),
        ("ES256", es256.unwrap()),
        ("another key under our kid", other_key),
        ("unknown kid", sign(&header(Algorithm::EdDSA, "no-such-key"), &good)),
        ("no kid", sign(&Header { kid: None, ..header(Algorithm::EdDSA, &kid) }, &good)),
        ("another type", id_token),
        ("a critical extension", sign(&critical, &good)),
        ("another issuer", with("iss", json!("https://other.example"))),
        ("another audience", with("aud", json!("https://other.example"))),
        ("expired", with("exp", json!(now))),
        ("expired long ago", with("exp", json!(-1))),
        ("another subject", with("sub", json!("cli_other"))),
        ("no client of ours", with("client_id", json!("cli_other"))),
        ("cut", ours[..ours.len() - 2].to_owned()),
        ("lengthened", format!("{ours}.x")),
    ] {
        let refused = access.authenticator.authenticate(&token).await;
        assert_eq!(refused.err(), Some(AuthenticationError::InvalidToken), "{what}");
    }
}

fn access_with_other_key(claims: &Value, kid: &str) -> String {
    let other = tempfile::tempdir().unwrap();
    let file = KeyFile::new(other.path().join("key.pem"));
    let clock = Arc::new(ManualClock::at("2026-11-22T08:00:00Z"));
    let source = KeySource::File { file, create_when_missing: true };
    KeyRing::open(source, clock, &SeededRandomness::new(77)).unwrap();
    let pem = fs::read(other.path().join("key.pem")).unwrap();
    jsonwebtoken::encode(&header(Algorithm::EdDSA, kid), claims, &EncodingKey::from_ed_pem(&pem).unwrap()).unwrap()
}

#[tokio::test]
async fn a_remembered_token_still_expires() {
    let access = access();
    let client = access.client("atm", &[Scope::RechargesRead], &[]).await;
    let token = access.token(&client).await;
    access.clock.advance_ms(899_999);
    assert!(access.authenticator.authenticate(&token).await.is_ok());
    access.clock.advance_ms(1);
    assert_eq!(access.authenticator.authenticate(&token).await.err(), Some(AuthenticationError::InvalidToken));
}

#[tokio::test]
async fn a_revocation_counts_although_the_token_is_remembered() {
    let access = access();
    let client = access.client("atm", &[Scope::RechargesRead], &[]).await;
    let token = access.token(&client).await;
    assert!(access.authenticator.authenticate(&token).await.is_ok());
    access.clients.revoke(client.0).await.unwrap();
    tokio::time::sleep(FRESHNESS.refresh_after * 2).await;
    assert_eq!(access.authenticator.authenticate(&token).await.err(), Some(AuthenticationError::InvalidToken));
    let refused = access.tokens.grant(&client.0.to_string(), client.1.clone(), None).await;
    assert_eq!(refused.err(), Some(GrantError::InvalidClient));
    assert!(access.clients.rotate(client.0).await.is_err(), "there is nothing left to rotate");
}

#[tokio::test]
async fn with_the_store_out_of_reach_the_last_known_state_is_used_for_a_while() {
    let access = access();
    let client = access.client("atm", &[Scope::RechargesRead], &[]).await;
    let other = access.client("pos", &[Scope::RechargesRead], &[]).await;
    let (token, unseen) = (access.token(&client).await, access.token(&other).await);
    assert!(access.authenticator.authenticate(&token).await.is_ok());
    access.registry.down.store(true, Ordering::SeqCst);
    tokio::time::sleep(FRESHNESS.refresh_after * 2).await;
    assert!(access.authenticator.authenticate(&token).await.is_ok());
    let unavailable = Some(AuthenticationError::Unavailable { retry_after_s: 1 });
    assert_eq!(access.authenticator.authenticate(&unseen).await.err(), unavailable, "nothing is known of it");
    tokio::time::sleep(FRESHNESS.usable_for).await;
    assert_eq!(access.authenticator.authenticate(&token).await.err(), unavailable);
    access.registry.down.store(false, Ordering::SeqCst);
    assert!(access.authenticator.authenticate(&token).await.is_ok());
}

#[tokio::test]
async fn both_secrets_work_while_one_is_rotated_out() {
    let access = access();
    let (id, old) = access.client("atm", &[Scope::RechargesRead], &[]).await;
    let new = access.clients.rotate(id).await.unwrap().secret;
    let id = id.to_string();
    for secret in [&old, &new] {
        assert!(access.tokens.grant(&id, secret.clone(), None).await.is_ok());
    }
    access.clock.advance_ms(60_000);
    assert_eq!(access.tokens.grant(&id, old, None).await.err(), Some(GrantError::InvalidClient));
    assert!(access.tokens.grant(&id, new, None).await.is_ok());
}

#[tokio::test]
async fn wrong_secrets_and_unknown_clients_look_the_same() {
    let access = access();
    let (id, secret) = access.client("atm", &[Scope::RechargesRead], &[]).await;
    let unknown = "cli_01939f3e-7c00-7000-8000-00000000000a".to_owned();
    let wrong = SecretString::from("tsk_wrong");
    for (id, secret) in [
        (id.to_string(), wrong.clone()),
        (unknown, secret.clone()),
        ("nonsense".into(), secret.clone()),
        (id.to_string(), SecretString::from(String::new())),
    ] {
        let began = tokio::time::Instant::now();
        assert_eq!(access.tokens.grant(&id, secret, None).await.err(), Some(GrantError::InvalidClient));
        // Hashing takes some milliseconds; refusing without it takes none.
        let hashed = began.elapsed() > Duration::from_millis(2);
        assert!(hashed, "{id}");
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_free_the_place_of_a_hash_that_runs() {
    let randomness = Arc::new(SeededRandomness::new(1));
    let hasher = Arc::new(SecretHasher::new(randomness, 1, 1).unwrap());
    let ask = || {
        let hasher = Arc::clone(&hasher);
        tokio::spawn(async move { hasher.matches("tsk_x".to_owned().into(), vec![]).await })
    };
    let (running, waiting) = (ask(), ask());
    tokio::task::yield_now().await;
    running.abort();
    assert_eq!(hasher.make().await.err(), Some(SecretHashingError::Busy), "both places are taken");
    assert_eq!(waiting.await.unwrap(), Ok(false));
    while hasher.make().await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_token_can_be_narrowed_and_never_widened() {
    let access = access();
    let (id, secret) = access.client("atm", &[Scope::RechargesWrite, Scope::RechargesRead], &[]).await;
    let grant = async |scope: &str| access.tokens.grant(&id.to_string(), secret.clone(), Some(scope)).await;
    assert_eq!(grant("recharges:read recharges:read").await.ok().unwrap().scopes, [Scope::RechargesRead]);
    for bad in ["stock:read", "recharges:read stock:read", "nonsense", " ", "recharges:*"] {
        assert_eq!(grant(bad).await.err(), Some(GrantError::InvalidScope), "{bad}");
    }
    let narrow = grant("recharges:read").await.ok().unwrap().token;
    let caller = access.authenticator.authenticate(narrow.expose_secret()).await.unwrap();
    assert!(caller.may(Scope::RechargesRead) && !caller.may(Scope::RechargesWrite));
}

#[tokio::test]
async fn a_clients_rate_is_its_own() {
    let access = access();
    let partner = PartnerId::from_uuid(uuid::Uuid::from_u128(9));
    let limited = access.limited_client("slow", partner, &[Scope::RechargesRead], &[], Some(5)).await;
    let free = access.client("fast", &[Scope::RechargesRead], &[]).await;
    let (limited, free) = (access.token(&limited).await, access.token(&free).await);
    let mut refused = 0;
    for _ in 0..50 {
        assert!(access.authenticator.authenticate(&free).await.is_ok());
        match access.authenticator.authenticate(&limited).await {
            Ok(_) => {}
            Err(AuthenticationError::RateLimited { retry_after_s }) => {
                assert_eq!(retry_after_s, 1);
                refused += 1;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!((20..=45).contains(&refused), "{refused}");
}

#[tokio::test]
async fn signing_keys_rotate_with_overlap_and_between_nodes() {
    let access = access();
    let client = access.client("atm", &[Scope::RechargesRead], &[]).await;
    let before = access.token(&client).await;
    let first = kid(&access).await;
    access.key_file.rotate(access.clock.now(), &SeededRandomness::new(8)).unwrap();

    // Another node, started after the rotation, signs with the new key at once.
    let source = || KeySource::File { file: access.key_file.clone(), create_when_missing: true };
    let other = KeyRing::open(source(), access.clock.clone(), &SeededRandomness::new(9)).unwrap();
    let published = other.public_keys().await;
    assert_eq!(published.keys.len(), 2);
    let second = published.keys[0].common.key_id.clone().unwrap();
    assert_ne!(second, first);
    let theirs = jsonwebtoken::encode(
        &header(Algorithm::EdDSA, &second),
        &claims(&access, client.0),
        &signing_key_of_first_block(&access),
    );
    // This node meets a key that it does not know, and looks at the file; at most once a second.
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    assert!(access.authenticator.authenticate(&theirs.unwrap()).await.is_ok());
    assert!(access.authenticator.authenticate(&before).await.is_ok(), "the old key is still accepted");
    assert_eq!(kid(&access).await, second, "and this node signs with the new one");

    access.clock.advance_ms(20 * 60 * 1_000);
    assert_eq!(access.keys.public_keys().await.keys.len(), 1, "what it signed has expired");
    access.key_file.rotate(access.clock.now(), &SeededRandomness::new(10)).unwrap();
    let ring = KeyRing::open(source(), access.clock.clone(), &SeededRandomness::new(9)).unwrap();
    let kept: Vec<_> = ring.public_keys().await.keys.into_iter().filter_map(|key| key.common.key_id).collect();
    assert!(kept.len() == 2 && kept.contains(&second) && !kept.contains(&first), "{kept:?}");
}

fn signing_key_of_first_block(access: &Access) -> EncodingKey {
    let pem = fs::read_to_string(access.directory.path().join("signing-key.pem")).unwrap();
    let block = pem.lines().nth(1).unwrap();
    EncodingKey::from_ed_der(&STANDARD.decode(block).unwrap())
}

#[tokio::test]
async fn the_key_file_is_its_owners_alone() {
    let access = access();
    let path = access.directory.path().join("signing-key.pem");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let files = fs::read_dir(access.directory.path()).unwrap().count();
    assert_eq!(files, 1, "nothing is left beside it");

    let open = |create_when_missing| {
        let source = KeySource::File { file: access.key_file.clone(), create_when_missing };
        KeyRing::open(source, access.clock.clone(), &SeededRandomness::new(9)).map(|_| ())
    };
    for mode in [0o640, 0o604, 0o660] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(matches!(open(true), Err(KeyError::Exposed { .. })), "{mode:o}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(open(false).is_ok());
    let damaged = fs::read_to_string(&path).unwrap().replace("-----END", "-----FIN");
    fs::write(&path, damaged).unwrap();
    assert!(matches!(open(true), Err(KeyError::Malformed)));
    fs::remove_file(&path).unwrap();
    assert!(matches!(open(false), Err(KeyError::Io { .. })));
}

#[tokio::test]
async fn a_key_can_be_given_by_configuration() {
    let access = access();
    let pem = fs::read_to_string(access.directory.path().join("signing-key.pem")).unwrap();
    let given = |pem: &str| {
        let source = KeySource::Given(SecretString::from(pem));
        KeyRing::open(source, access.clock.clone(), &SeededRandomness::new(1))
    };
    let ring = given(&format!("a comment\n{pem}")).unwrap();
    assert_eq!(ring.public_keys().await.keys[0].common.key_id.clone().unwrap(), kid(&access).await);
    for bad in ["", "nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"] {
        assert!(matches!(given(bad), Err(KeyError::Malformed)), "{bad}");
    }
}
