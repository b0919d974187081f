//! `kill -9` of the server at each step of a recharge that a subscriber pays for by card, with acquirer and charging system
//! outside: it is sold once or the money goes back, and our books are those of both. `TAABIA_CRASH_SEED` repeats the
//! moments; it is printed.

use std::path::Path;

use serde_json::{Value, json};
use taabia::ports::Clock;

use crate::crash_topups::{Shop, When, acquirers, bank, minor};
use crate::support::partners::{QUICK_DOUBT, applied, simulator};
use crate::support::program::{Api, Server, credentials, processes_on_both, taabia_must, until};
use crate::support::{RealClock, SeededRandomness, setting};

struct Step {
    key: String,
    token: &'static str,
    /// The last digits of the number, which say what the charging system does.
    ending: u64,
    when: When,
    /// How top-up and recharge must end; `None`: in any way in which all books agree.
    ends: Option<[&'static str; 2]>,
}

const SOLD: Option<[&str; 2]> = Some(["credited", "completed"]);
const GIVEN_BACK: Option<[&str; 2]> = Some(["refunded", "declined"]);

fn steps(random: &SeededRandomness) -> Vec<Step> {
    let step = |key: &str, token, ending, when, ends| Step { key: key.into(), token, ending, when, ends };
    let mut steps = vec![
        // Nothing is taken: nothing is sold.
        step("asked in vain", "tok_timeout_not_applied", 10, When::Ours("processing"), Some(["declined", "pending"])),
        step("not paid", "tok_insufficient_funds", 11, When::Ours("declined"), Some(["declined", "pending"])),
        // The card is charged, and the stock has not come, or nothing is sold yet.
        step("charged, not told", "tok_timeout_applied", 12, When::Theirs("captured"), SOLD),
        // Between the entry that says "submitted" and the call that it is about nothing was sent: then the charging system
        // does not know of it, and the money goes back.
        step("charged", "tok_visa", 13, When::Theirs("captured"), None),
        step("credited", "tok_visa", 6, When::Ours("credited"), None),
        step("recharge submitted", "tok_visa", 6, When::Recharge("submitted"), None),
        // The charging system is asked, and answers never, or with an error.
        step("in doubt, applied", "tok_visa", 0, When::Recharge("in_doubt"), SOLD),
        step("in doubt, error told", "tok_visa", 5, When::Recharge("in_doubt"), SOLD),
        step("in doubt, not applied", "tok_visa", 1, When::Recharge("in_doubt"), GIVEN_BACK),
        // It said no, and the money is on its way back.
        step("declined", "tok_visa", 2, When::Recharge("declined"), GIVEN_BACK),
        step("given back", "tok_visa", 3, When::GivenBack, GIVEN_BACK),
        step("given back, not told", "tok_refund_timeout_applied", 2, When::GivenBack, GIVEN_BACK),
        // At its end.
        step("sold", "tok_visa", 14, When::Recharge("completed"), SOLD),
        step("refunded", "tok_visa", 4, When::Ours("refunded"), GIVEN_BACK),
    ];
    // Anywhere from before it is stored to after its end. What became of the payment by then decides.
    for (number, ending) in [15, 2, 16, 3].into_iter().enumerate() {
        let when = When::After(random.next() % 150_000);
        steps.push(step(&format!("any {number}"), "tok_visa", ending, when, None));
    }
    steps
}

/// A recharge of 20.00 of its own number from the house, which is the first outlet.
fn order(shop: &Shop, step: &Step, number: usize) -> Value {
    json!({ "external_id": step.key, "reseller_id": shop.reseller.resellers[0], "stock": "20.00", "currency": "MAD",
        "acquirer": "bank", "payment_method": step.token,
        "recharge": { "msisdn": format!("+2126{number:06}{:02}", step.ending), "channel": "web" } })
}

/// The code of the house, by which a server is told of it.
async fn house(demo: &[&str], data_dir: &Path) -> String {
    let mut server = Server::start(demo).await;
    let api = Api::enter_as(&server.url, &credentials(data_dir, "auditor")).await;
    let outlet = &credentials(data_dir, "reseller").resellers[0];
    let reseller = api.get(&format!("/v1/resellers/{outlet}")).await.unwrap().body;
    server.kill();
    reseller["code"].as_str().unwrap_or_else(|| panic!("no code: {reseller}")).to_owned()
}

/// What became of a step once all is at its end, compared with the acquirer's payment; whether the recharge was sold.
async fn ended(shop: &Shop, api: &Api, step: &Step) -> bool {
    let topup = until(&step.key, async || {
        let topup = shop.ours(api, &step.key).await?;
        let open = topup["status"] != "declined" && topup["recharge"]["status"] == "pending";
        (topup["final"] == true && !open).then_some(topup)
    })
    .await;
    if let Some([status, recharge]) = step.ends {
        assert_eq!((&topup["status"], &topup["recharge"]["status"]), (&json!(status), &json!(recharge)), "{topup}");
    }
    let theirs = shop.theirs().await;
    let payments: Vec<_> = theirs.iter().filter(|payment| payment["order"] == topup["id"]).collect();
    assert!(payments.len() <= 1, "{}: {payments:?}", step.key);
    for name in ["captured", "refunded"] {
        let there = payments.first().map_or(0, |payment| payment[format!("{name}_minor")].as_i64().unwrap());
        assert_eq!(minor(&topup[name]), there, "{}: {topup} {payments:?}", step.key);
    }
    let sold = topup["recharge"]["status"] == "completed";
    assert_eq!(minor(&topup["captured"]) > minor(&topup["refunded"]), sold, "{}: {topup}", step.key);
    if sold {
        let recharge = api.get(&format!("/v1/recharges/{}", topup["recharge"]["id"].as_str().unwrap())).await.unwrap();
        assert_eq!(recharge.body["status"], "completed", "{}", step.key);
    }
    sold
}

async fn killed_at_each_step(data_dir: &Path, database: &str) {
    let seed = setting("TAABIA_CRASH_SEED", RealClock.now().unix_ms().unsigned_abs());
    println!("TAABIA_CRASH_SEED={seed}");
    let random = SeededRandomness::new(seed);
    let folder = data_dir.display().to_string();
    let (bank, charging) = (bank(data_dir).await, simulator(&data_dir.join("charging")).await);
    let (acquirers, charging_url) = (acquirers(&bank), format!("http://{}", charging.addr()));
    let store = ["--data-dir", &folder, "--database-url", database];
    // What was paid out of commissions would stand in the outlet's stock.
    // Rounds of inquiries are rare enough for doubt to be seen.
    let rare = ["--set=commission.payout_every_s=0", "--set=doubt.poll_interval_ms=1000"];
    let demo = [&["demo", "--no-traffic", "--charging-url", &charging_url], &store[..], &QUICK_DOUBT, &rare].concat();
    let house = format!("--set=topup.house_reseller={}", house(&demo, data_dir).await);
    let demo: Vec<&str> = demo.into_iter().chain(acquirers.iter().map(String::as_str)).chain([&*house]).collect();

    let mut server = Server::start(&demo).await;
    let shop = Shop::of(data_dir, &bank);
    let mut api = Api::enter_as(&server.url, &shop.reseller).await;
    let before = shop.posted(&api).await;
    let steps = steps(&random);
    for (number, step) in steps.iter().enumerate() {
        let known = shop.theirs().await.len();
        let buying = tokio::spawn({
            let (api, body) = (api.clone(), order(&shop, step, number));
            async move { api.post("/v1/topups", &body).await }
        });
        shop.moment_of(&api, &step.key, &step.when, known).await;
        server.kill();
        buying.abort();
        server = Server::start(&demo).await;
        api = Api::enter_as(&server.url, &shop.reseller).await;
        println!("killed at: {}", step.key);
    }
    let mut sold = 0;
    for (number, step) in steps.iter().enumerate() {
        // The same key again, as a client does that was told nothing: a replay, or the first time that it arrives.
        let again = api.post("/v1/topups", &order(&shop, step, number)).await.unwrap();
        assert!(matches!(again.status, 200..=202), "{}: {again:?}", step.key);
        sold += i64::from(ended(&shop, &api, step).await);
    }
    assert_eq!(shop.posted(&api).await, before, "bought and sold, or given back");
    assert_eq!(applied(&charging_url).await, json!({ "count": sold, "total_minor": 2_000 * sold }));
    let charged = shop.theirs().await.iter().filter(|it| it["captured_minor"] != it["refunded_minor"]).count();
    assert_eq!(i64::try_from(charged).unwrap(), sold, "nobody paid for nothing");
    let verify = [&["verify"], &store[..]].concat();
    assert!(taabia_must(&verify).await.contains("The books are right"), "on a live store");
    server.terminate();
    assert!(server.ended().await.success(), "{}", server.log());
    assert!(taabia_must(&verify).await.contains("The books are right"), "on a stopped store");
    charging.shutdown().await;
}

processes_on_both!(killed_at_each_step);
