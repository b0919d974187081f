//! Settlement files over HTTP.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};
use taabia::services::Scope;

use crate::support::api::{Answer, TestApi};

const FILE: &str =
    "order,reference,kind,gross,fee,net,currency,settled_on\n,p1,payment,10.00,0.15,9.85,MAD,2026-11-21\n";

async fn send(api: &TestApi, path: &str, kind: &str, text: &str) -> Answer {
    let token = token(api).await;
    let request = Request::builder().method(Method::POST).uri(path);
    let request = request.header(header::CONTENT_TYPE, kind).header(header::AUTHORIZATION, format!("Bearer {token}"));
    api.send(request.body(Body::from(text.to_owned())).unwrap()).await
}

async fn get(api: &TestApi, path: &str) -> Answer {
    let token = token(api).await;
    let request = Request::builder().uri(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
    api.send(request.body(Body::empty()).unwrap()).await
}

async fn token(api: &TestApi) -> String {
    person(api).await.0
}

/// Somebody with a client of their own: its token and its id.
async fn person(api: &TestApi) -> (String, String) {
    // Names of clients are unique.
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    let name = format!("finance {}", NEXT.fetch_add(1, Ordering::Relaxed));
    let client = api.access.client(&name, &Scope::ALL, &[api.world.id("root")]).await;
    (api.access.token(&client).await, client.0.to_string())
}

async fn call(api: &TestApi, method: &str, path: &str, token: &str, body: &Value) -> Answer {
    let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
    let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    api.send(request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn a_file_is_booked_once_and_told() {
    let api = TestApi::new().await;
    let path = "/v1/settlements?acquirer=bank";
    let booked = send(&api, path, "text/csv; charset=utf-8", FILE).await;
    assert_eq!(booked.status, 201, "{}", booked.text());
    let place = booked.header(header::LOCATION).to_owned();
    let report = booked.json();
    assert_eq!((&report["complete"], &report["lines"]), (&json!(true), &json!(1)));
    assert_eq!(report["missing_here"], json!({ "count": 1, "gross": "10.00", "fee": "0.15" }));
    assert_eq!((&report["net"], &report["fees"]), (&json!("9.85"), &json!("0.15")));
    assert_eq!((&report["difference"], &report["first_day"]), (&json!("10.00"), &json!("2026-11-21")));
    let again = send(&api, path, "text/csv", FILE).await;
    assert_eq!((again.status.as_u16(), again.json()), (200, report.clone()));
    assert_eq!(get(&api, &place).await.json(), report);
    let items = get(&api, "/v1/settlement-items?state=missing_here").await.json();
    let item = &items["items"][0];
    assert_eq!((&item["state"], &item["reference"]), (&json!("missing_here"), &json!("p1")));
    assert_eq!((&item["settlement_id"], &items["next_cursor"]), (&report["id"], &Value::Null));
}

#[tokio::test]
async fn an_item_is_given_to_somebody_and_resolved_by_two() {
    let api = TestApi::new().await;
    let report = send(&api, "/v1/settlements?acquirer=bank", "text/csv", FILE).await.json();
    let ((maker, maker_id), (checker, _)) = (person(&api).await, person(&api).await);
    let items = get(&api, "/v1/settlement-items").await.json();
    let item = items["items"][0].clone();
    assert_eq!((&item["status"], &item["owner"], &item["line"]), (&json!("open"), &Value::Null, &json!(1)));
    assert_eq!(item["settlement_id"], report["id"]);
    let (id, place) = (item["id"].clone(), format!("/v1/settlement-items/{}", item["id"].as_str().unwrap()));

    // Whoever looks after it must be somebody who may call.
    let owner = format!("{place}/owner");
    let body = |owner: &str| json!({ "owner": owner, "reason": "she knows the bank" });
    let nobody = call(&api, "PUT", &owner, &maker, &body("cli_01939f3e-7c00-7000-8000-000000000003")).await;
    assert_eq!(nobody.problem(422, "validation_failed"), ["/owner invalid"]);
    assert_eq!(
        call(&api, "PUT", &owner, &maker, &body("R1")).await.problem(422, "validation_failed"),
        ["/owner invalid"]
    );
    let gone = "/v1/settlement-items/itm_01939f3e7c007000800000000000000a-1/owner";
    call(&api, "PUT", gone, &maker, &body(&maker_id)).await.problem(404, "not_found");
    assert_eq!(get(&api, &place).await.json(), item, "nothing was written");
    let given = call(&api, "PUT", &owner, &checker, &body(&maker_id)).await;
    assert_eq!((given.status.as_u16(), &given.json()["owner"]), (200, &json!(maker_id)));
    let hers = get(&api, &format!("/v1/settlement-items?owner={maker_id}&status=open&older_than_days=0")).await.json();
    assert_eq!(hers["items"].as_array().unwrap().len(), 1);

    let wanted = |key: &str, resolution: &str| json!({ "external_id": key, "item_id": id, "resolution": resolution, "reason": "small", "document": "M-1" });
    for (field, value) in
        [("resolution", json!("match")), ("topup_id", json!("top_01939f3e-7c00-7000-8000-00000000000d"))]
    {
        let mut body = wanted("bad", "write_off");
        body[field] = value;
        let errors = call(&api, "POST", "/v1/resolutions", &maker, &body).await.problem(422, "validation_failed");
        assert_eq!(errors, ["/resolution invalid"]);
    }
    let asked = call(&api, "POST", "/v1/resolutions", &maker, &wanted("one", "write_off")).await;
    assert_eq!(asked.status, 201, "{}", asked.text());
    let resolution = asked.json();
    assert_eq!((&resolution["status"], &resolution["amount"]), (&json!("pending_approval"), &json!("10.00")));
    let again = call(&api, "POST", "/v1/resolutions", &maker, &wanted("one", "write_off")).await;
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (200, "true"));
    call(&api, "POST", "/v1/resolutions", &maker, &wanted("one", "peer_corrects"))
        .await
        .problem(409, "external_id_reused");
    let approval = format!("{}/approval", asked.header(header::LOCATION));
    let decision = json!({ "decision": "approve", "reason": "agreed" });
    call(&api, "POST", &approval, &maker, &decision).await.problem(403, "four_eyes");
    assert_eq!(get(&api, &place).await.json()["status"], "proposed");
    let done = call(&api, "POST", &approval, &checker, &decision).await.json();
    assert_eq!((&done["status"], &done["decline"]), (&json!("approved"), &Value::Null));
    let ended = get(&api, &place).await.json();
    assert_eq!((&ended["status"], &ended["resolution_id"]), (&json!("resolved"), &resolution["id"]));
    call(&api, "PUT", &owner, &checker, &body(&maker_id)).await.problem(409, "decided_already");
    let late = call(&api, "POST", "/v1/resolutions", &maker, &wanted("two", "write_off")).await.json();
    assert_eq!((&late["status"], &late["decline"]["code"]), (&json!("declined"), &json!("item_changed")));

    // Who, what, before, after, why.
    let audit = get(&api, "/v1/audit?limit=200").await.json();
    let actions = audit["items"].as_array().unwrap();
    let action =
        |kind: &str| actions.iter().find(|action| action["action"] == kind).unwrap_or_else(|| panic!("{audit}"));
    let assigned = action("item.assigned");
    assert_eq!((&assigned["after"]["owner"], &assigned["reason"]), (&json!(maker_id), &json!("she knows the bank")));
    let booked = action("resolution.booked");
    assert_eq!((&booked["after"]["item"], &booked["after"]["resolution"]), (&id, &json!("write_off")));
}

#[tokio::test]
async fn the_charging_systems_record_is_booked_once_and_told() {
    let api = TestApi::new().await;
    let made = api.post("/v1/recharges", api.recharge("told").to_string()).await.json();
    let reference = made["charging_reference"].as_str().unwrap();
    let record = format!(
        "time,result,amount,msisdn,reference\n2026-11-21 08:00,applied,{},,{reference}\n2026-11-21,applied,4.00,,17\n",
        made["amount"].as_str().unwrap()
    );
    let path = "/v1/charging-records";
    let booked = send(&api, path, "text/csv", &record).await;
    assert_eq!(booked.status, 201, "{}", booked.text());
    let report = booked.json();
    assert_eq!((&report["matched"]["count"], &report["missing_here"]["count"]), (&json!(1), &json!(1)));
    assert_eq!((&report["net"], &report["difference"]), (&json!("4.00"), &json!("4.00")));
    let again = send(&api, path, "text/csv", &record).await;
    assert_eq!((again.status.as_u16(), again.json()), (200, report));
    let items = get(&api, "/v1/settlement-items").await.json();
    let item = &items["items"][0];
    assert_eq!(
        (&item["kind"], &item["acquirer"], &item["reference"]),
        (&json!("refill"), &json!("charging system"), &json!("17"))
    );
    let bad = send(&api, path, "text/csv", "reference,msisdn,amount,time,result\n17,,4,2026-11-21,never\n").await;
    assert_eq!(bad.problem(422, "validation_failed"), ["/2/result invalid"]);
    send(&api, path, "application/json", "{}").await.problem(415, "unsupported_media_type");
    send(&api, "/v1/charging-records?acquirer=bank", "text/csv", &record).await.problem(400, "invalid_query");
    get(&api, "/v1/settlement-items?state=unrecorded").await.problem(400, "invalid_query");
    let day = get(&api, "/v1/settlement-items?state=unrecorded&business_date=2026-11-21").await.json();
    assert_eq!(day["items"], json!([]));
}

#[tokio::test]
async fn a_partners_day_is_summed_and_its_lines_are_told() {
    let api = TestApi::new().await;
    let made = api.post("/v1/recharges", api.recharge("one").to_string()).await.json();
    let day = made["created_at"].as_str().unwrap()[..10].to_owned();
    let sums = async |path: &str| get(&api, path).await.json()["by"].clone();
    let place = format!("/v1/reconciliation?business_date={day}");
    let sum = |kind: &str, status: &str, count: i64, amount: &str| json!({ "kind": kind, "status": status, "count": count, "amount": amount, "currency": "MAD" });
    let amount = made["amount"].as_str().unwrap();
    assert_eq!(sums(&place).await, json!([sum("recharge", "completed", 1, amount)]));
    let mut beyond = api.recharge("two");
    beyond["amount"] = json!("499.99");
    let declined = api.post("/v1/recharges", beyond.to_string()).await.json();
    let status = declined["status"].as_str().unwrap();
    let both = sums(&place).await;
    let count: i64 = both.as_array().unwrap().iter().map(|sum| sum["count"].as_i64().unwrap()).sum();
    assert_eq!((count, both.as_array().unwrap().iter().any(|sum| sum["status"] == status)), (2, true), "{both}");
    let lines = get(&api, &format!("/v1/reconciliation/lines?business_date={day}")).await.text();
    assert_eq!((lines.lines().count(), lines.lines().last().unwrap().starts_with("closing,2")), (4, true), "{lines}");
    assert_eq!(sums("/v1/reconciliation?business_date=2020-01-01").await, json!([]));
    // Who has no subtree there sees nothing of it.
    let client = api.access.client("elsewhere", &Scope::ALL, &[api.world.id("stranger")]).await;
    let token = api.access.token(&client).await;
    let foreign = call(&api, "GET", &place, &token, &json!({})).await.json();
    assert_eq!(foreign["by"], json!([]));
    for path in ["/v1/reconciliation", "/v1/reconciliation/lines"] {
        for query in
            ["", "?business_date=", "?business_date=2026-02-30", "?business_date=22/11/2026", "?day=2026-11-22"]
        {
            get(&api, &format!("{path}{query}")).await.problem(400, "invalid_query");
        }
    }
}

#[tokio::test]
async fn bad_files_and_bad_questions_are_refused_and_write_nothing() {
    let api = TestApi::new().await;
    let path = "/v1/settlements?acquirer=bank";
    let heading = "order,reference,kind,gross,fee,net,currency,settled_on\n";
    for (line, pointer) in [
        (",p1,payment,10.00,0.15,9.00,MAD,2026-11-21\n", "/2/net invalid"),
        (",p1,payment,10.00,0.15,9.85,USD,2026-11-21\n", "/2/currency invalid"),
        (",p1,gift,10.00,0.15,9.85,MAD,2026-11-21\n", "/2/kind invalid"),
        (",p1,payment,10.00\n", "/2 invalid"),
    ] {
        let bad = send(&api, path, "text/csv", &[heading, line].concat()).await;
        assert_eq!(bad.problem(422, "validation_failed"), [pointer], "{line}");
    }
    send(&api, path, "application/json", FILE).await.problem(415, "unsupported_media_type");
    send(&api, "/v1/settlements?acquirer=nobody", "text/csv", FILE).await.problem(422, "validation_failed");
    send(&api, "/v1/settlements", "text/csv", FILE).await.problem(422, "validation_failed");
    send(&api, "/v1/settlements?bank=bank", "text/csv", FILE).await.problem(400, "invalid_query");
    for query in ["state=matched", "status=late", "owner=R1", "older_than_days=401", "limit=0", "cursor=x", "who=me"] {
        get(&api, &format!("/v1/settlement-items?{query}")).await.problem(400, "invalid_query");
    }
    for id in ["stl_01939f3e-7c00-8000-8000-000000000003", "x"] {
        get(&api, &format!("/v1/settlements/{id}")).await.problem(404, "not_found");
    }
    for id in ["itm_01939f3e7c0080008000000000000003-1", "itm_01939f3e7c0080008000000000000003", "x"] {
        get(&api, &format!("/v1/settlement-items/{id}")).await.problem(404, "not_found");
    }
    assert_eq!(get(&api, "/v1/settlement-items").await.json()["items"], json!([]));
}
