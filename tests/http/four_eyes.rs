//! Issues, destructions, adjustments and raises of limits over HTTP.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};
use taabia::services::Scope;

use crate::support::api::{Answer, TestApi};

/// Two persons of the operator, and one who may neither propose nor decide.
struct Operator {
    api: TestApi,
    maker: String,
    checker: String,
    seller: String,
}

impl Operator {
    async fn new() -> Self {
        let api = TestApi::new().await;
        let root = api.world.id("root");
        let mut tokens = Vec::new();
        for (name, scopes) in [
            ("operator_maker", vec![Scope::StockIssue, Scope::StockApprove]),
            ("operator_checker", vec![Scope::StockApprove]),
            ("seller", vec![Scope::RechargesWrite]),
        ] {
            let client = api.access.client(name, &scopes, &[root]).await;
            tokens.push(api.access.token(&client).await);
        }
        let [maker, checker, seller] = tokens.try_into().unwrap();
        Self { api, maker, checker, seller }
    }

    async fn call(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.api.send(request.body(body).unwrap()).await
    }

    async fn propose(&self, folder: &str, body: Value) -> Answer {
        self.call("POST", &format!("/v1/{folder}"), &self.maker, Some(body)).await
    }

    async fn decide(&self, place: &str, token: &str, decision: &str) -> Answer {
        let body = json!({ "decision": decision, "reason": "agreed with finance" });
        self.call("POST", &format!("{place}/approval"), token, Some(body)).await
    }
}

fn issue(external_id: &str) -> Value {
    json!({ "external_id": external_id, "amount": "5000000.00", "currency": "MAD", "reason": "Ramadan", "document": "PO-2026-118" })
}

#[tokio::test]
async fn an_issue_from_proposal_to_approval() {
    let operator = Operator::new().await;
    let answer = operator.propose("issues", issue("i-1")).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let body = answer.json();
    let place = format!("/v1/issues/{}", body["id"].as_str().unwrap());
    assert_eq!(answer.header(header::LOCATION), place);
    for (field, value) in [
        ("status", json!("pending_approval")),
        ("final", json!(false)),
        ("amount", json!("5000000.00")),
        ("currency", json!("MAD")),
        ("reason", json!("Ramadan")),
        ("document", json!("PO-2026-118")),
        ("approval", Value::Null),
        ("decline", Value::Null),
        ("expires_at", json!("2026-11-23T08:00:00.000Z")),
    ] {
        assert_eq!(body[field], value, "{field} of {body}");
    }
    let replay = operator.propose("issues", issue("i-1")).await;
    assert_eq!((replay.status.as_u16(), replay.header("idempotent-replayed")), (200, "true"));
    assert_eq!(replay.json(), body);
    let mut other = issue("i-1");
    other["document"] = json!("PO-2");
    assert_eq!(operator.propose("issues", other).await.problem(409, "external_id_reused"), ["/document differs"]);

    operator.decide(&place, &operator.maker, "approve").await.problem(403, "four_eyes");
    let approved = operator.decide(&place, &operator.checker, "approve").await;
    assert_eq!(approved.status, 200, "{}", approved.text());
    let approved = approved.json();
    assert_eq!((&approved["status"], &approved["final"]), (&json!("approved"), &json!(true)));
    assert_eq!(approved["approval"]["decision"], "approve");
    assert_ne!(approved["approval"]["checker"], approved["maker"]);
    let again = operator.decide(&place, &operator.checker, "approve").await;
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (200, "true"));
    operator.decide(&place, &operator.checker, "refuse").await.problem(409, "decided_already");
    for token in [&operator.maker, &operator.checker] {
        assert_eq!(operator.call("GET", &place, token, None).await.json(), approved);
    }
    operator.call("GET", &place, &operator.seller, None).await.problem(403, "insufficient_scope");
    operator.decide(&place, &operator.seller, "approve").await.problem(403, "insufficient_scope");
}

