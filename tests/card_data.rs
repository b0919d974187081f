//! Card data never enters: a number that could be a card's is put into every text of every call that the OpenAPI document
//! tells of, with everything logged; it is refused, and stands nowhere afterwards.

use std::path::Path;

use serde_json::{Map, Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::support::database::empty_postgres;
use crate::support::program::{Api, Credentials, Server, credentials, http_client, order, taabia_must, text};

/// A number with a brand's prefix and a right check digit (ISO/IEC 7812-1 annex B), which stands nowhere in the sources.
fn canary() -> String {
    let digits: Vec<u32> = [4, 9].into_iter().chain((0..13).map(|n| (n * 7 + 3) % 10)).collect();
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(n, digit)| if n % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { *digit })
        .sum();
    digits.iter().map(u32::to_string).collect::<String>() + &((10 - sum % 10) % 10).to_string()
}

/// In the groups that a card has.
fn grouped(card: &str, between: &str) -> String {
    [&card[..4], &card[4..8], &card[8..12], &card[12..]].join(between)
}

/// Bodies with `card` in one text each, as a schema has them, named by where it stands.
fn bodies(document: &Value, schema: &Value, name: &str, card: &str) -> Vec<(String, Value)> {
    if let Some(path) = schema["$ref"].as_str() {
        return bodies(document, document.pointer(&path[1..]).unwrap(), name, card);
    }
    let mut found = Vec::new();
    for alternative in ["oneOf", "anyOf", "allOf"] {
        for schema in schema[alternative].as_array().into_iter().flatten() {
            found.extend(bodies(document, schema, name, card));
        }
    }
    for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
        // Whose digits may look like a card's (api.md).
        if field != "msisdn" {
            let place = format!("{name}/{field}");
            let inner = bodies(document, schema, &place, card);
            found.extend(
                inner
                    .into_iter()
                    .map(|(place, value)| (place, Value::Object(Map::from_iter([(field.clone(), value)])))),
            );
        }
    }
    if schema["items"].is_object() {
        let inner = bodies(document, &schema["items"], &format!("{name}/0"), card);
        found.extend(inner.into_iter().map(|(place, value)| (place, json!([value]))));
    }
    let kind = &schema["type"];
    if kind == "string" || kind.as_array().is_some_and(|kinds| kinds.contains(&json!("string"))) {
        found.push((name.to_owned(), json!(card)));
    }
    found
}

fn with_ids(path: &str) -> String {
    let id = |prefix: &str| format!("{prefix}_01939f3e-7c00-7000-8000-00000000000a");
    let prefix = match path.split('/').nth(2).unwrap_or_default() {
        "resellers" => "rsl",
        "topups" => "top",
        "recharges" => "rch",
        "transfers" => "trf",
        _ => "iss",
    };
    let end = path.rfind('{').map_or(path.len(), |at| at);
    let mut filled = path[..end].to_owned();
    if end < path.len() {
        filled += &id(prefix);
        filled += path[end..].split_once('}').map_or("", |(_, rest)| rest);
    }
    filled.replace("{id}", &id(prefix))
}

struct Trial {
    url: String,
    token: String,
    cards: [String; 3],
    asked: usize,
}

