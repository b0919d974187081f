//! What is refused, how, and that nothing is written then.

use axum::body::Body;
use axum::http::header;
use serde_json::{Value, json};

use crate::support::api::TestApi;

fn with(mut body: Value, name: &str, value: Value) -> String {
    body[name] = value;
    body.to_string()
}

/// Nothing of `shop-1`'s stock moved and no key was taken.
async fn nothing_was_written(api: &TestApi) {
    assert_eq!(api.get("/v1/recharges").await.json()["items"], json!([]));
    let stock = api.world.stock("shop-1").await;
    assert_eq!((stock.posted, stock.held), (200_000, 0));
}

#[tokio::test]
async fn unexpected_json_is_a_bad_request() {
    let api = TestApi::new().await;
    let good = api.recharge("k");
    let text = good.to_string();
    for malformed in [
        "",
        " ",
        "{",
        "{}{}",
        "nonsense",
        "{\"a\":}",
        "{'a':1}",
        "[1,",
        "\u{feff}{}",
        "{\"external_id\": \"\u{0}\"}",
        "{\"external_id\": \"\\ud800\"}",
        "{\"a\": 01}",
        &format!("{text}x"),
    ] {
        api.post("/v1/recharges", malformed.to_owned()).await.problem(400, "malformed_json");
    }
    api.post("/v1/recharges", b"{\"external_id\": \"\xff\"}".to_vec()).await.problem(400, "malformed_json");

    for (body, expected) in [
        ("[]".to_owned(), " wrong_type"),
        ("null".into(), " wrong_type"),
        ("\"text\"".into(), " wrong_type"),
        ("17".into(), " wrong_type"),
        (with(good.clone(), "amount", json!(20)), "/amount wrong_type"),
        (with(good.clone(), "amount", json!(20.5)), "/amount wrong_type"),
        (with(good.clone(), "amount", json!(null)), "/amount wrong_type"),
        (with(good.clone(), "msisdn", json!(212_612_345_678_u64)), "/msisdn wrong_type"),
        (with(good.clone(), "external_id", json!(["a"])), "/external_id wrong_type"),
        (with(good.clone(), "channel", json!({"a": "atm"})), "/channel wrong_type"),
        (with(good.clone(), "allow_repeat", json!("true")), "/allow_repeat wrong_type"),
        (with(good.clone(), "allow_repeat", json!(1)), "/allow_repeat wrong_type"),
        (with(good.clone(), "amout", json!("20.00")), "/amout unknown"),
        (with(good.clone(), "a/b~c", json!("x")), "/a~1b~0c unknown"),
        (with(good.clone(), "Amount", json!("20.00")), "/Amount unknown"),
        (text.replacen('{', "{\"amount\":\"5.00\",", 1), "/amount duplicate"),
    ] {
        let pointers = api.post("/v1/recharges", body.clone()).await.problem(400, "invalid_body");
        assert_eq!(pointers, [expected], "{body}");
    }
    nothing_was_written(&api).await;
}

