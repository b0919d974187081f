//! Transfers, who may see and end them, and their lists.

use axum::http::header;
use serde_json::{Value, json};
use taabia::services::Scope;

use crate::support::api::{Answer, TestApi};

/// A good request from `root` to `shop-1`, to be spoiled.
fn transfer(api: &TestApi, external_id: &str) -> Value {
    json!({
        "external_id": external_id, "from_reseller_id": api.world.id("root").to_string(),
        "to_reseller_id": api.world.id("shop-1").to_string(), "amount": "500.00", "currency": "MAD",
        "kind": "transfer"
    })
}

/// With stock at `root` as well.
async fn stocked() -> TestApi {
    let api = TestApi::new().await;
    api.world.must(api.world.allocate("stock-root", "root", 1_000_000)).await;
    api
}

async fn posted(api: &TestApi, name: &str) -> String {
    let balance = api.get(&format!("/v1/resellers/{}/balance", api.world.id(name))).await.json();
    format!("{} {}", balance["posted"].as_str().unwrap(), balance["held"].as_str().unwrap())
}

/// The same API, asked by a client of another partner.
async fn as_client(mut api: TestApi, name: &str, root: &str) -> TestApi {
    let client = api.access.client(name, &Scope::ALL, &[api.world.id(root)]).await;
    api.token = api.access.token(&client).await;
    api
}

fn code(answer: &Answer) -> (u16, Value) {
    (answer.status.as_u16(), answer.json()["decline"]["code"].clone())
}

#[tokio::test]
async fn a_transfer_and_its_replay() {
    let api = stocked().await;
    let body = transfer(&api, "t-1");
    let first = api.post("/v1/transfers", body.to_string()).await;
    assert_eq!(first.status, 201, "{}", first.text());
    let made = first.json();
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("trf_"), "{id}");
    assert_eq!(first.header(header::LOCATION), format!("/v1/transfers/{id}"));
    let expected = json!({
        "id": id, "external_id": "t-1", "from_reseller_id": body["from_reseller_id"],
        "to_reseller_id": body["to_reseller_id"], "kind": "transfer", "amount": "500.00", "currency": "MAD",
        "acceptance": "none", "status": "completed", "final": true, "decline": null, "accept_by": null,
        "created_at": "2026-11-22T08:00:00.000Z", "updated_at": "2026-11-22T08:00:00.000Z"
    });
    assert_eq!(made, expected);
    assert_eq!(api.get(&format!("/v1/transfers/{id}")).await.json(), expected);
    let mut same = body.clone();
    same["amount"] = json!("500");
    let replay = api.post("/v1/transfers", same.to_string()).await;
    assert_eq!((replay.status.as_u16(), replay.header("idempotent-replayed")), (200, "true"));
    assert_eq!(replay.json(), expected);
    let shop = api.world.id("shop-2").to_string();
    let changes =
        [("amount", "501.00"), ("kind", "return"), ("acceptance", "required"), ("to_reseller_id", shop.as_str())];
    for (name, value) in changes {
        let mut other = body.clone();
        other[name] = json!(value);
        let conflict = api.post("/v1/transfers", other.to_string()).await;
        assert_eq!(conflict.problem(409, "external_id_reused"), [format!("/{name} differs")]);
    }
    assert_eq!(
        (posted(&api, "root").await, posted(&api, "shop-1").await),
        ("9500.00 0.00".into(), "2500.00 0.00".into())
    );
}

