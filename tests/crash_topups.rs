//! `kill -9` of the server at each step of a top-up, with the acquirer as a process of its own: every top-up ends, no
//! card is charged twice, and our books are the acquirer's. `TAABIA_CRASH_SEED` repeats the moments; it is printed.

use std::time::Duration;

use serde_json::{Value, json};
use taabia::ports::Clock;

use crate::support::program::{
    Api, Credentials, Server, credentials, http_client, processes_on_both, taabia_must, until,
};
use crate::support::{RealClock, SeededRandomness, setting};

/// When the server is killed.
pub enum When {
    /// So many microseconds after the order was sent: anywhere from before it is stored to after it is credited.
    After(u64),
    /// As soon as a caller sees it so.
    Ours(&'static str),
    /// As soon as the acquirer has it so.
    Theirs(&'static str),
    /// As soon as the recharge that it is for is so, or past it: doubt may last for less than the pause of a busy machine.
    Recharge(&'static str),
    /// As soon as the acquirer has given the money back.
    GivenBack,
}

struct Step {
    key: String,
    acquirer: &'static str,
    token: Option<&'static str>,
    when: When,
    /// How it must end; `None`: either way, as long as both books agree.
    ends: Option<&'static str>,
}

fn steps(random: &SeededRandomness) -> Vec<Step> {
    let step =
        |key: &str, acquirer, token, when, ends| Step { key: key.into(), acquirer, token: Some(token), when, ends };
    let mut steps = vec![
        // Asked, and nothing has come of it yet.
        step("asked in vain", "bank", "tok_timeout_not_applied", When::Ours("processing"), Some("declined")),
        // The card is charged, and its answer is lost or on its way.
        step("charged, not told", "bank", "tok_timeout_applied", When::Theirs("captured"), Some("credited")),
        step("charged, error told", "bank", "tok_error_applied", When::Theirs("captured"), Some("credited")),
        step("charged", "bank", "tok_visa", When::Theirs("captured"), Some("credited")),
        // Authorised, and the capture is next, under way, or done and not told.
        step("authorised", "manual", "tok_visa", When::Theirs("authorised"), Some("credited")),
        step("capture lost", "manual", "tok_capture_timeout_not_applied", When::Theirs("authorised"), None),
        step("captured, not told", "manual", "tok_capture_timeout_applied", When::Theirs("captured"), Some("credited")),
        // At its end.
        step("credited", "bank", "tok_visa", When::Ours("credited"), Some("credited")),
        step("declined", "bank", "tok_insufficient_funds", When::Ours("declined"), Some("declined")),
        // The customer pays while there is no server.
        Step { token: None, ..step("page", "bank", "", When::Ours("requires_action"), Some("credited")) },
        // Charged some time after the server is gone, so after the steps that wait for the next charge.
        step("asked, charged later", "bank", "tok_slow", When::Ours("processing"), Some("credited")),
    ];
    for moment in 0..4 {
        let when = When::After(random.next() % 60_000);
        steps.push(Step { key: format!("any {moment}"), acquirer: "bank", token: Some("tok_visa"), when, ends: None });
    }
    steps
}

pub struct Shop {
    pub reseller: Credentials,
    bank: String,
}

impl Shop {
    pub fn of(data_dir: &std::path::Path, bank: &Server) -> Self {
        Self { reseller: credentials(data_dir, "reseller"), bank: bank.url.clone() }
    }

    fn order(&self, step: &Step) -> Value {
        let mut body = json!({ "external_id": step.key, "reseller_id": self.reseller.resellers[0], "stock": "100.00",
            "currency": "MAD", "acquirer": step.acquirer });
        if let Some(token) = step.token {
            body["payment_method"] = json!(token);
        }
        body
    }

    /// The top-up of a key, as the API shows it.
    pub async fn ours(&self, api: &Api, key: &str) -> Option<Value> {
        let query: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("reseller_id", &self.reseller.resellers[0])
            .append_pair("external_id", key)
            .finish();
        let found = api.get(&format!("/v1/topups?{query}")).await.unwrap().body;
        Some(found["items"][0].clone()).filter(|item| !item.is_null())
    }

    /// What was posted on the first outlet's stock, in minor units.
    pub async fn posted(&self, api: &Api) -> i64 {
        let balance = api.get(&format!("/v1/resellers/{}/balance", self.reseller.resellers[0])).await.unwrap().body;
        minor(&balance["posted"])
    }

    /// The acquirer's payments, the newest last.
    pub async fn theirs(&self) -> Vec<Value> {
        let answer = http_client().get(format!("{}/payments?limit=1000", self.bank)).send().await.unwrap();
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(body["next"], Value::Null, "one page");
        body["items"].as_array().unwrap().clone()
    }

    /// Waits for the moment to kill, with so many payments known before.
    pub async fn moment_of(&self, api: &Api, key: &str, when: &When, known: usize) {
        match *when {
            When::After(micros) => tokio::time::sleep(Duration::from_micros(micros)).await,
            When::Ours(status) => {
                until(status, async || self.ours(api, key).await.filter(|it| it["status"] == status)).await;
            }
            When::Recharge(status) => {
                until(status, async || {
                    let sold = self.ours(api, key).await?["recharge"]["id"].as_str()?.to_owned();
                    let recharge = api.get(&format!("/v1/recharges/{sold}")).await.unwrap().body;
                    (recharge["status"] == status || recharge["final"] == true).then_some(())
                })
                .await;
            }
            When::GivenBack => {
                until("a refund", async || {
                    let theirs = self.theirs().await;
                    (theirs.len() > known && theirs.last()?["refunded_minor"] != 0).then_some(())
                })
                .await;
            }
            When::Theirs(status) => {
                // In a tight loop: the answer is on its way to the server.
                let begun = tokio::time::Instant::now();
                loop {
                    let now = self.theirs().await;
                    if now.len() > known && now.last().unwrap()["status"] == status {
                        break;
                    }
                    // What is taken together with the next step is not seen in between.
                    if now.len() > known && now.last().unwrap()["status"] == "captured" {
                        break;
                    }
                    assert!(begun.elapsed() < Duration::from_mins(1), "{key}: {now:?}");
                }
            }
        }
    }
}

/// The acquirer, as a process of its own.
pub async fn bank(data_dir: &std::path::Path) -> Server {
    let record = data_dir.join("bank").display().to_string();
    Server::start(&["simulate", "acquirer", "--listen", "127.0.0.1:0", "--data-dir", &record]).await
}

/// It is two acquirers: one that captures at once, and one that is told to. Whatever is in doubt ends within seconds.
pub fn acquirers(bank: &Server) -> Vec<String> {
    let quick = [
        "--set=acquirers.manual.capture=manual",
        "--set=topup.acquirer_deadline_ms=1000",
        "--set=topup.lookup_horizon_ms=5000",
        "--set=topup.poll_interval_ms=100",
        "--set=topup.answer_within_ms=1500",
        "--set=topup.quote_s=30",
    ];
    let of = |name: &str| {
        ["kind=simulator", &format!("url={}", bank.url), "timeout_ms=1000", "breaker_failures=1000"]
            .map(|setting| format!("--set=acquirers.{name}.{setting}"))
    };
    [of("bank"), of("manual")].concat().into_iter().chain(quick.map(str::to_owned)).collect()
}

/// An amount of the API in minor units.
pub fn minor(amount: &Value) -> i64 {
    amount.as_str().unwrap().replace('.', "").parse().unwrap()
}

async fn killed_at_each_step(data_dir: &std::path::Path, database: &str) {
    let seed = setting("TAABIA_CRASH_SEED", RealClock.now().unix_ms().unsigned_abs());
    println!("TAABIA_CRASH_SEED={seed}");
    let random = SeededRandomness::new(seed);
    let folder = data_dir.display().to_string();
    let bank = bank(data_dir).await;
    let acquirers = acquirers(&bank);
    let acquirers: Vec<&str> = acquirers.iter().map(String::as_str).collect();
    let store = ["--data-dir", &folder, "--database-url", database];
    let demo =
        [&["demo", "--no-traffic", "--charging=in-process", "--listen=127.0.0.1:0"], &store[..], &acquirers].concat();
    let mut server = Server::start(&demo).await;
    let shop = Shop::of(data_dir, &bank);
    let mut api = Api::enter_as(&server.url, &shop.reseller).await;
    let before = shop.posted(&api).await;
    let steps = steps(&random);
    for step in &steps {
        let known = shop.theirs().await.len();
        let selling = tokio::spawn({
            let (api, body) = (api.clone(), shop.order(step));
            async move { api.post("/v1/topups", &body).await }
        });
        shop.moment_of(&api, &step.key, &step.when, known).await;
        server.kill();
        selling.abort();
        if step.token.is_none() {
            let payments = shop.theirs().await;
            let waiting = payments.iter().find(|payment| payment["status"] == "requires_action").unwrap();
            let page = waiting["redirect_url"].as_str().unwrap();
            // The way back leads to a server that is not there.
            let browser = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
            let form = browser.build().unwrap().post(page).header("content-type", "application/x-www-form-urlencoded");
            let paid = form.body("action=pay&token=tok_visa").send().await.unwrap();
            assert_eq!(paid.status(), 303, "{paid:?}");
        }
        server = Server::start(&demo).await;
        api = Api::enter_as(&server.url, &shop.reseller).await;
        println!("killed at: {}", step.key);
    }
    let mut credited = 0;
    for step in &steps {
        // The same key again, as a client does that was told nothing: a replay, or the first time that it arrives.
        let again = api.post("/v1/topups", &shop.order(step)).await.unwrap();
        assert!(matches!(again.status, 200 | 201), "{}: {again:?}", step.key);
        let ended =
            until(&step.key, async || shop.ours(&api, &step.key).await.filter(|topup| topup["final"] == true)).await;
        if let Some(ends) = step.ends {
            assert_eq!(ended["status"], ends, "{}: {ended}", step.key);
        }
        let id = ended["id"].as_str().unwrap();
        let theirs = shop.theirs().await;
        let payments: Vec<_> = theirs.iter().filter(|payment| payment["order"] == id).collect();
        assert!(payments.len() <= 1, "{}: {payments:?}", step.key);
        let taken = payments.first().map_or(0, |payment| payment["captured_minor"].as_i64().unwrap());
        assert_eq!(minor(&ended["captured"]), taken, "{}: {ended} {payments:?}", step.key);
        assert_eq!(ended["status"] == "credited", taken > 0, "{}: {ended}", step.key);
        credited += i64::from(ended["status"] == "credited");
    }
    let theirs = shop.theirs().await;
    let charged = theirs.iter().filter(|payment| payment["captured_minor"] != 0).count();
    assert_eq!(i64::try_from(charged).unwrap(), credited, "nothing was charged that we do not know: {theirs:?}");
    assert_eq!(shop.posted(&api).await - before, credited * 10_000);
    let verify = [&["verify"], &store[..]].concat();
    assert!(taabia_must(&verify).await.contains("The books are right"));
    server.terminate();
    assert!(server.ended().await.success(), "{}", server.log());
    assert!(taabia_must(&verify).await.contains("The books are right"));
}

processes_on_both!(killed_at_each_step);