#[tokio::test]
async fn refused_expired_and_unknown_ones() {
    let operator = Operator::new().await;
    let place_of = |answer: Answer| answer.header(header::LOCATION).to_owned();
    let destruction = place_of(operator.propose("destructions", issue("d-1")).await);
    let refused = operator.decide(&destruction, &operator.checker, "refuse").await.json();
    assert_eq!((&refused["status"], &refused["approval"]["decision"]), (&json!("refused"), &json!("refuse")));
    let late = place_of(operator.propose("issues", issue("i-1")).await);
    operator.api.world.clock.advance_ms(86_400_000);
    let token = operator.checker.clone();
    let fresh = operator.api.access.client("late_checker", &[Scope::StockApprove], &[]).await;
    let fresh = operator.api.access.token(&fresh).await;
    operator.decide(&late, &token, "approve").await.problem(401, "unauthenticated");
    operator.decide(&late, &fresh, "approve").await.problem(409, "approval_expired");
    // An id of another kind is unknown in this place.
    let id = destruction.rsplit('_').next().unwrap();
    operator.decide(&format!("/v1/issues/iss_{id}"), &fresh, "approve").await.problem(404, "not_found");
    operator.decide("/v1/issues/nonsense", &fresh, "approve").await.problem(404, "not_found");
}