#[tokio::test]
async fn a_return_goes_up_or_back_to_the_operator() {
    let api = stocked().await;
    let mut back = transfer(&api, "r-1");
    (back["kind"], back["from_reseller_id"]) = (json!("return"), json!(api.world.id("shop-1").to_string()));
    back["to_reseller_id"] = json!(api.world.id("root").to_string());
    assert_eq!(code(&api.post("/v1/transfers", back.to_string()).await), (201, json!(null)));
    back["external_id"] = json!("r-2");
    back.as_object_mut().unwrap().remove("to_reseller_id");
    let given_back = api.post("/v1/transfers", back.to_string()).await;
    assert_eq!(code(&given_back), (201, json!(null)));
    assert_eq!((&given_back.json()["to_reseller_id"], &given_back.json()["kind"]), (&json!(null), &json!("return")));
    assert_eq!(
        (posted(&api, "root").await, posted(&api, "shop-1").await),
        ("10500.00 0.00".into(), "1000.00 0.00".into())
    );
    let path = format!("/v1/transfers/{}", given_back.json()["id"].as_str().unwrap());
    api.post(&format!("{path}/cancellation"), "").await.problem(409, "decided_already");
    api.post(&format!("{path}/acceptance"), json!({"decision": "accept"}).to_string()).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_decline_is_an_answer() {
    let api = stocked().await;
    let asked = async |key: &str, change: &[(&str, Value)]| {
        let mut body = transfer(&api, key);
        for (name, value) in change {
            body[*name] = value.clone();
        }
        code(&api.post("/v1/transfers", body.to_string()).await)
    };
    let root = json!(api.world.id("root").to_string());
    assert_eq!(asked("a", &[("to_reseller_id", root.clone())]).await, (201, json!("self_transfer")));
    assert_eq!(asked("b", &[("kind", json!("return"))]).await, (201, json!("transfer_not_permitted")));
    assert_eq!(asked("c", &[("amount", json!("99999999.00"))]).await, (201, json!("insufficient_stock")));
    assert_eq!(asked("c", &[("amount", json!("99999999.00"))]).await, (200, json!("insufficient_stock")));
}

#[tokio::test]
async fn bad_bodies_are_refused_and_nothing_is_stored() {
    let api = stocked().await;
    for (name, value, pointer) in [
        ("external_id", json!(""), "/external_id invalid"),
        ("from_reseller_id", json!("rsl_x"), "/from_reseller_id invalid"),
        ("to_reseller_id", json!("operator"), "/to_reseller_id invalid"),
        ("amount", json!("0"), "/amount invalid"),
        ("amount", json!("1.001"), "/amount invalid"),
        ("currency", json!("XOF"), "/currency invalid"),
        ("kind", json!("gift"), "/kind invalid"),
        ("acceptance", json!("no"), "/acceptance invalid"),
        ("external_id", json!("4111111111111111"), "/external_id card_data_refused"),
    ] {
        let mut body = transfer(&api, "k");
        body[name] = value;
        let refused = api.post("/v1/transfers", body.to_string()).await;
        let code = if pointer.ends_with("card_data_refused") { "card_data_refused" } else { "validation_failed" };
        assert_eq!(refused.problem(422, code), [pointer]);
    }
    for name in ["external_id", "from_reseller_id", "to_reseller_id", "amount", "currency", "kind"] {
        let mut body = transfer(&api, "k");
        body.as_object_mut().unwrap().remove(name);
        let refused = api.post("/v1/transfers", body.to_string()).await;
        assert_eq!(refused.problem(422, "validation_failed"), [format!("/{name} missing")]);
    }
    let mut waits = transfer(&api, "k");
    waits.as_object_mut().unwrap().remove("to_reseller_id");
    (waits["kind"], waits["acceptance"]) = (json!("return"), json!("required"));
    let refused = api.post("/v1/transfers", waits.to_string()).await;
    assert_eq!(refused.problem(422, "validation_failed"), ["/acceptance invalid"]);
    let mut body = transfer(&api, "k");
    body["amout"] = json!("1");
    assert_eq!(api.post("/v1/transfers", body.to_string()).await.problem(400, "invalid_body"), ["/amout unknown"]);
    assert_eq!(code(&api.post("/v1/transfers", transfer(&api, "k").to_string()).await), (201, json!(null)));
}

#[tokio::test]
async fn whoever_acts_for_the_receiver_accepts_and_for_the_sender_cancels() {
    let api = stocked().await;
    let offer = async |api: &TestApi, key: &str| {
        let mut body = transfer(api, key);
        body["acceptance"] = json!("required");
        let made = api.post("/v1/transfers", body.to_string()).await;
        assert_eq!((made.status.as_u16(), &made.json()["status"]), (201, &json!("pending_acceptance")));
        assert_eq!(made.json()["accept_by"], "2026-11-22T09:00:00.000Z");
        format!("/v1/transfers/{}", made.json()["id"].as_str().unwrap())
    };
    let (accepted, refused, cancelled) = (offer(&api, "a").await, offer(&api, "b").await, offer(&api, "c").await);
    assert_eq!(posted(&api, "root").await, "10000.00 1500.00");
    let accept = json!({"decision": "accept"}).to_string();
    let refuse = json!({"decision": "refuse"}).to_string();

    let stranger = as_client(api, "stranger", "stranger").await;
    stranger.get(&accepted).await.problem(404, "not_found");
    stranger.post(&format!("{accepted}/acceptance"), accept.clone()).await.problem(404, "not_found");
    stranger.post(&format!("{cancelled}/cancellation"), "").await.problem(404, "not_found");

    let shop = as_client(stranger, "shop", "shop-1").await;
    assert_eq!(shop.get(&accepted).await.json()["status"], "pending_acceptance", "the receiver sees it");
    shop.post(&format!("{cancelled}/cancellation"), "").await.problem(404, "not_found");
    let answer = shop.post(&format!("{accepted}/acceptance"), accept.clone()).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (200, &json!("completed")));
    let again = shop.post(&format!("{accepted}/acceptance"), accept.clone()).await;
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (200, "true"));
    shop.post(&format!("{accepted}/acceptance"), refuse.clone()).await.problem(409, "decided_already");
    assert_eq!(code(&shop.post(&format!("{refused}/acceptance"), refuse).await), (200, json!("transfer_refused")));
    for bad in [json!({}), json!({"decision": "maybe"})] {
        shop.post(&format!("{accepted}/acceptance"), bad.to_string()).await.problem(422, "validation_failed");
    }

    let root = as_client(shop, "root", "root").await;
    let answer = root.post(&format!("{cancelled}/cancellation"), "").await;
    assert_eq!(code(&answer), (200, json!("transfer_cancelled")));
    assert_eq!(root.post(&format!("{cancelled}/cancellation"), "").await.header("idempotent-replayed"), "true");
    root.post(&format!("{cancelled}/acceptance"), accept).await.problem(409, "decided_already");
    assert_eq!(
        (posted(&root, "root").await, posted(&root, "shop-1").await),
        ("9500.00 0.00".into(), "2500.00 0.00".into())
    );
    for path in ["/v1/transfers/trf_x", "/v1/transfers/rch_01939f3e-7c00-7000-8000-00000000000a"] {
        root.get(path).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn who_is_out_of_reach_is_unknown() {
    let api = stocked().await;
    let id = |name: &str| json!(api.world.id(name).to_string());
    let (root, shop, sibling, stranger) = (id("root"), id("shop-1"), id("shop-2"), id("stranger"));
    let unknown = json!("rsl_01939f3e-7c00-7000-8000-00000000000a");
    let shop_api = as_client(api, "shop", "shop-1").await;
    let asked = async |key: &str, kind: &str, from: &Value, to: &Value| {
        let mut body = transfer(&shop_api, key);
        (body["kind"], body["from_reseller_id"], body["to_reseller_id"]) = (json!(kind), from.clone(), to.clone());
        shop_api.post("/v1/transfers", body.to_string()).await
    };
    let mut bodies = Vec::new();
    for (from, to) in [(&root, &shop), (&stranger, &shop), (&unknown, &shop), (&shop, &stranger), (&shop, &unknown)] {
        let answer = asked("k", "transfer", from, to).await;
        answer.problem(404, "not_found");
        let mut body = answer.json();
        body["trace_id"] = json!("");
        bodies.push(body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "the same body for all: {bodies:?}");
    // Beyond its subtree it reaches whom stock may go to: those above it, and siblings by the rule that lets them.
    assert_eq!(code(&asked("up", "return", &shop, &root).await), (201, json!(null)));
    assert_eq!(asked("beside", "transfer", &shop, &sibling).await.json()["status"], "pending_acceptance");
    assert_eq!(shop_api.world.stock("stranger").await.posted, 200_000);
}

#[tokio::test]
async fn lists_show_both_ends_newest_first() {
    let api = stocked().await;
    for n in 0..5 {
        let mut body = transfer(&api, &format!("t-{n}"));
        if n % 2 == 1 {
            body["to_reseller_id"] = json!(api.world.id("shop-2").to_string());
        }
        assert_eq!(api.post("/v1/transfers", body.to_string()).await.status, 201);
        api.world.clock.advance_ms(1_000);
    }
    let ids = |answer: &Answer| -> Vec<String> {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let list = answer.json();
        list["items"].as_array().unwrap().iter().map(|item| item["external_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&api.get("/v1/transfers").await), ["t-4", "t-3", "t-2", "t-1", "t-0"]);
    let shop = api.world.id("shop-2");
    assert_eq!(ids(&api.get(&format!("/v1/transfers?reseller_id={shop}")).await), ["t-3", "t-1"]);
    let root = api.world.id("root");
    let page = api.get(&format!("/v1/transfers?reseller_id={root}&limit=2")).await;
    assert_eq!(ids(&page), ["t-4", "t-3"]);
    let next = page.json()["next_cursor"].as_str().unwrap().to_owned();
    assert!(page.header(header::LINK).contains("rel=\"next\""));
    let rest = api.get(&format!("/v1/transfers?reseller_id={root}&limit=3&cursor={next}")).await;
    assert_eq!(
        (ids(&rest), &rest.json()["next_cursor"]),
        (vec!["t-2".into(), "t-1".into(), "t-0".into()], &json!(null))
    );
    let found = api.get(&format!("/v1/transfers?reseller_id={root}&external_id=t-2")).await;
    assert_eq!(ids(&found), ["t-2"]);
    assert_eq!(ids(&api.get("/v1/transfers?status=declined").await), Vec::<String>::new());
    let period = "from=2026-11-22T08:00:01Z&to=2026-11-22T08:00:03Z";
    assert_eq!(ids(&api.get(&format!("/v1/transfers?{period}")).await), ["t-2", "t-1"]);
    for bad in ["external_id=x", "status=in_doubt", "kind=return", "limit=0", "cursor=x", "from=2027&to=2026"] {
        api.get(&format!("/v1/transfers?{bad}")).await.problem(400, "invalid_query");
    }
    let stranger = api.world.id("stranger");
    api.get(&format!("/v1/transfers?reseller_id={stranger}")).await.problem(404, "not_found");
    let stranger = as_client(api, "stranger", "stranger").await;
    assert_eq!(ids(&stranger.get("/v1/transfers").await), Vec::<String>::new());
}