#[tokio::test]
async fn deep_nesting_and_size_are_refused() {
    let api = TestApi::new().await;
    for depth in [200, 7_000] {
        let arrays = format!("{{\"external_id\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
        api.post("/v1/recharges", arrays).await.problem(400, "invalid_body");
        let objects = format!("{}1{}", "{\"a\":".repeat(depth.min(2_000)), "}".repeat(depth.min(2_000)));
        assert_eq!(api.post("/v1/recharges", objects).await.status, 400);
        api.post("/v1/recharges", "[".repeat(depth)).await.problem(400, "malformed_json");
    }
    let many: Value = (0..2_000).map(|n| (format!("f{n}"), json!(1))).collect::<serde_json::Map<_, _>>().into();
    let errors = api.post("/v1/recharges", many.to_string()[..].replace(' ', "")).await;
    assert!(matches!(errors.status.as_u16(), 400 | 413));

    let large = with(api.recharge("k"), "external_id", json!("x".repeat(16 * 1024)));
    api.post("/v1/recharges", large.clone()).await.problem(413, "payload_too_large");
    let chunks = futures::stream::iter(
        large.into_bytes().chunks(1_000).map(<[u8]>::to_vec).map(Ok::<_, std::io::Error>).collect::<Vec<_>>(),
    );
    api.post("/v1/recharges", Body::from_stream(chunks)).await.problem(413, "payload_too_large");
    nothing_was_written(&api).await;
}

#[tokio::test]
async fn bad_values_are_told_all_at_once() {
    let api = TestApi::new().await;
    let good = api.recharge("k");
    let long = "x".repeat(65);
    let cases: Vec<(&str, Vec<&str>)> = vec![
        (
            "amount",
            vec![
                "",
                "1e3",
                "-5",
                "+5",
                "0",
                "0.00",
                "20.001",
                "NaN",
                "inf",
                "9999999999999999999.00",
                " 5",
                "5 ",
                "٢٠",
                "1,000",
                "0x10",
                "5.",
            ],
        ),
        (
            "msisdn",
            vec![
                "",
                "+",
                "+21261234567",
                "+2126123456789",
                "+2126123A5678",
                "+٢١٢٦١٢٣٤٥٦٧٨",
                "٠٦١٢٣٤٥٦٧٨",
                "+33612345678",
                "+212512345678",
                "+212 612345678",
                "612345678",
            ],
        ),
        ("external_id", vec!["", &long, "é"]),
        (
            "reseller_id",
            vec![
                "",
                "shop-1",
                "rsl_",
                "rch_01939f3e-7c00-7000-8000-00000000000a",
                "rsl_01939F3E-7C00-7000-8000-00000000000A",
            ],
        ),
        ("currency", vec!["", "EUR", "mad", "XXX"]),
        ("product", vec!["", "AIRTIME", "air time", "é", "a@1"]),
        ("channel", vec!["", "ATM", "fax"]),
        ("terminal_id", vec!["", &long, "é"]),
    ];
    for (name, values) in cases {
        for value in values {
            let answer = api.post("/v1/recharges", with(good.clone(), name, json!(value))).await;
            assert_eq!(answer.problem(422, "validation_failed"), [format!("/{name} invalid")], "{value}");
            let harmless = value.len() <= 4 || "+212612345678".contains(value);
            assert!(harmless || !answer.text().contains(value), "what was sent is not repeated: {value}");
        }
    }
    let answer = api.post("/v1/recharges", "{\"amount\": \"x\", \"terminal_id\": \"\"}").await;
    let expected = [
        "/external_id missing",
        "/reseller_id missing",
        "/msisdn missing",
        "/amount invalid",
        "/currency missing",
        "/channel missing",
        "/terminal_id invalid",
    ];
    assert_eq!(answer.problem(422, "validation_failed"), expected);
    api.post("/v1/recharges/void", "{}").await.problem(422, "validation_failed");
    nothing_was_written(&api).await;
}

#[tokio::test]
async fn control_characters_are_refused_in_every_text() {
    let api = TestApi::new().await;
    for name in ["external_id", "reseller_id", "msisdn", "amount", "currency", "product", "channel", "terminal_id"] {
        for control in ["\u{0}", "\n", "\u{1b}", "\u{7f}", "\u{85}"] {
            let value = format!("{}{control}", api.recharge("k")[name].as_str().unwrap());
            let answer = api.post("/v1/recharges", with(api.recharge("k"), name, json!(value))).await;
            assert_eq!(answer.problem(422, "validation_failed"), [format!("/{name} control_characters")]);
        }
    }
    nothing_was_written(&api).await;
}

#[tokio::test]
async fn card_numbers_never_enter() {
    let api = TestApi::new().await;
    for name in ["external_id", "reseller_id", "amount", "currency", "product", "channel", "terminal_id"] {
        for card in ["4242424242424242", "5555-5555-5555-4444", "3782 822463 10005"] {
            let answer = api.post("/v1/recharges", with(api.recharge("k"), name, json!(card))).await;
            assert_eq!(answer.problem(422, "card_data_refused"), [format!("/{name} card_data_refused")], "{card}");
            assert!(!answer.text().contains(card), "it is not repeated");
        }
    }
    let void = json!({"reseller_id": api.world.id("shop-1").to_string(), "external_id": "4242424242424242"});
    api.post("/v1/recharges/void", void.to_string()).await.problem(422, "card_data_refused");
    nothing_was_written(&api).await;
    for fine in ["4242424242424241", "2026112208300001", "x4242424242424242", "42424242424242424242"] {
        assert_eq!(
            api.post("/v1/recharges", with(api.recharge(fine), "allow_repeat", json!(true))).await.status,
            201,
            "{fine}"
        );
    }
}

#[tokio::test]
async fn unknown_paths_methods_and_media_types() {
    let api = TestApi::new().await;
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v2/recharges",
        "/v1/recharges/",
        "/v1/recharges/x/y",
        "/v1/%00",
        "/docs/../x",
        "/v1/nothing",
    ] {
        api.get(path).await.problem(404, "not_found");
    }
    for id in
        ["x", "rch_", "rsl_01939f3e-7c00-7000-8000-00000000000a", "rch_01939f3e-7c00-7000-8000-00000000000a", "%ff"]
    {
        let answer = api.get(&format!("/v1/recharges/{id}")).await;
        assert!(matches!(answer.status.as_u16(), 404 | 400), "{id}: {}", answer.text());
    }
    for (method, path, allow) in [
        ("DELETE", "/v1/recharges", "GET,HEAD,POST"),
        ("PUT", "/v1/whoami", "GET,HEAD"),
        ("GET", "/oauth/token", "POST"),
        ("BREW", "/livez", "GET,HEAD"),
    ] {
        let answer = api.send(api.request(method, path).body(Body::empty()).unwrap()).await;
        answer.problem(405, "method_not_allowed");
        let mut allowed: Vec<_> = answer.header(header::ALLOW).split(',').map(str::trim).collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(","), allow, "{method} {path}");
    }
    for media_type in ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
        let request = api.request("POST", "/v1/recharges").header(header::CONTENT_TYPE, media_type);
        let request = request.body(Body::from(api.recharge("k").to_string())).unwrap();
        api.send(request).await.problem(415, "unsupported_media_type");
    }
    let request = api.request("POST", "/v1/recharges").header(header::CONTENT_TYPE, "Application/JSON; charset=utf-8");
    let answer = api.send(request.body(Body::from(api.recharge("k").to_string())).unwrap()).await;
    assert_eq!(answer.status, 201);
}

