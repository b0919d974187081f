//! Tokens over HTTP, and the door of version 1.

use axum::body::Body;
use axum::http::{Request, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use taabia::domain::ClientId;
use taabia::services::Scope;

use crate::support::api::{Answer, FRESHNESS, ISSUER, TestApi};

const FORM: &str = "application/x-www-form-urlencoded";

async fn ask(api: &TestApi, authorization: Option<&str>, form: &str) -> Answer {
    let mut request = Request::builder().method("POST").uri("/oauth/token").header(header::CONTENT_TYPE, FORM);
    if let Some(authorization) = authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    let answer = api.send(request.body(Body::from(form.to_owned())).unwrap()).await;
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    answer
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

async fn reader(api: &TestApi) -> (ClientId, SecretString) {
    api.access.client("reader", &[Scope::RechargesRead, Scope::StockRead], &[api.world.id("root")]).await
}

#[tokio::test]
async fn a_token_by_basic_or_by_form() {
    let api = TestApi::new().await;
    let (id, secret) = reader(&api).await;
    let (id, secret) = (id.to_string(), secret.expose_secret().to_owned());
    let grant = "grant_type=client_credentials";
    for (authorization, form) in [
        (Some(basic(&id, &secret)), grant.to_owned()),
        (Some(basic(&id, &secret)), format!("{grant}&client_id={id}")),
        (Some(basic(&id.replace('_', "%5F"), &secret).replace("Basic", "basic")), format!("{grant}&scope=")),
        (None, format!("{grant}&client_id={id}&client_secret={secret}")),
    ] {
        let answer = ask(&api, authorization.as_deref(), &form).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let body = answer.json();
        assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(900)));
        assert_eq!(body["scope"], "recharges:read stock:read");
    }
    let narrow = ask(&api, Some(&basic(&id, &secret)), &format!("{grant}&scope=stock%3Aread")).await.json();
    assert_eq!(narrow["scope"], "stock:read");
    let bearer = format!("bearer {}", narrow["access_token"].as_str().unwrap());
    let get = |path: &str| Request::builder().uri(path).header(header::AUTHORIZATION, &bearer).body(Body::empty());
    let refused = api.send(get("/v1/recharges").unwrap()).await;
    refused.problem(403, "insufficient_scope");
    let challenge = refused.header(header::WWW_AUTHENTICATE);
    assert_eq!(challenge, r#"Bearer realm="taabia", error="insufficient_scope", scope="recharges:read""#);
    let balance = format!("/v1/resellers/{}/balance", api.world.id("shop-1"));
    assert_eq!(api.send(get(&balance).unwrap()).await.status, 200);
}

#[tokio::test]
async fn token_errors_are_those_of_the_protocol() {
    let api = TestApi::new().await;
    let (id, secret) = reader(&api).await;
    let (id, secret) = (id.to_string(), secret.expose_secret().to_owned());
    let good = basic(&id, &secret);
    let grant = "grant_type=client_credentials";
    let cases: Vec<(Option<String>, String, u16, &str)> = vec![
        (Some(good.clone()), String::new(), 400, "invalid_request"),
        (Some(good.clone()), "grant_type=password".into(), 400, "unsupported_grant_type"),
        (Some(good.clone()), format!("{grant}&{grant}"), 400, "invalid_request"),
        (Some(good.clone()), format!("{grant}&client_secret={secret}"), 400, "invalid_request"),
        (Some(good.clone()), format!("{grant}&client_id=cli_other"), 400, "invalid_request"),
        (Some(good.clone()), format!("{grant}&scope=stock:issue"), 400, "invalid_scope"),
        (Some(good.clone()), format!("{grant}&scope=%ff"), 400, "invalid_request"),
        (Some(basic(&id, "tsk_wrong")), grant.into(), 401, "invalid_client"),
        (Some(basic("cli_unknown", &secret)), grant.into(), 401, "invalid_client"),
        (Some("Basic nonsense".into()), grant.into(), 401, "invalid_client"),
        (Some("Bearer x".into()), grant.into(), 401, "invalid_client"),
        (None, grant.into(), 401, "invalid_client"),
        (None, format!("{grant}&client_id={id}"), 401, "invalid_client"),
        (None, format!("{grant}&client_id={id}&client_secret=wrong"), 401, "invalid_client"),
    ];
    for (authorization, form, status, error) in cases {
        let answer = ask(&api, authorization.as_deref(), &form).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (status, &json!(error)), "{form}");
        assert_eq!(answer.header(header::CONTENT_TYPE), "application/json");
        let challenged = answer.header(header::WWW_AUTHENTICATE).starts_with("Basic ");
        assert_eq!(challenged, status == 401, "{form}");
        assert!(!answer.text().contains(&secret));
    }
    let json = Request::builder().method("POST").uri("/oauth/token").header(header::CONTENT_TYPE, "application/json");
    api.send(json.body(Body::from("{}")).unwrap()).await.problem(415, "unsupported_media_type");
    ask(&api, Some(&good), &"x".repeat(20_000)).await.problem(413, "payload_too_large");
}

