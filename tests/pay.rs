//! The payment page, as a customer's browser meets it: over HTTP, and in Debian's Chromium.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::program::{Api, Credentials, Server, credentials, http_client, text, until};

/// A demonstration with an acquirer that wants a form, beside its simulator.
struct Till {
    server: Server,
    reseller: Credentials,
    api: Api,
    _folder: TempDir,
}

const GATE: &str = "https://gate.example:8443";

impl Till {
    async fn start(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().display().to_string();
        let gate = format!("--set=acquirers.cmi.url={GATE}/fim/est3Dgate");
        let cmi = [
            "--set=acquirers.cmi.kind=cmi",
            &gate,
            "--set=acquirers.cmi.merchant_id=600000001",
            "--set=acquirers.cmi.callback_url=https://taabia.example/v1/acquirers/cmi/notifications",
            "--set=acquirers.cmi.secret_key=key-of-the-shop",
        ];
        let line = ["demo", "--no-traffic", "--listen=127.0.0.1:0", "--data-dir", &data_dir];
        let server = Server::start(&[&line[..], &cmi, settings].concat()).await;
        let reseller = credentials(folder.path(), "reseller");
        let api = Api::enter_as(&server.url, &reseller).await;
        Self { server, reseller, api, _folder: folder }
    }

    async fn topup(&self, key: &str, extra: Value) -> Value {
        let mut body = json!({ "external_id": key, "reseller_id": self.reseller.resellers[0], "stock": "1234.50",
            "currency": "MAD", "acquirer": "simulator" });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let answer = self.api.post("/v1/topups", &body).await.unwrap();
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body
    }

    fn page_of(&self, topup: &Value) -> String {
        format!("{}/pay/{}", self.server.url, topup["id"].as_str().unwrap())
    }
}

/// What a browser is shown: status, headers, page.
struct Seen {
    status: u16,
    headers: reqwest::header::HeaderMap,
    page: String,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn see(url: &str) -> Seen {
    read(http_client().get(url)).await
}

async fn read(request: reqwest::RequestBuilder) -> Seen {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Seen { status, headers, page: text(&response.bytes().await.unwrap()) }
}

/// Follows nothing.
fn browser() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).redirect(reqwest::redirect::Policy::none());
    client.build().unwrap()
}