#[tokio::test]
async fn what_is_wrong_in_an_object_of_a_body_is_named_by_its_place() {
    let api = TestApi::new().await;
    let good = json!({
        "external_id": "own", "reseller_id": api.world.id("shop-1").to_string(), "stock": "10.00", "currency": "MAD",
        "recharge": { "msisdn": "0612345678" }
    });
    let card = "4242 4242 4242 4242";
    for (recharge, status, code, told) in [
        (json!("0612345678"), 400, "invalid_body", "/recharge wrong_type"),
        (json!(null), 400, "invalid_body", "/recharge wrong_type"),
        (json!({ "msisdn": 612_345_678 }), 400, "invalid_body", "/recharge/msisdn wrong_type"),
        (json!({ "msisdn": "0612345678", "a/b~c": 1 }), 400, "invalid_body", "/recharge/a~1b~0c unknown"),
        (json!({}), 422, "validation_failed", "/recharge/msisdn missing"),
        (json!({ "msisdn": "12" }), 422, "validation_failed", "/recharge/msisdn invalid"),
        (json!({ "msisdn": "0612345678", "channel": "fax" }), 422, "validation_failed", "/recharge/channel invalid"),
        (
            json!({ "msisdn": "0612345678", "product": card }),
            422,
            "card_data_refused",
            "/recharge/product card_data_refused",
        ),
        // Only the house reseller sells to subscribers.
        (json!({ "msisdn": "0612345678" }), 422, "validation_failed", "/reseller_id invalid"),
    ] {
        let answer = api.post("/v1/topups", with(good.clone(), "recharge", recharge)).await;
        assert_eq!(answer.problem(status, code), [told]);
    }
    let slash = with(good, "recharge/msisdn", json!("0612345678"));
    assert_eq!(api.post("/v1/topups", slash).await.problem(400, "invalid_body"), ["/recharge~1msisdn unknown"]);
    assert_eq!(api.get("/v1/topups").await.json()["items"], json!([]));
}
