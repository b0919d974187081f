//! Statements as files.

use std::io::{Cursor, Read as _};

use axum::body::Body;
use axum::http::header;
use taabia::services::Scope;
use taabia::services::export::Format;

use crate::support::api::{Answer, TestApi};

/// Sells under keys that a spreadsheet would compute.
async fn sold(api: &TestApi) -> String {
    for (number, key) in ["=1+1", "+2", "-3", "@SUM(A1)", "plain, \"quoted\""].into_iter().enumerate() {
        let mut body = api.recharge(key);
        body["msisdn"] = format!("+2126123456{}", 71 + number).into();
        let answer = api.post("/v1/recharges", body.to_string()).await;
        assert_eq!(answer.json()["status"], "completed", "{}", answer.text());
    }
    format!("/v1/resellers/{}/statement", api.world.id("shop-1"))
}

async fn get(api: &TestApi, path: &str, accept: &str) -> Answer {
    let request = api.request("GET", path).header(header::ACCEPT, accept);
    api.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_csv_holds_the_whole_statement() {
    let mut api = TestApi::new().await;
    let path = sold(&api).await;
    let answer = get(&api, &path, "application/json;q=0.1, text/csv; charset=utf-8").await;
    assert_eq!((answer.status.as_u16(), answer.header(header::CONTENT_TYPE)), (200, "text/csv"));
    let name = format!("attachment; filename=\"statement-{}.csv\"", api.world.id("shop-1"));
    assert_eq!(answer.header(header::CONTENT_DISPOSITION), name);
    let rows = rows(&answer.text());
    let column = |name: &str| rows[0].iter().position(|heading| heading == name).unwrap();
    let of = |name: &str| rows[1..].iter().map(|row| row[column(name)].as_str()).collect::<Vec<_>>();
    assert_eq!(
        of("kind"),
        ["opening", "allocation", "recharge", "recharge", "recharge", "recharge", "recharge", "closing"]
    );
    let keys = ["", "stock-shop-1", "'=1+1", "'+2", "'-3", "'@SUM(A1)", "plain, \"quoted\"", ""];
    assert_eq!(of("external_id"), keys);
    assert_eq!(of("in"), ["", "2000.00", "", "", "", "", "", "2000.00"]);
    assert_eq!(of("out"), ["", "", "20.00", "20.00", "20.00", "20.00", "20.00", "100.00"]);
    assert_eq!(of("balance"), ["0.00", "2000.00", "1980.00", "1960.00", "1940.00", "1920.00", "1900.00", "1900.00"]);
    assert_eq!(of("msisdn")[2], "'+212612345671");
    assert!(of("currency").iter().all(|currency| *currency == "MAD"));

    let day = get(&api, &format!("{path}?business_date=2026-11-23"), "text/csv").await.text();
    assert_eq!(self::rows(&day).len(), 3, "opening and closing of a day on which nothing moved");

    let reader = api.access.client("reader", &[Scope::StockRead], &[api.world.id("root")]).await;
    api.token = api.access.token(&reader).await;
    let masked = get(&api, &path, "text/csv").await.text();
    assert!(masked.contains("2126••••71") && !masked.contains("612345671"), "{masked}");
}

fn rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[tokio::test]
async fn a_workbook_holds_numbers_as_numbers_and_texts_as_texts() {
    let api = TestApi::new().await;
    let path = sold(&api).await;
    let answer = get(&api, &path, Format::Xlsx.media_type()).await;
    assert_eq!((answer.status.as_u16(), answer.header(header::CONTENT_TYPE)), (200, Format::Xlsx.media_type()));
    assert_eq!(answer.header(header::CONTENT_LENGTH), answer.body.len().to_string());
    let mut archive = zip::ZipArchive::new(Cursor::new(&answer.body)).unwrap();
    let mut sheet = String::new();
    archive.by_name("xl/worksheets/sheet1.xml").unwrap().read_to_string(&mut sheet).unwrap();
    assert_eq!(sheet.matches("<row ").count(), 9, "{sheet}");
    assert!(!sheet.contains("<f>"), "no cell is a formula: {sheet}");
    for cell in ["<v>1900</v>", "<v>100</v>", "'=1+1", "'@SUM(A1)", "'+212612345671", ">closing<"] {
        assert!(sheet.contains(cell), "{cell} in {sheet}");
    }
}

#[tokio::test]
async fn files_are_not_paged_and_not_for_everybody() {
    let api = TestApi::new().await;
    let path = sold(&api).await;
    let answer = get(&api, &format!("{path}?limit=5"), "text/csv").await;
    assert_eq!(answer.problem(400, "invalid_query"), ["/limit invalid"]);
    let stranger = format!("/v1/resellers/{}/statement", api.world.id("stranger"));
    get(&api, &stranger, "text/csv").await.problem(404, "not_found");
    get(&api, &stranger, Format::Xlsx.media_type()).await.problem(404, "not_found");
    for accept in ["*/*", "application/json", "text/*", "image/png", ""] {
        assert_eq!(get(&api, &path, accept).await.header(header::CONTENT_TYPE), "application/json", "{accept}");
    }
}
