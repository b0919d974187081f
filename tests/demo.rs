//! The demonstration's outside world: resellers buy stock by card from the acquirer simulator, and sell it.

use serde_json::{Value, json};

use crate::support::program::{
    Api, Server, credentials, demo_json, http_client, order, processes_on_both, taabia_must, until,
};

async fn asked(address: &str, path: &str) -> Value {
    let body = http_client().get(format!("{address}{path}")).send().await.unwrap().bytes().await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

async fn a_reseller_tops_up_by_card_and_sells(data_dir: &std::path::Path, database: &str) {
    let folder = data_dir.display().to_string();
    let store = ["--data-dir", &folder, "--database-url", database];
    let never = "--set=topup.poll_interval_ms=3600000";
    let demo = [&["demo", "--no-traffic", "--listen=127.0.0.1:0", never], &store[..]].concat();
    let mut server = Server::start(&demo).await;
    let reseller = credentials(data_dir, "reseller");
    let api = Api::enter_as(&server.url, &reseller).await;
    let outlet = &reseller.resellers[0];
    let topup = |key: &str, token: &str| {
        json!({ "external_id": key, "reseller_id": outlet, "stock": "1000.00", "currency": "MAD",
            "payment_method": token })
    };
    let credited = api.post("/v1/topups", &topup("night-1", "tok_visa")).await.unwrap();
    assert_eq!((credited.status, &credited.body["status"]), (201, &json!("credited")), "{credited:?}");
    assert_eq!(credited.body["acquirer"], "simulator");
    let declined = api.post("/v1/topups", &topup("night-2", "tok_declined")).await.unwrap();
    assert_eq!(declined.body["decline"]["code"], "payment_declined", "{declined:?}");
    let sold = api.post("/v1/recharges", &order("sale-1", outlet, "+212612345678", "20.00")).await.unwrap();
    assert_eq!(sold.body["status"], "completed", "{sold:?}");

    // Nobody looks for so long: the acquirer tells by itself that the customer has paid.
    let mut paying = topup("night-3", "");
    paying.as_object_mut().unwrap().remove("payment_method");
    let paying = api.post("/v1/topups", &paying).await.unwrap().body;
    let form = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let form = form.post(paying["redirect_url"].as_str().unwrap());
    let form = form.header("content-type", "application/x-www-form-urlencoded").body("action=pay&token=tok_visa");
    assert_eq!(form.send().await.unwrap().status(), 303);
    let place = format!("/v1/topups/{}", paying["id"].as_str().unwrap());
    until("the notification", async || (api.get(&place).await.unwrap().body["status"] == "credited").then_some(()))
        .await;

    let acquirer = demo_json(data_dir)["acquirer_simulator"].as_str().unwrap().to_owned();
    let due = asked(&acquirer, "/summary").await;
    assert_eq!(due["MAD"]["captured_count"], 2, "{due}");
    server.terminate();
    assert!(server.ended().await.success(), "{}", server.log());

    // Its books are durable, and links to its page still lead there.
    let server = Server::start(&demo).await;
    assert_eq!(demo_json(data_dir)["acquirer_simulator"], acquirer);
    assert_eq!(asked(&acquirer, "/summary").await, due);
    let api = Api::enter_as(&server.url, &reseller).await;
    let replayed = api.post("/v1/topups", &topup("night-1", "tok_visa")).await.unwrap();
    assert_eq!((replayed.status, &replayed.body["id"]), (200, &credited.body["id"]));
    taabia_must(&[&["verify"], &store[..]].concat()).await;
}

processes_on_both!(a_reseller_tops_up_by_card_and_sells);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_traffic_tops_up() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().display().to_string();
    let server = Server::start(&["demo", "--listen=127.0.0.1:0", "--data-dir", &data_dir]).await;
    let auditor = Api::enter_as(&server.url, &credentials(folder.path(), "auditor")).await;
    let outlet = until("a top-up of the traffic", async || {
        let topups = auditor.get("/v1/topups").await.unwrap().body;
        topups["items"][0]["reseller_id"].as_str().map(str::to_owned)
    })
    .await;
    until("a sale after it", async || {
        let sales = auditor.get(&format!("/v1/recharges?reseller_id={outlet}")).await.unwrap().body;
        sales["items"].as_array().filter(|sales| !sales.is_empty()).map(drop)
    })
    .await;
}