#[tokio::test]
async fn the_metadata_tells_where_everything_is() {
    let api = TestApi::new().await;
    let metadata = api.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata["issuer"], ISSUER);
    for (name, path) in [("token_endpoint", "/oauth/token"), ("jwks_uri", "/.well-known/jwks.json")] {
        assert_eq!(metadata[name], format!("{ISSUER}{path}"));
    }
    assert_eq!(metadata["grant_types_supported"], json!(["client_credentials"]));
    let keys = api.get("/.well-known/jwks.json").await.json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn bad_tokens_are_challenged() {
    let api = TestApi::new().await;
    for (authorization, error) in [
        (None, false),
        (Some("Bearer".to_owned()), true),
        (Some("Bearer x.y.z".to_owned()), true),
        (Some(basic("a", "b")), true),
        (Some(format!("Bearer {}x", api.token)), true),
    ] {
        let mut request = Request::builder().uri("/v1/whoami");
        if let Some(authorization) = &authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let answer = api.send(request.body(Body::empty()).unwrap()).await;
        answer.problem(401, "unauthenticated");
        let challenge = answer.header(header::WWW_AUTHENTICATE);
        assert!(challenge.starts_with("Bearer realm="), "{challenge}");
        assert_eq!(challenge.contains("invalid_token"), error, "{authorization:?}");
    }
}

#[tokio::test]
async fn a_revoked_client_is_out_within_seconds() {
    let api = TestApi::new().await;
    assert_eq!(api.get("/v1/whoami").await.status, 200);
    let client: ClientId = api.get("/v1/whoami").await.json()["client_id"].as_str().unwrap().parse().unwrap();
    api.access.clients.revoke(client).await.unwrap();
    tokio::time::sleep(FRESHNESS.refresh_after * 2).await;
    api.get("/v1/whoami").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_used_up_rate_says_when_to_come_back() {
    let mut api = TestApi::new().await;
    let partner = taabia::domain::PartnerId::from_uuid(uuid::Uuid::from_u128(9));
    let slow = api.access.limited_client("slow", partner, &[Scope::RechargesRead], &[], Some(1)).await;
    api.token = api.access.token(&slow).await;
    assert_eq!(api.get("/v1/whoami").await.status, 200);
    let refused = api.get("/v1/whoami").await;
    refused.problem(429, "rate_limited");
    assert_eq!(refused.header(header::RETRY_AFTER), "1");
}

#[tokio::test]
async fn no_call_of_version_1_is_without_a_door() {
    let api = TestApi::new().await;
    let document = serde_json::to_value(taabia::http::openapi()).unwrap();
    let mut calls = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, call) in item.as_object().unwrap() {
            let needs = call["security"].as_array().is_some_and(|needs| !needs.is_empty());
            // What an acquirer tells is proven by its signature.
            let signed =
                [("post", "/v1/acquirers/{name}/notifications"), ("post", "/v1/charging-systems/{name}/events")]
                    .contains(&(method.as_str(), path.as_str()));
            assert_eq!(needs, path.starts_with("/v1/") && !signed, "{method} {path}");
            assert!(call["operationId"].is_string() && call["summary"].is_string(), "{method} {path}");
            if needs {
                let path = path.replace("{id}", "x").replace("{name}", "x");
                let request = Request::builder().method(method.to_uppercase().as_str()).uri(path);
                api.send(request.body(Body::empty()).unwrap()).await.problem(401, "unauthenticated");
                for status in ["401", "429", "500", "503"] {
                    assert!(call["responses"][status].is_object(), "{status} of {call}");
                }
                calls += 1;
            }
        }
    }
    assert!(calls >= 6, "{calls}");
}