fn form(client: &reqwest::Client, url: &str, body: &str) -> reqwest::RequestBuilder {
    client.post(url).header("content-type", "application/x-www-form-urlencoded").body(body.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_pays_and_comes_back() {
    let till = Till::start(&[]).await;
    let topup = till.topup("page-1", json!({})).await;
    assert_eq!(topup["status"], "requires_action", "{topup}");
    let page = till.page_of(&topup);
    let at_the_bank = topup["redirect_url"].as_str().unwrap();
    let asked = see(&format!("{page}?lang=en")).await;
    assert_eq!(asked.status, 200);
    assert!(asked.page.contains("Pay by card") && asked.page.contains(&format!("href=\"{at_the_bank}\"")));
    assert!(asked.page.contains("1,234.50\u{a0}MAD"), "{}", asked.page);

    // What a browser says on its way back is no payment.
    let lies = "Response=Approved&ProcReturnCode=00&mdStatus=1&amount=1234.50";
    for returned in
        [format!("{page}?returned&lang=en&{lies}"), format!("{page}?redirect_status=succeeded&lang=en&returned")]
    {
        let waiting = see(&returned).await;
        assert!(waiting.page.contains("Waiting for the bank’s confirmation"), "{}", waiting.page);
        assert!(waiting.page.contains("http-equiv=\"refresh\""));
    }
    let posted = read(form(&browser(), &page, lies)).await;
    let expected = format!("/pay/{}?returned", topup["id"].as_str().unwrap());
    assert_eq!((posted.status, posted.header("location")), (303, &*expected));
    let stands = till.api.get(&format!("/v1/topups/{}", topup["id"].as_str().unwrap())).await.unwrap().body;
    assert_eq!(stands["status"], "requires_action", "{stands}");

    let paid = read(form(&browser(), at_the_bank, "action=pay&token=tok_visa")).await;
    assert_eq!((paid.status, paid.header("location")), (303, &*format!("{page}?returned")), "{}", paid.page);
    let done = until("the page to say so", async || {
        let seen = see(&format!("{page}?returned&lang=en")).await;
        seen.page.contains("Payment complete").then_some(seen)
    })
    .await;
    assert!(!done.page.contains("http-equiv=\"refresh\"") && !done.page.contains(at_the_bank), "{}", done.page);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_is_posted_by_the_customer() {
    let till = Till::start(&[]).await;
    let shop = json!({ "acquirer": "cmi", "return_url": "https://shop.example/back?a=1&b=2" });
    let topup = till.topup("form-1", shop).await;
    let page = till.page_of(&topup);
    assert_eq!((&topup["status"], &topup["redirect_url"]), (&json!("requires_action"), &json!(page)), "{topup}");
    let first = see(&format!("{page}?lang=fr")).await;
    assert!(
        first
            .page
            .contains(&format!("<form method=\"post\" accept-charset=\"UTF-8\" action=\"{GATE}/fim/est3Dgate\">"))
    );
    for field in [
        format!("name=\"oid\" value=\"{}\"", topup["id"].as_str().unwrap()),
        "name=\"okUrl\" value=\"https://shop.example/back?a=1&amp;b=2\"".into(),
        format!("name=\"amount\" value=\"{}\"", topup["price"].as_str().unwrap()),
        "name=\"lang\" value=\"fr\"".into(),
        "name=\"HASH\" value=\"".into(),
    ] {
        assert!(first.page.contains(&field), "{field}: {}", first.page);
    }
    assert!(first.header("content-security-policy").contains(&format!("form-action {GATE};")));
    // It is asked for again each time, and is the same order.
    assert!(see(&format!("{page}?lang=ar")).await.page.contains("name=\"lang\" value=\"ar\""));

    // Without an address of the shop's the customer comes back to the page.
    let ours = till.topup("form-2", json!({ "acquirer": "cmi" })).await;
    let back = format!("name=\"okUrl\" value=\"{}?returned\"", till.page_of(&ours));
    let seen = see(&till.page_of(&ours)).await;
    assert!(seen.page.contains(&back), "{back}: {}", seen.page);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_say_how_a_payment_stands_and_nothing_else() {
    let till = Till::start(&["--set=topup.quote_s=1", "--set=topup.lookup_horizon_ms=100"]).await;
    let expiring = till.topup("e", json!({})).await;
    let shop = json!({ "payment_method": "tok_visa", "return_url": "https://shop.example/?x='y'&z=1" });
    let credited = till.topup("c", shop).await;
    let declined = till.topup("d", json!({ "payment_method": "tok_declined" })).await;
    for (topup, language, says) in [
        (&credited, "en", "Payment complete"),
        (&credited, "fr", "Paiement effectué"),
        (&credited, "ar", "تم الدفع"),
        (&declined, "en", "Payment declined"),
        (&declined, "fr", "Paiement refusé"),
        (&declined, "ar", "لم يُقبل الدفع"),
    ] {
        let seen = see(&format!("{}?lang={language}", till.page_of(topup))).await;
        assert!(seen.status == 200 && seen.page.contains(says), "{says}: {}", seen.page);
        let direction = if language == "ar" { "rtl" } else { "ltr" };
        assert!(seen.page.contains(&format!("<html lang=\"{language}\" dir=\"{direction}\">")));
        for private in ["<script", "tok_", &till.reseller.resellers[0], "D01", "http-equiv"] {
            assert!(!seen.page.contains(private), "{private}: {}", seen.page);
        }
        for (name, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "strict-origin"),
            ("x-robots-tag", "noindex"),
            ("content-language", language),
        ] {
            assert_eq!(seen.header(name), value, "{name}");
        }
        let policy = seen.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("form-action 'none'; base-uri 'none'; frame-ancestors 'none'"), "{policy}");
    }
    let seen = see(&till.page_of(&credited)).await;
    assert!(seen.page.contains("href=\"https://shop.example/?x=&#39;y&#39;&amp;z=1\""), "{}", seen.page);
    until("the page to say that it expired", async || {
        let seen = see(&format!("{}?lang=en", till.page_of(&expiring))).await;
        assert!(!seen.page.contains("Payment complete"));
        seen.page.contains("Payment expired").then_some(())
    })
    .await;

    // Ids of others, of nobody, and of no form.
    let recharge = "rch_01939f3e-7c00-7000-8000-000000000003";
    for nobody in ["top_01939f3e-7c00-7000-8000-000000000003", recharge, "x", "%3Cscript%3E", "top_"] {
        let unknown = read(
            http_client().get(format!("{}/pay/{nobody}", till.server.url)).header("accept-language", "ar-MA,fr;q=0.5"),
        )
        .await;
        assert_eq!((unknown.status, unknown.header("content-language")), (404, "ar"), "{nobody}");
        assert!(
            unknown.page.contains("لا يوجد دفع بهذا الرابط") && !unknown.page.contains("script"),
            "{}",
            unknown.page
        );
    }
    let nobody = read(form(&browser(), &format!("{}/pay/x", till.server.url), "a=b")).await;
    assert_eq!((nobody.status, nobody.header("location")), (404, ""));
}

/// Runs Debian's Chromium, which `scripts/test` installs, on a phone's screen.
async fn chromium(folder: &Path, arguments: Vec<String>) -> String {
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    let output = tokio::task::spawn_blocking(move || {
        Command::new("chromium")
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"])
            .args(["--no-first-run", "--disable-background-networking", "--window-size=500,900", &profile])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
    })
    .await
    .unwrap();
    let output = output.unwrap_or_else(|error| {
        panic!("the payment page is tested in Chromium, which cannot be run ({error}): run scripts/test, or install it: apt-get install chromium")
    });
    assert!(output.status.success(), "chromium: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Pages as they are shown stand in `target/pay-pages`, to be looked at.
fn gallery() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pay-pages");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_shows_it_in_three_languages() {
    let till = Till::start(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let form = till.topup("f", json!({ "acquirer": "cmi" })).await;
    let credited = till.topup("c", json!({ "payment_method": "tok_visa" })).await;
    let declined = till.topup("d", json!({ "payment_method": "tok_declined" })).await;
    for (name, address, language, direction, says) in [
        ("to-pay-ar", till.page_of(&form), "ar", "rtl", ["ادفع ببطاقتك", "الانتقال إلى صفحة الدفع"]),
        ("to-pay-fr", till.page_of(&form), "fr", "ltr", ["Payez par carte", "Aller à la page de paiement"]),
        ("to-pay-en", till.page_of(&form), "en", "ltr", ["Pay by card", "Go to the payment page"]),
        ("returned-ar", till.page_of(&form) + "?returned", "ar", "rtl", ["ننتظر تأكيد البنك", "لم أدفع بعد"]),
        ("credited-ar", till.page_of(&credited), "ar", "rtl", ["تم الدفع", "أضيف الرصيد."]),
        ("credited-fr", till.page_of(&credited), "fr", "ltr", ["Paiement effectué", "Le stock est crédité."]),
        ("declined-en", till.page_of(&declined), "en", "ltr", ["Payment declined", "No stock was credited."]),
    ] {
        let accept = format!("--accept-lang={language}");
        let shown = chromium(folder.path(), vec!["--dump-dom".into(), accept.clone(), address.clone()]).await;
        assert!(shown.contains(&format!("<html lang=\"{language}\" dir=\"{direction}\"")), "{name}: {shown}");
        for text in says {
            assert!(shown.contains(text), "{name}: {text} in {shown}");
        }
        let picture = gallery().join(format!("{name}.png"));
        let _ = std::fs::remove_file(&picture);
        chromium(folder.path(), vec![format!("--screenshot={}", picture.display()), accept, address]).await;
        assert!(std::fs::metadata(&picture).unwrap().len() > 5_000, "{name} is empty");
    }
}