impl Trial {
    async fn send(&mut self, request: reqwest::RequestBuilder, what: &str) -> (u16, Value) {
        self.asked += 1;
        let answer = request.bearer_auth(&self.token).header("if-match", "*").send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), format!("{:?}", answer.headers()));
        let body = text(&answer.bytes().await.unwrap());
        for card in &self.cards {
            assert!(!body.contains(card.as_str()) && !headers.contains(card.as_str()), "{what} repeats it: {body}");
        }
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    /// Into every text of the bodies.
    async fn bodies(&mut self, document: &Value, method: &str, path: &str, operation: &Value) -> usize {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let mut fields = 0;
        for card in self.cards.clone() {
            for (place, body) in bodies(document, schema, "", &card) {
                let what = format!("{method} {path} {place}");
                let url = format!("{}{}", self.url, with_ids(path));
                let request = http_client().request(method.to_uppercase().parse().unwrap(), url);
                let request = request.header("content-type", "application/json").body(body.to_string());
                let (status, problem) = self.send(request, &what).await;
                assert_eq!((status, &problem["code"]), (422, &json!("card_data_refused")), "{what}: {problem}");
                fields += 1;
            }
        }
        fields
    }

    /// Into every parameter of the query, and of the path.
    async fn parameters(&mut self, method: &str, path: &str, operation: &Value) -> usize {
        let card = self.cards[0].clone();
        let mut asked = 0;
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let what = format!("{method} {path} {name}");
            let in_path = parameter["in"] == "path";
            let target = if in_path {
                path.replace(&format!("{{{name}}}"), &card)
            } else {
                format!("{}?{name}={card}", with_ids(path))
            };
            let request =
                http_client().request(method.to_uppercase().parse().unwrap(), format!("{}{target}", self.url));
            let request =
                request.header("content-type", "application/json").body(if method == "get" { "" } else { "{}" });
            let (status, problem) = self.send(request, &what).await;
            if in_path || !path.starts_with("/v1/") {
                assert!((200..500).contains(&status), "{what}: {problem}");
            } else if name != "msisdn" && method == "get" {
                let refused =
                    problem["errors"].as_array().unwrap().iter().any(|error| error["code"] == "card_data_refused");
                assert!(status == 400 && refused, "{what}: {problem}");
            }
            asked += 1;
        }
        asked
    }
}

/// Every file below the folder that holds one of the texts.
fn files_with(folder: &Path, texts: &[String], found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_with(&path, texts, found);
        } else if let Ok(content) = std::fs::read(&path) {
            for text in texts {
                if content.windows(text.len()).any(|part| part == text.as_bytes()) {
                    found.push(path.display().to_string());
                }
            }
        }
    }
}

/// Where no schema says what is sent.
async fn elsewhere(trial: &mut Trial) {
    let (url, card) = (trial.url.clone(), trial.cards[0].clone());
    let runs = format!("{url}/v1/allocation-runs?external_id=r&currency=MAD&terms=consignment&reason=x");
    let csv = http_client().post(runs).header("content-type", "text/csv").body(format!("code,amount\n{card},5.00\n"));
    let (status, problem) = trial.send(csv, "CSV").await;
    assert_eq!((status, &problem["code"]), (422, &json!("card_data_refused")), "{problem}");
    for field in ["grant_type", "client_id", "client_secret", "scope"] {
        let token = http_client().post(format!("{url}/oauth/token"));
        let token = token.header("content-type", "application/x-www-form-urlencoded");
        trial.send(token.body(format!("grant_type=client_credentials&x{field}=1&{field}={card}")), field).await;
    }
    for body in [
        card.clone(),
        format!("{{\"{card}\":\"x\"}}"),
        format!("\"{card}\""),
        format!("[{card}]"),
        format!("{{\"amount\":{card}}}"),
    ] {
        let request = http_client().post(format!("{url}/v1/recharges")).header("content-type", "application/json");
        let (status, problem) = trial.send(request.body(body), "a body of no shape").await;
        assert!(matches!(status, 400 | 422), "{problem}");
    }
    for header in [
        "x-request-id",
        "traceparent",
        "tracestate",
        "user-agent",
        "accept-language",
        "accept",
        "cookie",
        "content-type",
        "idempotency-key",
    ] {
        let request = http_client().get(format!("{url}/v1/whoami")).header(header, &card);
        trial.send(request, header).await;
    }
    for path in [format!("/{card}"), format!("/pay/{card}"), format!("/pay/{card}?lang={card}"), format!("/v1/{card}")]
    {
        trial.send(http_client().get(format!("{url}{path}")), "a path").await;
    }
    let posted = http_client().post(format!("{url}/pay/{card}")).body(format!("pan={card}&maskedPan={card}"));
    trial.send(posted, "the way back from an acquirer").await;
}