#[tokio::test]
async fn an_adjustment_of_a_resellers_stock() {
    let operator = Operator::new().await;
    let shop = operator.api.world.id("shop-1").to_string();
    let mut body = issue("a-1");
    body["amount"] = json!("100");
    body["direction"] = json!("out");
    body["reseller_id"] = json!(shop);
    let answer = operator.propose("adjustments", body.clone()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!((&answer.json()["reseller_id"], &answer.json()["direction"]), (&json!(shop), &json!("out")));
    let place = answer.header(header::LOCATION).to_owned();
    assert_eq!(operator.decide(&place, &operator.checker, "approve").await.json()["status"], "approved");
    let balance = operator.api.get(&format!("/v1/resellers/{shop}/balance")).await.json();
    assert_eq!(balance["posted"], "1900.00");
    for stranger in ["stranger", "nobody"] {
        body["external_id"] = json!(stranger);
        body["reseller_id"] = json!(operator.api.world.id(stranger).to_string());
        operator.propose("adjustments", body.clone()).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn bad_proposals_say_what_is_wrong_and_store_nothing() {
    let operator = Operator::new().await;
    for (field, value, status, pointer) in [
        ("reason", json!("  "), 422, "/reason invalid"),
        ("reason", json!("a\u{0}b"), 422, "/reason control_characters"),
        ("reason", json!("é".repeat(201)), 422, "/reason invalid"),
        ("document", Value::Null, 422, "/document missing"),
        ("document", json!("4242 4242 4242 4242"), 422, "/document card_data_refused"),
        ("amount", json!("0"), 422, "/amount invalid"),
        ("amount", json!(5), 400, "/amount wrong_type"),
        ("currency", json!("EUR"), 422, "/currency invalid"),
        ("colour", json!("red"), 400, "/colour unknown"),
    ] {
        let mut body = issue("bad");
        if value.is_null() {
            body.as_object_mut().unwrap().remove(field);
        } else {
            body[field] = value;
        }
        let answer = operator.propose("issues", body).await;
        assert_eq!(answer.status, status, "{field}: {}", answer.text());
        let errors = answer.json()["errors"].as_array().unwrap().clone();
        let seen = format!("{} {}", errors[0]["pointer"].as_str().unwrap(), errors[0]["code"].as_str().unwrap());
        assert_eq!(seen, pointer, "{}", answer.text());
    }
    let good = operator.propose("issues", issue("bad")).await;
    assert_eq!(good.status, 201, "{}", good.text());
    let place = good.header(header::LOCATION).to_owned();
    operator.decide(&place, &operator.checker, "perhaps").await.problem(422, "validation_failed");
}

#[tokio::test]
async fn limits_from_proposal_to_approval() {
    let operator = Operator::new().await;
    let shop = operator.api.world.id("shop-1").to_string();
    let balance = async || operator.api.get(&format!("/v1/resellers/{shop}/balance")).await.json();
    let limits = async || operator.api.get(&format!("/v1/resellers/{shop}/limits")).await.json();
    let body = json!({
        "external_id": "raise-1", "reseller_id": shop, "currency": "MAD", "credit_limit": "250.00",
        "per_day_count": 7, "reason": "peak season", "document": "PO-7"
    });
    let put = json!({ "currency": "MAD", "credit_limit": "250.00", "per_day_count": 7 });
    let network = operator.api.access.client("network", &[Scope::NetworkWrite], &[operator.api.world.id("root")]).await;
    let network = operator.api.access.token(&network).await;
    let here = format!("/v1/resellers/{shop}/limits");
    operator.call("PUT", &here, &network, Some(put)).await.problem(409, "conflicting_state");
    let answer = operator.propose("limit-raises", body.clone()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let place = answer.header(header::LOCATION).to_owned();
    assert!(place.starts_with("/v1/limit-raises/lmt_"), "{place}");
    let made = answer.json();
    for (field, value) in [
        ("status", json!("pending_approval")),
        ("reseller_id", json!(shop)),
        ("credit_limit", json!("250.00")),
        ("terminal_id", Value::Null),
        ("effective_from", Value::Null),
        ("currency", json!("MAD")),
        ("document", json!("PO-7")),
    ] {
        assert_eq!(made[field], value, "{field} of {made}");
    }
    assert_eq!((&made["limits"]["per_day_count"], &made["limits"]["per_operation"]), (&json!(7), &Value::Null));
    assert_eq!(balance().await["credit_limit"], "0.00");
    operator.decide(&place, &operator.maker, "approve").await.problem(403, "four_eyes");
    let approved = operator.decide(&place, &operator.checker, "approve").await.json();
    assert_eq!(approved["status"], "approved", "{approved}");
    assert_eq!(balance().await["credit_limit"], "250.00", "what holds now, not what it was opened with");
    assert_eq!(limits().await["present"]["limits"]["per_day_count"], 7);
    for token in [&operator.maker, &operator.checker] {
        assert_eq!(operator.call("GET", &place, token, None).await.json(), approved);
    }
    operator.call("GET", &place, &operator.seller, None).await.problem(403, "insufficient_scope");
    let replay = operator.propose("limit-raises", body.clone()).await;
    assert_eq!((replay.status.as_u16(), replay.json()), (200, approved));
    let mut other = body.clone();
    other["per_day_count"] = json!(8);
    let reused = operator.propose("limit-raises", other).await;
    assert_eq!(reused.problem(409, "external_id_reused"), ["/per_day_count differs"]);

    // What raises nothing is declined, and what is beyond the caller's subtrees does not exist.
    let mut none = body.clone();
    none["external_id"] = json!("raise-2");
    let none = operator.propose("limit-raises", none).await.json();
    assert_eq!((&none["status"], &none["decline"]["code"]), (&json!("declined"), &json!("unfit_limits")));
    for stranger in ["stranger", "nobody"] {
        let mut foreign = body.clone();
        foreign["external_id"] = json!(stranger);
        foreign["reseller_id"] = json!(operator.api.world.id(stranger).to_string());
        operator.propose("limit-raises", foreign).await.problem(404, "not_found");
    }
    let mut till = body;
    till["external_id"] = json!("raise-3");
    till["terminal_id"] = json!("T1");
    let errors = operator.propose("limit-raises", till).await.problem(422, "validation_failed");
    assert_eq!(errors, ["/credit_limit invalid"]);

    // The audit tells the limits before and after, by whom and why.
    let auditor = operator.api.access.client("auditor", &[Scope::AuditRead], &[operator.api.world.id("root")]).await;
    let auditor = operator.api.access.token(&auditor).await;
    let audit = operator.call("GET", "/v1/audit?limit=200", &auditor, None).await.json();
    let items = audit["items"].as_array().unwrap();
    let action = |kind: &str| items.iter().find(|item| item["action"] == kind).unwrap_or_else(|| panic!("{audit}"));
    let put = action("record.put");
    assert_eq!(put["after"]["steps"][0]["credit_limit_minor"], 25_000, "{put}");
    assert_eq!(put["reason"], "agreed with finance", "{put}");
    let raised = action("limits.raised");
    assert_eq!(
        (&raised["before"]["status"], &raised["after"]["status"]),
        (&json!("pending_approval"), &json!("approved"))
    );
    assert_eq!(raised["after"]["bounds"]["per_day_count"], 7, "{raised}");
}
