//! Cases of subscribers who complain: opened once, taken by one, called back in time or overdue, closed and opened again.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};
use taabia::ports::Clock as _;
use taabia::services::Scope;

use super::sell;
use crate::support::api::{Answer, TestApi};
use crate::support::database::on_both;
use crate::support::{books_of, must_verify, on_every_store};

fn complaint(key: &str, recharge: &Value) -> Value {
    json!({
        "external_id": key, "complaint": "not_received", "recharge_id": recharge["id"], "call_back": "0661111122",
        "note": "paid at an ATM, nothing came"
    })
}

async fn open(api: &TestApi, body: &Value) -> Value {
    let made = api.post("/v1/cases", body.to_string()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()
}

async fn change_as(api: &TestApi, token: &str, case: &Value, version: &str, body: Value) -> Answer {
    let request = Request::patch(format!("/v1/cases/{}", case["id"].as_str().unwrap()))
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::IF_MATCH, version);
    api.send(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn change(api: &TestApi, case: &Value, version: &str, body: Value) -> Answer {
    change_as(api, &api.token, case, version, body).await
}

async fn get_as(api: &TestApi, token: &str, path: &str) -> Answer {
    let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
    api.send(request.body(Body::empty()).unwrap()).await
}

async fn carer(api: &TestApi, name: &str, scopes: &[Scope], root: &str) -> String {
    let client = api.access.client(name, scopes, &[api.world.id(root)]).await;
    api.access.token(&client).await
}

async fn list(api: &TestApi, query: &str) -> Vec<String> {
    let page = api.get(&format!("/v1/cases?{query}")).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let page = page.json();
    page["items"].as_array().unwrap().iter().map(|case| case["external_id"].as_str().unwrap().to_owned()).collect()
}

on_every_store!(a_case_is_opened_once_and_followed_to_its_end, async |books| {
    let api = TestApi::over(books, Vec::new()).await;
    let recharge = sell(&api, "a", "+212612345678").await;
    let body = complaint("call-1", &recharge);
    let made = api.post("/v1/cases", body.to_string()).await;
    assert_eq!((made.status.as_u16(), made.header(header::ETAG)), (201, "\"1\""), "{}", made.text());
    let case = made.json();
    assert_eq!(made.header(header::LOCATION), format!("/v1/cases/{}", case["id"].as_str().unwrap()));
    let expected = json!({
        "id": case["id"], "external_id": "call-1", "complaint": "not_received", "recharge_id": recharge["id"],
        "reseller_id": recharge["reseller_id"], "msisdn": "+212612345678", "sold_at": null,
        "call_back": "+212661111122", "note": "paid at an ATM, nothing came", "status": "open", "owner": null,
        "opened_at": "2026-11-22T08:00:00.000Z", "opened_by": case["opened_by"],
        "call_back_by": "2026-11-22T08:10:00.000Z", "called_back_at": null, "overdue": false, "outcome": null,
        "remarks": []
    });
    assert_eq!(case, expected);
    // The same again is a replay, other content is not.
    let replay = api.post("/v1/cases", body.to_string()).await;
    assert_eq!((replay.status.as_u16(), replay.header("idempotent-replayed"), replay.json()), (200, "true", expected));
    for (field, value) in [("complaint", "other"), ("call_back", "0661111123"), ("note", "other")] {
        let mut other = body.clone();
        other[field] = json!(value);
        let refused = api.post("/v1/cases", other.to_string()).await;
        assert_eq!(refused.problem(409, "external_id_reused"), [format!("/{field} differs")]);
    }
    let mut numbers = json!({
        "external_id": "call-1", "complaint": "not_received", "msisdn": "0612345678", "sold_at": "2026-11-22T07:00:00Z",
        "call_back": "0661111122", "note": "paid at an ATM, nothing came"
    });
    api.post("/v1/cases", numbers.to_string()).await.problem(409, "external_id_reused");
    numbers["external_id"] = json!("call-2");
    // The newest first.
    api.world.clock.advance_ms(1);
    let unknown = open(&api, &numbers).await;
    assert_eq!(
        (&unknown["msisdn"], &unknown["sold_at"], &unknown["reseller_id"]),
        (&json!("+212612345678"), &json!("2026-11-22T07:00:00.000Z"), &json!(null))
    );

    // Nobody but its owner calls back and closes; what does not fit is refused and changes nothing.
    let early = change(&api, &case, "\"1\"", json!({ "action": "call_back", "result": "reached" })).await;
    early.problem(409, "conflicting_state");
    let taken = change(&api, &case, "\"1\"", json!({ "action": "take" })).await;
    assert_eq!((taken.status.as_u16(), taken.header(header::ETAG)), (200, "\"2\""), "{}", taken.text());
    assert_eq!((&taken.json()["status"], &taken.json()["owner"]), (&json!("in_progress"), &case["opened_by"]));
    change(&api, &case, "\"1\"", json!({ "action": "take" })).await.problem(412, "stale_version");
    let other = carer(&api, "colleague", &[Scope::CareRead, Scope::CareWrite], "root").await;
    let not_mine = json!({ "action": "close", "outcome": "explained" });
    change_as(&api, &other, &case, "\"2\"", not_mine).await.problem(409, "conflicting_state");
    let unanswered = json!({ "action": "close", "outcome": "no_answer" });
    change(&api, &case, "\"2\"", unanswered.clone()).await.problem(409, "conflicting_state");

    api.world.clock.advance_ms(600_001);
    assert_eq!(list(&api, "overdue=true").await, ["call-2", "call-1"]);
    assert_eq!(api.world.books.cases.overdue_cases(api.world.clock.now()).await.unwrap(), 2);
    let called =
        change(&api, &case, "*", json!({ "action": "call_back", "result": "not_reached", "note": "rang out" }));
    let called = called.await.json();
    assert_eq!((&called["called_back_at"], &called["overdue"]), (&json!("2026-11-22T08:10:00.002Z"), &json!(false)));
    assert_eq!(list(&api, "overdue=true").await, ["call-2"]);
    let closed = change(&api, &case, "\"3\"", unanswered).await.json();
    assert_eq!((&closed["status"], &closed["outcome"]), (&json!("closed"), &json!("no_answer")));
    assert_eq!(closed["remarks"][1]["note"], "rang out");
    change(&api, &case, "\"4\"", json!({ "action": "take" })).await.problem(409, "conflicting_state");
    let again =
        change_as(&api, &other, &case, "\"4\"", json!({ "action": "reopen", "note": "rang again" })).await.json();
    assert_eq!(
        (&again["status"], &again["call_back_by"], &again["owner"]),
        (&json!("open"), &json!("2026-11-22T08:20:00.002Z"), &json!(null))
    );

    // Lists and their filters.
    assert_eq!(list(&api, "status=open").await, ["call-2", "call-1"]);
    assert_eq!(list(&api, "status=closed").await, [""; 0]);
    change_as(&api, &other, &case, "*", json!({ "action": "take" })).await;
    let owner = api.get(&format!("/v1/cases/{}", case["id"].as_str().unwrap())).await.json()["owner"].clone();
    assert_eq!(list(&api, &format!("owner={}", owner.as_str().unwrap())).await, ["call-1"]);
    let first = api.get("/v1/cases?limit=1").await.json();
    let next = first["next_cursor"].as_str().unwrap();
    assert_eq!(list(&api, &format!("limit=1&cursor={next}")).await.len(), 1);
    assert_ne!(
        api.get(&format!("/v1/cases?limit=1&cursor={next}")).await.json()["items"][0]["id"],
        first["items"][0]["id"]
    );

    // All of it is on the audit, without a number.
    let audit = api.get("/v1/audit?limit=200").await.json();
    let acts: Vec<&str> = audit["items"].as_array().unwrap().iter().filter_map(|act| act["action"].as_str()).collect();
    for act in ["case.opened", "case.taken", "case.called_back", "case.closed", "case.reopened"] {
        assert!(acts.contains(&act), "{act} in {acts:?}");
    }
    let closing = audit["items"].as_array().unwrap().iter().find(|act| act["action"] == "case.closed").unwrap();
    assert_eq!((&closing["before"]["status"], &closing["after"]["status"]), (&json!("in_progress"), &json!("closed")));
    assert!(!audit.to_string().contains("12345678") && !audit.to_string().contains("61111122"), "{audit}");
    must_verify(&*api.world.books.audit).await;
});

on_every_store!(of_two_who_take_a_case_one_has_it, async |books| {
    let api = TestApi::over(books, Vec::new()).await;
    let recharge = sell(&api, "a", "+212612345678").await;
    let case = open(&api, &complaint("call-1", &recharge)).await;
    let other = carer(&api, "colleague", &[Scope::CareRead, Scope::CareWrite], "root").await;
    let take = json!({ "action": "take" });
    let (first, second) =
        tokio::join!(change(&api, &case, "\"1\"", take.clone()), change_as(&api, &other, &case, "\"1\"", take.clone()));
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "{} {}", first.text(), second.text());
    // And of two who open one case at once.
    let body = complaint("call-2", &recharge).to_string();
    let (one, two) = tokio::join!(api.post("/v1/cases", body.clone()), api.post("/v1/cases", body));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!((statuses, &one.json()["id"]), ([200, 201], &two.json()["id"]));
    must_verify(&*api.world.books.audit).await;
});

on_every_store!(who_may_see_what_of_a_case, async |books| {
    let api = TestApi::over(books, Vec::new()).await;
    let recharge = sell(&api, "a", "+212612345678").await;
    let case = open(&api, &complaint("call-1", &recharge)).await;
    let path = format!("/v1/cases/{}", case["id"].as_str().unwrap());
    let shop = carer(&api, "shop", &[Scope::CareRead], "shop-1").await;
    let seen = get_as(&api, &shop, &path).await.json();
    assert_eq!((&seen["msisdn"], &seen["call_back"]), (&json!("2126••••78"), &json!("2126••••22")));
    let elsewhere = carer(&api, "elsewhere", &Scope::ALL, "shop-2").await;
    get_as(&api, &elsewhere, &path).await.problem(404, "not_found");
    assert_eq!(get_as(&api, &elsewhere, "/v1/cases").await.json()["items"], json!([]));
    change_as(&api, &elsewhere, &case, "*", json!({ "action": "take" })).await.problem(404, "not_found");
    change_as(&api, &shop, &case, "*", json!({ "action": "take" })).await.problem(403, "insufficient_scope");
    // Without a reseller it is its partner's.
    let numbers = json!({
        "external_id": "call-2", "complaint": "other", "msisdn": "0612345678", "sold_at": "2026-11-22T07:00:00Z",
        "call_back": "0661111122"
    });
    let own = open(&api, &numbers).await;
    let root = carer(&api, "other partner", &Scope::ALL, "root").await;
    get_as(&api, &root, &format!("/v1/cases/{}", own["id"].as_str().unwrap())).await.problem(404, "not_found");
    assert_eq!(get_as(&api, &root, "/v1/cases").await.json()["items"].as_array().unwrap().len(), 1);
    let unknown = "/v1/cases/cas_01939f3e-7c00-8000-8000-000000000001";
    for path in [unknown, "/v1/cases/x"] {
        api.get(path).await.problem(404, "not_found");
    }
});

on_every_store!(a_bad_case_is_not_opened, async |books| {
    let api = TestApi::over(books, Vec::new()).await;
    let recharge = sell(&api, "a", "+212612345678").await;
    let good = complaint("call-1", &recharge);
    let spoiled = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body.to_string()
    };
    for (name, value) in [
        ("complaint", json!("rude")),
        ("recharge_id", json!("rch_1")),
        ("call_back", json!("0512345678")),
        ("msisdn", json!("0612345678")),
        ("sold_at", json!("2026-11-22T07:00:00Z")),
        ("note", json!("a\u{7}b")),
    ] {
        let errors = api.post("/v1/cases", spoiled(name, value)).await.problem(422, "validation_failed");
        assert!(errors.iter().any(|error| error.starts_with(&format!("/{name} "))), "{name}: {errors:?}");
    }
    api.post("/v1/cases", spoiled("note", json!("card 4111 1111 1111 1111"))).await.problem(422, "card_data_refused");
    api.post("/v1/cases", spoiled("owner", json!("me"))).await.problem(400, "invalid_body");
    let none = json!({ "external_id": "x", "complaint": "other", "call_back": "0661111122" }).to_string();
    let errors = api.post("/v1/cases", none).await.problem(422, "validation_failed");
    assert_eq!(errors, ["/msisdn missing", "/sold_at missing"]);
    api.post("/v1/cases", spoiled("recharge_id", json!("rch_01939f3e-7c00-7000-8000-000000000001")))
        .await
        .problem(404, "not_found");
    assert_eq!(list(&api, "").await, [""; 0]);

    let case = open(&api, &good).await;
    for (body, field) in [
        (json!({ "action": "note" }), "/note missing"),
        (json!({ "action": "call_back" }), "/result missing"),
        (json!({ "action": "close" }), "/outcome missing"),
        (json!({ "action": "take", "outcome": "explained" }), "/outcome invalid"),
        (json!({ "action": "dance" }), "/action invalid"),
        (json!({}), "/action missing"),
    ] {
        assert_eq!(change(&api, &case, "*", body).await.problem(422, "validation_failed"), [field]);
    }
    let card = json!({ "action": "note", "note": "4111-1111-1111-1111" });
    change(&api, &case, "*", card).await.problem(422, "card_data_refused");
    let path = format!("/v1/cases/{}", case["id"].as_str().unwrap());
    let bare = api.request("PATCH", &path).header(header::CONTENT_TYPE, "application/json");
    let bare = api.send(bare.body(Body::from(json!({ "action": "take" }).to_string())).unwrap()).await;
    bare.problem(428, "version_required");
    for query in ["status=taken", "owner=me", "overdue=yes", "cursor=x", "since=1"] {
        api.get(&format!("/v1/cases?{query}")).await.problem(400, "invalid_query");
    }
    assert_eq!(api.get(&path).await.header(header::ETAG), "\"1\"");
});