/// Every row of every table of a PostgreSQL database that holds one of the texts.
async fn rows_with(url: &str, texts: &[String], found: &mut Vec<String>) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let tables = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' ORDER BY 1";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.unwrap();
    assert!(tables.iter().any(|table| table == "topup_state"), "{tables:?}");
    for table in tables {
        let rows = sqlx::AssertSqlSafe(format!("SELECT t::text FROM {table} AS t"));
        let rows: Vec<String> = sqlx::query_scalar(rows).fetch_all(&mut connection).await.unwrap();
        found.extend(rows.into_iter().filter(|row| texts.iter().any(|text| row.contains(text.as_str()))));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn card_numbers_are_refused_everywhere_and_stand_nowhere_on_sqlite() {
    refused_everywhere(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn card_numbers_are_refused_everywhere_and_stand_nowhere_on_postgres() {
    refused_everywhere(Some(empty_postgres().await)).await;
}

/// On the embedded database, whose file is below the folder, or on another one.
async fn refused_everywhere(database: Option<String>) {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().display().to_string();
    let at = match &database {
        Some(url) => vec!["--database-url", url, "--data-dir", &data_dir],
        None => vec!["--data-dir", &data_dir],
    };
    let trace = ["--set=telemetry.log_filter=trace", "--set=telemetry.log_format=json"];
    let line = ["demo", "--no-traffic", "--listen=127.0.0.1:0"];
    let mut server = Server::start(&[&line[..], &at, &trace].concat()).await;
    let scopes = taabia::services::Scope::ALL.map(taabia::services::Scope::name).join(",");
    let add = ["client", "add", "--name=all", "--partner=All", "--scopes", &scopes, "--resellers=D01"];
    let printed = taabia_must(&[&add[..], &at].concat()).await;
    let field = |name: &str| printed.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    let all =
        Credentials { client_id: field("client_id\t"), client_secret: field("client_secret\t"), resellers: vec![] };
    let api = Api::enter_as(&server.url, &all).await;
    let card = canary();
    assert!(taabia::domain::text::contains_card_number(&card), "{card}");
    let cards = [card.clone(), grouped(&card, " "), grouped(&card, "-")];
    let mut trial = Trial { url: server.url.clone(), token: api.token().to_owned(), cards: cards.clone(), asked: 0 };

    let document = serde_json::to_value(taabia::http::openapi()).unwrap();
    let (mut fields, mut parameters) = (0, 0);
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            fields += trial.bodies(&document, method, path, operation).await;
            parameters += trial.parameters(method, path, operation).await;
        }
    }
    assert!(fields > 100 && parameters > 50, "the document was read: {fields} and {parameters}");

    elsewhere(&mut trial).await;

    // What is asked well is done, so that there is something to look through.
    let atm = credentials(folder.path(), "atm");
    let outlet = &atm.resellers[0];
    let sold = api.post("/v1/recharges", &order("well", outlet, "+212612345678", "20.00")).await.unwrap();
    assert_eq!(sold.status, 201, "{sold:?}");
    let body = json!({ "external_id": "by card", "reseller_id": outlet, "stock": "100.00", "currency": "MAD", "payment_method": "tok_visa" });
    assert_eq!(api.post("/v1/topups", &body).await.unwrap().body["status"], "credited");
    for export in [
        format!("/v1/resellers/{outlet}/statement"),
        "/metrics".into(),
        "/v1/audit".into(),
        "/v1/recharges".into(),
        "/v1/topups".into(),
    ] {
        for accept in ["text/csv", "application/json"] {
            let request = http_client().get(format!("{}{export}", server.url)).header("accept", accept);
            trial.send(request, &export).await;
        }
    }
    let file = folder.path().join("statement.csv").display().to_string();
    let export = ["export", "statement", "--reseller", outlet, "--out", &file];
    taabia_must(&[&export[..], &at].concat()).await;
    server.terminate();
    assert!(server.ended().await.success());

    let log = server.log();
    let traced = log.lines().filter(|line| line.contains("\"level\":\"TRACE\"")).count();
    assert!(traced > 100 && log.contains("/v1/topups"), "everything is logged: {traced} of {}", log.lines().count());
    for card in &cards {
        if let Some(line) = log.lines().find(|line| line.contains(card.as_str())) {
            panic!("it is logged: {line}");
        }
    }
    let mut found = Vec::new();
    files_with(folder.path(), &cards, &mut found);
    if let Some(url) = &database {
        rows_with(url, &cards, &mut found).await;
    }
    assert!(found.is_empty(), "{found:?}");
    println!("{} requests, {fields} texts of bodies, {parameters} parameters", trial.asked);
}
