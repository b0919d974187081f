//! Recharges in doubt over the API: what is received, and the certificate of what became of it.

use axum::http::header;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use taabia::domain::OperationId;
use taabia::ledger::Evidence;
use taabia::services::Scope;

use crate::support::api::TestApi;
use crate::support::world::{RELEASE, World};

/// A recharge that nobody answers, said to be in doubt.
async fn doubtful(api: &TestApi, external_id: &str) -> (String, OperationId) {
    let mut body = api.recharge(external_id);
    (body["msisdn"], body["allow_repeat"]) = (json!("+212612345600"), json!(true));
    let made = api.post("/v1/recharges", body.to_string()).await.json();
    let text = made["id"].as_str().unwrap().to_owned();
    let id = OperationId::parse(&text, "rch_").unwrap();
    api.world.must(World::resolve(id, Evidence::NoAnswer)).await;
    (text, id)
}

/// What the signature says, checked with the published keys by a library of its own.
async fn checked(api: &TestApi, jws: &str) -> Result<Value, jsonwebtoken::errors::Error> {
    let keys: JwkSet = serde_json::from_value(api.get("/.well-known/jwks.json").await.json()).unwrap();
    let kid = jsonwebtoken::decode_header(jws)?.kid.unwrap();
    let key = DecodingKey::from_jwk(keys.find(&kid).unwrap())?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    // What it states holds for good.
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_aud) = (false, false);
    Ok(jsonwebtoken::decode::<Value>(jws, &key, &validation)?.claims)
}