/// An acquirer of that name in the configuration is the operator's: no simulator runs, and the traffic pays nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configured_acquirer_stands() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().display().to_string();
    let set = ["--set=acquirers.simulator.kind=simulator", "--set=acquirers.simulator.url=http://127.0.0.1:9"];
    let line = ["demo", "--no-traffic", "--listen=127.0.0.1:0", "--data-dir", &data_dir];
    let server = Server::start(&[&line[..], &set].concat()).await;
    assert_eq!(demo_json(folder.path())["acquirer_simulator"], Value::Null);
    assert!(!folder.path().join("acquirer").exists());
    let reseller = credentials(folder.path(), "reseller");
    let api = Api::enter_as(&server.url, &reseller).await;
    let body = json!({ "external_id": "t", "reseller_id": reseller.resellers[0], "stock": "100.00",
        "currency": "MAD", "payment_method": "tok_visa" });
    let refused = api.post("/v1/topups", &body).await.unwrap();
    assert_eq!(refused.body["status"], "declined", "nobody answers there: {refused:?}");
}

/// The whole demo over a real charging protocol, with the faults of the simulator.
async fn sold_over(protocol: &str) {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().display().to_string();
    let quick = ["--set=recharge.charging_deadline_ms=1500", "--set=doubt.lookup_horizon_ms=500"];
    let line = ["demo", "--listen=127.0.0.1:0", "--data-dir", &data_dir, "--charging", protocol];
    let mut server = Server::start(&[&line[..], &quick].concat()).await;
    let atm = credentials(folder.path(), "atm");
    let api = Api::enter_as(&server.url, &atm).await;
    let sell = async |ending: u32| {
        let msisdn = format!("+2126123456{ending:02}");
        api.post("/v1/recharges", &order(&format!("sale-{ending}"), &atm.resellers[0], &msisdn, "20.00")).await.unwrap()
    };
    for (ending, status, decline) in [
        (10, "completed", Value::Null),
        (2, "declined", json!("subscriber_unknown")),
        (3, "declined", json!("subscriber_barred")),
        (4, "declined", json!("charging_declined")),
    ] {
        let sold = sell(ending).await;
        let found = (&sold.body["status"], &sold.body["decline"]["code"]);
        assert_eq!(found, (&json!(status), &decline), "{ending}: {sold:?}");
    }
    let becomes = async |id: &Value, status: &str| {
        let place = format!("/v1/recharges/{}", id.as_str().unwrap());
        until(status, async || (api.get(&place).await.unwrap().body["status"] == status).then_some(())).await;
    };
    // Carried out and never answered, or answered by an error: TMF654 tells of it by an event, UCIP leaves it in doubt.
    for ending in [0, 5] {
        let sold = sell(ending).await;
        becomes(&sold.body["id"], if protocol == "tmf654" { "completed" } else { "in_doubt" }).await;
    }
    // Lost: TMF654 has an inquiry that finds nothing.
    let lost = sell(1).await;
    becomes(&lost.body["id"], if protocol == "tmf654" { "declined" } else { "in_doubt" }).await;

    let ready = asked_text(&server.url, "/readyz").await;
    assert_eq!(ready, "ok\ncharging main: well");
    let auditor = Api::enter_as(&server.url, &credentials(folder.path(), "auditor")).await;
    until("live traffic", async || {
        let done = auditor.get("/v1/recharges?status=completed&limit=5").await.unwrap().body;
        (done["items"].as_array().unwrap().len() >= 5).then_some(())
    })
    .await;
    let simulator = demo_json(folder.path())["charging_simulator"].as_str().unwrap().to_owned();
    let calls = reqwest::Client::builder().no_proxy().build().unwrap();
    let path = if protocol == "ucip" { "Air" } else { "tmf-api/prepayBalanceManagement/v4/topupBalance" };
    let stranger = calls.post(format!("{simulator}/{path}")).header("user-agent", "UGw Server/5.0/1.0").body("x");
    assert_eq!(stranger.send().await.unwrap().status(), 401, "it asks for the secret of this run");
    server.terminate();
    assert!(server.ended().await.success(), "{}", server.log());
    taabia_must(&["verify", "--data-dir", &data_dir]).await;
}

async fn asked_text(address: &str, path: &str) -> String {
    http_client().get(format!("{address}{path}")).send().await.unwrap().text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sold_over_ucip() {
    sold_over("ucip").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sold_over_tmf654() {
    sold_over("tmf654").await;
}