on_both! {
    async fn what_is_done_to_a_case_behind_our_back_is_found(db: &Database) {
        let api = TestApi::over(books_of(db), Vec::new()).await;
        let recharge = sell(&api, "a", "+212612345678").await;
        let case = open(&api, &complaint("call-1", &recharge)).await;
        let id = case["id"].as_str().unwrap();
        let verify = async || {
            let options = taabia::reports::verify::Options::default();
            taabia::reports::verify::verify(&*db.storage.audit, &options, &mut |_| {}).await.map_err(|e| e.to_string())
        };
        verify().await.unwrap();
        for (tamper, undo) in [
            (
                "UPDATE record SET content = replace(content, '\"not_received\"', '\"other\"') WHERE kind = 127",
                "UPDATE record SET content = replace(content, '\"other\"', '\"not_received\"') WHERE kind = 127",
            ),
            (
                "UPDATE case_number SET call_back = call_back + 1",
                "UPDATE case_number SET call_back = call_back - 1",
            ),
            (
                "UPDATE case_number SET subscriber = 212612345678",
                "UPDATE case_number SET subscriber = NULL",
            ),
        ] {
            assert_eq!(db.by_hand(tamper).await.unwrap(), 1, "{tamper}");
            let found = verify().await.unwrap_err();
            assert!(found.contains(id), "{tamper}: {found}");
            assert_eq!(db.by_hand(undo).await.unwrap(), 1);
            verify().await.unwrap();
        }
        db.by_hand("DELETE FROM case_number").await.unwrap();
        assert!(verify().await.unwrap_err().contains(id));
    }
}
