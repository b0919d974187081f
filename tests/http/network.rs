//! Resellers over HTTP: opened, shown, listed, changed for the version that was read, suspended and closed.

use axum::body::Body;
use axum::http::header;
use serde_json::{Value, json};

use crate::support::api::{Answer, TestApi};

fn outlet(api: &TestApi, code: &str, parent: &str) -> Value {
    json!({ "code": code, "name": "Téléboutique الأمل", "level": "outlet", "parent_id": api.world.id(parent).to_string() })
}

async fn send(api: &TestApi, method: &str, path: &str, if_match: Option<&str>, body: Value) -> Answer {
    let mut request = api.request(method, path).header(header::CONTENT_TYPE, "application/json");
    if let Some(version) = if_match {
        request = request.header(header::IF_MATCH, version);
    }
    api.send(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn open(api: &TestApi, code: &str, parent: &str) -> (String, String) {
    let answer = api.post("/v1/resellers", outlet(api, code, parent).to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    (format!("/v1/resellers/{}", answer.json()["id"].as_str().unwrap()), answer.header(header::ETAG).to_owned())
}

#[tokio::test]
async fn a_reseller_is_opened_once() {
    let api = TestApi::new().await;
    let order = outlet(&api, "CASA-1", "root");
    let answer = api.post("/v1/resellers", order.to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header(header::ETAG), "\"1\"");
    let body = answer.json();
    assert_eq!(answer.header(header::LOCATION), format!("/v1/resellers/{}", body["id"].as_str().unwrap()));
    for (field, value) in order.as_object().unwrap() {
        assert_eq!(body[field], *value);
    }
    assert_eq!(body["standing"], "active");

    let replay = api.post("/v1/resellers", order.to_string()).await;
    assert_eq!((replay.status.as_u16(), replay.header("idempotent-replayed")), (200, "true"));
    assert_eq!(replay.json(), body);
    let mut other = order.clone();
    other["name"] = "Other".into();
    assert_eq!(api.post("/v1/resellers", other.to_string()).await.problem(409, "code_taken"), ["/name differs"]);
    // A stranger's code is taken, and nothing of the stranger is told.
    let stranger = outlet(&api, "stranger", "root");
    let answer = api.post("/v1/resellers", stranger.to_string()).await;
    assert_eq!(answer.problem(409, "code_taken"), [] as [&str; 0]);

    // Many at once with one code: one of them opens it.
    let racing = outlet(&api, "RACE", "root").to_string();
    let answers = futures::future::join_all((0..16).map(|_| api.post("/v1/resellers", racing.clone()))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert!(answers.iter().all(|answer| answer.json()["id"] == answers[0].json()["id"]));
}

#[tokio::test]
async fn bad_places_are_refused_with_their_field() {
    let api = TestApi::new().await;
    for (field, value, pointer) in [
        ("code", json!("=1+1"), "/code invalid"),
        ("code", json!("4111111111111111"), "/code card_data_refused"),
        ("name", json!("=HYPERLINK(\"x\")"), "/name invalid"),
        ("name", json!("a\u{202e}b"), "/name invalid"),
        ("name", json!(" a"), "/name invalid"),
        ("level", json!("kiosk"), "/level invalid"),
        ("level", json!("distributor"), "/level invalid"),
        ("parent_id", json!("rsl_x"), "/parent_id invalid"),
    ] {
        let mut order = outlet(&api, "X", "shop-1");
        order[field] = value.clone();
        let answer = api.post("/v1/resellers", order.to_string()).await;
        let code = if pointer.contains("card") { "card_data_refused" } else { "validation_failed" };
        assert_eq!(answer.problem(422, code), [pointer], "{field} {value}");
    }
    let mut missing = outlet(&api, "X", "shop-1");
    missing.as_object_mut().unwrap().remove("parent_id");
    let answer = api.post("/v1/resellers", missing.to_string()).await;
    assert_eq!(answer.problem(422, "validation_failed"), ["/parent_id missing"]);
    for parent in ["stranger", "nobody"] {
        let answer = api.post("/v1/resellers", outlet(&api, "X", parent).to_string()).await;
        answer.problem(404, "not_found");
    }
    assert_eq!(api.get("/v1/resellers?code=X").await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_change_names_the_version_it_was_made_for() {
    let api = TestApi::new().await;
    let (path, first) = open(&api, "A", "root").await;
    send(&api, "PATCH", &path, None, json!({ "name": "B" })).await.problem(428, "version_required");
    for stale in ["\"2\"", "W/\"1\"", "1", "\"x\""] {
        send(&api, "PATCH", &path, Some(stale), json!({ "name": "B" })).await.problem(412, "stale_version");
    }
    let answer = send(&api, "PATCH", &path, Some(&first), json!({ "name": "B", "code": "A2" })).await;
    assert_eq!((answer.status.as_u16(), answer.header(header::ETAG)), (200, "\"2\""), "{}", answer.text());
    assert_eq!((&answer.json()["name"], &answer.json()["code"]), (&json!("B"), &json!("A2")));
    send(&api, "PATCH", &path, Some(&first), json!({ "name": "C" })).await.problem(412, "stale_version");
    let shown = api.get(&path).await;
    assert_eq!((shown.json(), shown.header(header::ETAG)), (answer.json(), "\"2\""));
    // Nothing asked, nothing changed.
    let same = send(&api, "PATCH", &path, Some("\"7\", \"2\""), json!({})).await;
    assert_eq!((same.status.as_u16(), same.header(header::ETAG)), (200, "\"2\""));
    let taken = send(&api, "PATCH", &path, Some("*"), json!({ "code": "shop-1" })).await;
    assert_eq!(taken.problem(409, "code_taken"), ["/code differs"]);
    let unknown = send(&api, "PATCH", &path, Some("*"), json!({ "standing": "closed" })).await;
    assert_eq!(unknown.problem(400, "invalid_body"), ["/standing unknown"]);
}

#[tokio::test]
async fn a_subtree_moves_within_what_the_caller_may_see() {
    let api = TestApi::new().await;
    let (path, version) = open(&api, "A", "shop-1").await;
    let to = |name: &str| json!({ "parent_id": api.world.id(name).to_string() });
    for foreign in ["stranger", "nobody"] {
        send(&api, "PATCH", &path, Some(&version), to(foreign)).await.problem(404, "not_found");
    }
    let shop = format!("/v1/resellers/{}", api.world.id("shop-1"));
    let below_itself = json!({ "parent_id": path.rsplit('/').next().unwrap() });
    let answer = send(&api, "PATCH", &shop, Some("*"), below_itself).await;
    assert_eq!(answer.problem(422, "validation_failed"), ["/parent_id invalid"]);
    let moved = send(&api, "PATCH", &path, Some(&version), to("shop-2")).await;
    assert_eq!(moved.status, 200, "{}", moved.text());
    assert_eq!(moved.json()["parent_id"], api.world.id("shop-2").to_string());
    let children = api.get(&format!("/v1/resellers?parent_id={}", api.world.id("shop-2"))).await.json();
    assert_eq!(children["items"][0]["code"], "A");
}

#[tokio::test]
async fn standings_change_and_closing_says_why_not() {
    let api = TestApi::new().await;
    let shop = format!("/v1/resellers/{}", api.world.id("shop-1"));
    let path = format!("{shop}/standing");
    let set = |standing: &str| json!({ "standing": standing });
    send(&api, "POST", &path, None, set("suspended")).await.problem(428, "version_required");
    let because = json!({ "standing": "suspended", "reason": "fraud, case 17" });
    let suspended = send(&api, "POST", &path, Some("*"), because).await;
    assert_eq!(suspended.json()["standing"], "suspended", "{}", suspended.text());
    let nonsense = json!({ "standing": "active", "reason": " " });
    let refused = send(&api, "POST", &path, Some("*"), nonsense).await;
    assert_eq!(refused.problem(422, "validation_failed"), ["/reason invalid"]);
    let declined = api.post("/v1/recharges", api.recharge("late").to_string()).await.json();
    assert_eq!(declined["decline"]["code"], "reseller_suspended");
    send(&api, "POST", &path, Some("\"1\""), set("active")).await.problem(412, "stale_version");
    let resumed = send(&api, "POST", &path, Some(suspended.header(header::ETAG)), set("active")).await;
    assert_eq!(resumed.json()["standing"], "active", "{}", resumed.text());
    let audit = api.get("/v1/audit?action=reseller.standing_changed").await.json();
    assert_eq!((&audit["items"][0]["reason"], &audit["items"][1]["reason"]), (&Value::Null, &json!("fraud, case 17")));
    let refused = send(&api, "POST", &path, Some("*"), set("closed")).await;
    refused.problem(409, "conflicting_state");
    assert_eq!(refused.json()["detail"], "the reseller has stock or owes money");
    let root = format!("/v1/resellers/{}/standing", api.world.id("root"));
    let refused = send(&api, "POST", &root, Some("*"), set("closed")).await;
    assert_eq!(refused.json()["detail"], "the reseller has others below it that are not closed");
    let (empty, version) = open(&api, "E", "root").await;
    let closed = send(&api, "POST", &format!("{empty}/standing"), Some(&version), set("closed")).await;
    assert_eq!(closed.json()["standing"], "closed", "{}", closed.text());
    send(&api, "POST", &format!("{empty}/standing"), Some("*"), set("active")).await.problem(409, "conflicting_state");
    send(&api, "PATCH", &empty, Some("*"), json!({ "name": "X" })).await.problem(409, "conflicting_state");
    let bad = send(&api, "POST", &path, Some("*"), set("asleep")).await;
    assert_eq!(bad.problem(422, "validation_failed"), ["/standing invalid"]);
}

#[tokio::test]
async fn lists_show_the_subtree_in_pages() {
    let api = TestApi::new().await;
    for n in 0..7 {
        api.world.clock.advance_ms(1);
        open(&api, &format!("N{n}"), if n % 2 == 0 { "shop-1" } else { "shop-2" }).await;
    }
    let codes = |answer: &Answer| -> Vec<String> {
        let body = answer.json();
        let items = body["items"].as_array().unwrap_or_else(|| panic!("{body}"));
        items.iter().map(|item| item["code"].as_str().unwrap().to_owned()).collect()
    };
    let all = codes(&api.get("/v1/resellers").await);
    assert_eq!(all[..7], ["N6", "N5", "N4", "N3", "N2", "N1", "N0"]);
    assert_eq!(all.len(), 10);
    let (mut seen, mut path) = (Vec::new(), "/v1/resellers?limit=3".to_owned());
    loop {
        let page = api.get(&path).await;
        seen.extend(codes(&page));
        let link = page.header(header::LINK).to_owned();
        if link.is_empty() {
            assert_eq!(page.json()["next_cursor"], Value::Null);
            break;
        }
        path = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
    }
    assert_eq!(seen, all);
    let children = format!("/v1/resellers?parent_id={}&limit=2", api.world.id("shop-1"));
    assert_eq!(codes(&api.get(&children).await), ["N6", "N4"]);
    assert_eq!(codes(&api.get("/v1/resellers?level=outlet&standing=active&code=N3").await), ["N3"]);
    assert!(codes(&api.get("/v1/resellers?level=wholesaler").await).is_empty());
    assert!(codes(&api.get("/v1/resellers?standing=closed").await).is_empty());
    assert!(codes(&api.get("/v1/resellers?code=stranger").await).is_empty());
    let stranger = format!("/v1/resellers?parent_id={}", api.world.id("stranger"));
    api.get(&stranger).await.problem(404, "not_found");
    for bad in ["standing=asleep", "level=A", "code=%20", "cursor=x", "parent_id=x", "depth=1"] {
        api.get(&format!("/v1/resellers?{bad}")).await.problem(400, "invalid_query");
    }
}

#[tokio::test]
async fn totals_sum_the_subtree_by_level_and_standing() {
    let api = TestApi::new().await;
    api.post("/v1/recharges", {
        let mut order = api.recharge("held");
        order["msisdn"] = "+212612345600".into();
        order.to_string()
    })
    .await;
    let shop = format!("/v1/resellers/{}/standing", api.world.id("shop-2"));
    send(&api, "POST", &shop, Some("*"), json!({ "standing": "suspended" })).await;
    let totals = api.get(&format!("/v1/resellers/{}/totals", api.world.id("root"))).await.json();
    assert_eq!((&totals["resellers"], &totals["posted"]), (&json!(3), &json!("4000.00")));
    assert_eq!((&totals["held"], &totals["available"]), (&json!("20.00"), &json!("3980.00")));
    let by = totals["by"].as_array().unwrap();
    assert_eq!(by.len(), 2, "{totals}");
    assert_eq!(
        (&by[0]["standing"], &by[0]["resellers"], &by[0]["available"]),
        (&json!("active"), &json!(2), &json!("1980.00"))
    );
    assert_eq!(
        (&by[1]["standing"], &by[1]["resellers"], &by[1]["available"]),
        (&json!("suspended"), &json!(1), &json!("2000.00"))
    );
    let one = api.get(&format!("/v1/resellers/{}/totals", api.world.id("shop-1"))).await.json();
    assert_eq!((&one["resellers"], &one["posted"]), (&json!(1), &json!("2000.00")));
    api.get(&format!("/v1/resellers/{}/totals", api.world.id("stranger"))).await.problem(404, "not_found");
}
