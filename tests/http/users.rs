//! Users over HTTP: what is asked wrongly, and what is never shown.

use serde_json::{Value, json};
use taabia::services::Scope;

use crate::support::api::TestApi;

async fn made(api: &TestApi) -> String {
    let path = format!("/v1/resellers/{}/users", api.world.id("shop-1"));
    let answer = api.post(&path, json!({ "login": "amine", "name": "Amine تعبئة", "pin": "407193" }).to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert!(!answer.text().contains("407193") && !answer.text().contains("argon2"), "{}", answer.text());
    path
}

#[tokio::test]
async fn a_user_from_registration_to_a_new_pin() {
    let mut api = TestApi::new().await;
    let path = made(&api).await;
    let post =
        async |api: &TestApi, act: &str, body: Value| api.post(&format!("{path}/amine{act}"), body.to_string()).await;
    let taken = api.post(&path, json!({ "login": "amine", "name": "Other", "pin": "830517" }).to_string()).await;
    taken.problem(409, "conflicting_state");
    assert_eq!(post(&api, "/pin-verification", json!({ "pin": "407193" })).await.json()["verified"], true);
    let change = json!({ "pin": "407193", "new_pin": "830517" });
    assert_eq!(post(&api, "/pin", change).await.json()["verified"], true);
    for attempt in 1..=6 {
        let answer = post(&api, "/pin-verification", json!({ "pin": "407193" })).await.json();
        assert_eq!((&answer["verified"], answer["locked_until"].is_string()), (&json!(false), attempt >= 5));
        assert_eq!(answer["reason"], if attempt == 6 { "locked" } else { "wrong_pin" });
    }
    let asked = post(&api, "/pin-reset", json!({ "reason": "forgotten" })).await;
    assert_eq!((asked.status.as_u16(), &asked.json()["reset"]["reason"]), (201, &json!("forgotten")));
    post(&api, "/pin-reset", json!({ "reason": "again" })).await.problem(409, "conflicting_state");
    let approval = json!({ "decision": "approve", "reason": "identity card seen" });
    post(&api, "/pin-reset/approval", approval.clone()).await.problem(403, "four_eyes");
    let checker = api.access.client("checker", &Scope::ALL, &[api.world.id("root")]).await;
    api.token = api.access.token(&checker).await;
    let decided = post(&api, "/pin-reset/approval", approval.clone()).await.json();
    let pin = decided["pin"].as_str().unwrap().to_owned();
    assert_eq!(decided["user"]["must_change_pin"], true);
    post(&api, "/pin-reset/approval", approval).await.problem(409, "conflicting_state");
    let proof = post(&api, "/pin-verification", json!({ "pin": pin })).await.json();
    assert_eq!((&proof["verified"], &proof["must_change_pin"]), (&json!(false), &json!(true)));
    assert_eq!(proof["reason"], "must_change_pin");
    assert!(proof["cooling_off_until"].is_string());

    // Who did it is on the log; what was done with the PIN alone is not.
    let audit = api.get("/v1/audit?limit=200").await;
    let actions: Vec<String> =
        audit.json()["items"].as_array().unwrap().iter().map(|i| i["action"].to_string()).collect();
    let expected = ["user.pin_reset", "user.pin_reset_requested", "user.pin_changed", "user.created"];
    assert_eq!(actions, expected.map(|action| format!("\"{action}\"")));
    assert_eq!(audit.json()["items"][0]["reason"], "identity card seen");
    assert!(!audit.text().contains("argon2") && !audit.text().contains(&pin), "secrets are not shown");
}

#[tokio::test]
async fn unfit_users_and_pins_are_refused() {
    let api = TestApi::new().await;
    let path = made(&api).await;
    let good = json!({ "login": "samira", "name": "Samira", "pin": "407193" });
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body.to_string()
    };
    for (field, value) in [
        ("pin", json!("1234")),
        ("pin", json!("000000")),
        ("pin", json!("123")),
        ("pin", json!("123456789")),
        ("pin", json!("40719a")),
        ("pin", json!("٤٠٧١")),
        ("login", json!("")),
        ("login", json!("Amine")),
        ("login", json!("a b")),
        ("login", json!("x".repeat(33))),
        ("name", json!("")),
        ("name", json!(" Amine")),
        ("name", json!("x".repeat(65))),
    ] {
        let pointers = api.post(&path, with(field, value.clone())).await.problem(422, "validation_failed");
        assert_eq!(pointers, [format!("/{field} invalid")], "{value}");
    }
    let control = api.post(&path, with("name", json!("a\u{0}b"))).await.problem(422, "validation_failed");
    assert_eq!(control, ["/name control_characters"]);
    let card = api.post(&path, with("name", json!("4242424242424242"))).await;
    card.problem(422, "card_data_refused");
    assert_eq!(api.post(&path, with("pin", json!(407_193))).await.problem(400, "invalid_body"), ["/pin wrong_type"]);
    assert_eq!(api.post(&path, with("role", json!("x"))).await.problem(400, "invalid_body"), ["/role unknown"]);
    let same = json!({ "pin": "407193", "new_pin": "407193" }).to_string();
    let pointers = api.post(&format!("{path}/amine/pin"), same).await.problem(422, "validation_failed");
    assert_eq!(pointers, ["/new_pin invalid"]);
    let pin = json!({ "pin": "407193" }).to_string();
    for login in ["nobody", "Amine", "a%20b", "%D8%A7", "x%00"] {
        api.post(&format!("{path}/{login}/pin-verification"), pin.clone()).await.problem(404, "not_found");
    }
    let stranger = format!("/v1/resellers/{}/users", api.world.id("stranger"));
    api.post(&stranger, good.to_string()).await.problem(404, "not_found");
    for query in ["limit=0", "cursor=AQAA", "cursor=x", "login=amine"] {
        api.get(&format!("{path}?{query}")).await.problem(400, "invalid_query");
    }
    let decision = json!({ "decision": "maybe", "reason": "x" }).to_string();
    let refused = api.post(&format!("{path}/amine/pin-reset/approval"), decision).await;
    assert_eq!(refused.problem(422, "validation_failed"), ["/decision invalid"]);
}

#[tokio::test]
async fn users_are_listed_by_login_in_pages() {
    let api = TestApi::new().await;
    let path = made(&api).await;
    for login in ["zineb", "badr", "hind"] {
        let user = json!({ "login": login, "name": login, "pin": "407193" });
        assert_eq!(api.post(&path, user.to_string()).await.status, 201);
    }
    let (mut at, mut seen) = (format!("{path}?limit=3"), Vec::new());
    loop {
        let page = api.get(&at).await.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|user| user["login"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        at = format!("{path}?limit=3&cursor={cursor}");
    }
    assert_eq!(seen, ["amine", "badr", "hind", "zineb"]);
}