#[tokio::test]
async fn doubts_are_listed_with_their_evidence() {
    let api = TestApi::new().await;
    assert_eq!(api.get("/v1/doubts").await.json(), json!({ "items": [], "next_cursor": null }));
    let (first, id) = doubtful(&api, "a").await;
    // The newest first, by the time of their ids.
    api.world.clock.advance_ms(1);
    let (second, _) = doubtful(&api, "b").await;
    api.world.must(World::resolve(id, Evidence::NotKnown)).await;
    let list = api.get("/v1/doubts").await.json();
    let ids: Vec<_> = list["items"].as_array().unwrap().iter().map(|item| &item["recharge"]["id"]).collect();
    assert_eq!(ids, [&json!(second), &json!(first)]);
    let doubt = &list["items"][1];
    assert_eq!((&doubt["overdue"], &doubt["age_s"]), (&json!(false), &json!(0)));
    let item = &doubt["evidence"][0];
    assert_eq!([&item["kind"], &item["says"], &item["effect"]], ["late_answer", "not_known", "nothing"], "{item}");
    assert_eq!(item["charging_reference"], doubt["recharge"]["charging_reference"]);
    let promised = doubt["recharge"]["final_status_expected_at"].as_str().unwrap();
    assert_eq!(promised, "2026-11-22T08:00:54.000Z", "deadline, horizon and two rounds of inquiries");

    api.world.clock.advance_ms(54_001);
    let page = api.get("/v1/doubts?limit=1").await.json();
    assert_eq!((&page["items"][0]["overdue"], &page["items"][0]["age_s"]), (&json!(true), &json!(50)));
    let next = api.get(&format!("/v1/doubts?limit=1&cursor={}", page["next_cursor"].as_str().unwrap())).await.json();
    assert_eq!((&next["items"][0]["recharge"]["id"], &next["next_cursor"]), (&json!(first), &json!(null)));
    api.get("/v1/doubts?cursor=x").await.problem(400, "invalid_query");
    api.world.must(World::resolve(id, RELEASE)).await;
    assert_eq!(api.get("/v1/doubts").await.json()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_certificate_is_checked_with_a_public_library() {
    let api = TestApi::new().await;
    let (text, id) = doubtful(&api, "a").await;
    api.world.must(World::resolve(id, Evidence::NotKnown)).await;
    api.world.must(World::resolve(id, Evidence::Applied)).await;
    let path = format!("/v1/recharges/{text}/certificate");
    let answer = api.get(&path).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    let jws = body["jws"].as_str().unwrap();
    let claims = checked(&api, jws).await.unwrap();
    assert_eq!(claims, body["certificate"]);
    assert_eq!((&claims["sub"], &claims["recharge"]["status"]), (&json!(text), &json!("completed")));
    assert_eq!(claims["recharge"]["msisdn"], "2126••••00");
    assert!(!answer.text().contains("212612345600"), "{}", answer.text());
    let effects: Vec<_> = claims["evidence"].as_array().unwrap().iter().map(|item| &item["effect"]).collect();
    assert_eq!(effects, ["nothing", "decided"]);

    // It is what stands in the journal.
    let (stored, entries) = (
        api.world.books.store.operation(id).await.unwrap().unwrap(),
        api.world.books.audit.entries(id.shard(), 0, i64::MAX, 1_000).await.unwrap(),
    );
    let entry = entries.iter().find(|audited| audited.entry.sequence == stored.last_sequence).unwrap();
    assert_eq!(claims["journal"]["leaf"], hex::encode(entry.leaf));
    let item = entry.entry.evidence.as_ref().unwrap();
    assert_eq!(claims["evidence"][1]["digest"], hex::encode(item.digest()));
    let head = api.world.books.audit.heads().await.unwrap().remove(id.shard().index());
    assert_eq!(claims["journal"]["root"], hex::encode(head.frontier.root()));
    assert_eq!(claims["journal"]["size"], head.sequence);

    // Whatever is changed of it is found.
    let [header, payload, signature] = jws.split('.').collect::<Vec<_>>()[..] else { panic!("{jws}") };
    let other = api.get(&format!("/v1/recharges/{}/certificate", doubtful(&api, "b").await.0)).await.json();
    let other_payload = other["jws"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    for tampered in [
        format!("{header}.{other_payload}.{signature}"),
        format!("{header}.{payload}.{flipped}{}", &signature[1..]),
        format!("{header}.{payload}."),
    ] {
        assert!(checked(&api, &tampered).await.is_err(), "{tampered}");
    }
    // It opens no door.
    let request = axum::http::Request::get("/v1/whoami").header(header::AUTHORIZATION, format!("Bearer {jws}"));
    let refused = api.send(request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(refused.status, 401, "{}", refused.text());
}

#[tokio::test]
async fn what_was_never_in_doubt_has_a_certificate_without_evidence() {
    let api = TestApi::new().await;
    let made = api.post("/v1/recharges", api.recharge("a").to_string()).await.json();
    let body = api.get(&format!("/v1/recharges/{}/certificate", made["id"].as_str().unwrap())).await.json();
    let claims = checked(&api, body["jws"].as_str().unwrap()).await.unwrap();
    assert_eq!((&claims["evidence"], &claims["journal"]["kind"]), (&json!([]), &json!("recharge.completed")));
    // A tombstone has no number, and nobody was asked.
    let key = json!({ "reseller_id": api.world.id("shop-1").to_string(), "external_id": "lost" });
    let void = api.post("/v1/recharges/void", key.to_string()).await.json();
    let body = api.get(&format!("/v1/recharges/{}/certificate", void["id"].as_str().unwrap())).await.json();
    assert_eq!(body["certificate"]["recharge"]["decline"], "voided");
    assert_eq!(body["certificate"]["recharge"]["charging_reference"], json!(null));
    api.get("/v1/recharges/rch_01939f3e-7c00-7000-8000-000000000001/certificate").await.problem(404, "not_found");
}

#[tokio::test]
async fn two_persons_end_a_doubt() {
    let api = TestApi::new().await;
    let (text, _) = doubtful(&api, "a").await;
    let path = format!("/v1/recharges/{text}/statement");
    let body = |key: &str, decision: &str| {
        json!({ "external_id": key, "decision": decision, "reason": "looked up", "document": "T-1" }).to_string()
    };
    api.get(&path).await.problem(404, "not_found");
    let early = api.post(&path, body("early", "applied")).await;
    assert_eq!((early.status.as_u16(), &early.json()["decline"]["code"]), (201, &json!("unfit_statement")));
    api.world.clock.advance_ms(54_001);
    let made = api.post(&path, body("now", "applied")).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    assert_eq!((&made["status"], &made["decision"]), (&json!("pending_approval"), &json!("applied")));
    assert_eq!((&made["recharge_id"], &api.get(&path).await.json()), (&json!(text), &made));
    let replay = api.post(&path, body("now", "applied")).await;
    assert_eq!((replay.status.as_u16(), replay.header("idempotent-replayed")), (200, "true"));
    let other = api.post(&path, body("now", "not_applied")).await;
    assert_eq!(other.problem(409, "external_id_reused"), ["/decision differs"]);
    api.post(&path, body("bad", "perhaps")).await.problem(422, "validation_failed");
    assert_eq!(api.get("/v1/doubts").await.json()["items"][0]["statement"], made);

    // The same client is one person, whatever its scopes.
    let approval = json!({ "statement_id": made["id"], "decision": "approve", "reason": "agreed" }).to_string();
    api.post(&format!("{path}/approval"), approval.clone()).await.problem(403, "four_eyes");
    let (stranger, _) = doubtful(&api, "b").await;
    let elsewhere = api.post(&format!("/v1/recharges/{stranger}/statement/approval"), approval.clone()).await;
    elsewhere.problem(404, "not_found");
    assert_eq!(api.get(&format!("/v1/recharges/{text}")).await.json()["status"], "in_doubt");

    let checker = api.access.client("checker", &[Scope::StockApprove], &[api.world.id("root")]).await;
    let bearer = format!("Bearer {}", api.access.token(&checker).await);
    let request = axum::http::Request::post(format!("{path}/approval"))
        .header(header::AUTHORIZATION, bearer)
        .header(header::CONTENT_TYPE, "application/json");
    let done = api.send(request.body(axum::body::Body::from(approval)).unwrap()).await;
    assert_eq!((done.status.as_u16(), &done.json()["status"]), (200, &json!("approved")), "{}", done.text());
    assert_eq!(api.get(&format!("/v1/recharges/{text}")).await.json()["status"], "completed");
    let proof = api.get(&format!("/v1/recharges/{text}/certificate")).await.json();
    let item = &proof["certificate"]["evidence"][0];
    assert_eq!([&item["kind"], &item["says"], &item["effect"]], ["statement", "applied", "decided"]);
}

#[tokio::test]
async fn a_contradiction_is_an_item_of_reconciliation() {
    let api = TestApi::new().await;
    let ((sold, first), (released, second)) = (doubtful(&api, "a").await, doubtful(&api, "b").await);
    for (id, outcome, against) in [(first, Evidence::Applied, RELEASE), (second, RELEASE, Evidence::Applied)] {
        api.world.must(World::resolve(id, outcome)).await;
        let list = api.get("/v1/settlement-items?state=contradicting_evidence").await.json();
        assert!(!list.to_string().contains(&id.uuid().simple().to_string()), "{list}");
        api.world.must(World::resolve(id, against)).await;
    }
    let list = api.get("/v1/settlement-items?state=contradicting_evidence").await.json();
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "{list}");
    for (id, kind, gross) in [(&sold, "refill", "20.00"), (&released, "not_refilled", "0.00")] {
        let item = items.iter().find(|item| item["recharge_id"] == **id).unwrap();
        assert_eq!([&item["state"], &item["kind"], &item["gross"]], ["contradicts", kind, gross], "{item}");
        let own = api.get(&format!("/v1/settlement-items/{}", item["id"].as_str().unwrap())).await;
        assert_eq!(own.status, 200, "{}", own.text());
        // Two persons may end it; the books stand.
        let body = json!({ "external_id": format!("r-{kind}"), "item_id": item["id"], "resolution": "peer_corrects",
            "reason": "they correct it", "document": "M-1" });
        let proposed = api.post("/v1/resolutions", body.to_string()).await;
        assert_eq!((proposed.status.as_u16(), &proposed.json()["status"]), (201, &json!("pending_approval")));
    }
    let page = api.get("/v1/settlement-items?state=contradicting_evidence&limit=1").await.json();
    let next = page["next_cursor"].as_str().unwrap();
    let rest =
        api.get(&format!("/v1/settlement-items?state=contradicting_evidence&limit=1&cursor={next}")).await.json();
    assert_ne!(rest["items"][0]["id"], page["items"][0]["id"]);
}
