//! The authorisation matrix: every call of version 1, as the OpenAPI document names it, asked by everyone who may
//! have to do with a reseller.
//!
//! The object belongs to `shop-1`. Callers with every scope are rooted at it (owner), above it (parent), below it
//! (child), beside it (sibling) and in another tree (stranger); one has no token, and one is the owner without the
//! scope of the call.
//!
//! **A call that is not in [`rows`] fails the test.** To add one: a line with what the document calls it, the scope it
//! needs, its [`Reach`], the statuses of success, and the request. `Setting` holds ids for paths and bodies; make
//! there what the request needs to find (`Setting::new`). A request that moves value uses the nonce in its
//! `external_id`, so that no caller replays another's.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};
use taabia::domain::ResellerId;
use taabia::ledger::Request as Order;
use taabia::services::Scope;

use crate::support::api::{Answer, TestApi};

mod care;
mod doubts;
mod reports;
mod reversals;
mod two_persons;
mod webhooks;

/// Who may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Who has the object's reseller in its subtrees; for all others it does not exist.
    Subtree,
    /// Who has the scope, which only the operator's own clients get; or who has any token.
    Everyone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Owner,
    Parent,
    Child,
    Sibling,
    Stranger,
}

const ALL: [Who; 5] = [Who::Owner, Who::Parent, Who::Child, Who::Sibling, Who::Stranger];

/// Path with query, and the body if there is one.
type Ask = (String, Option<Value>);

struct Row {
    /// As the document has it: method and path.
    call: &'static str,
    scope: Option<Scope>,
    /// Another scope that does as well.
    or: Option<Scope>,
    reach: Reach,
    good: &'static [u16],
    ask: fn(&Setting, nonce: usize) -> Ask,
}

/// What paths and bodies name.
struct Setting {
    reseller: ResellerId,
    recharge: String,
    reversal: String,
    /// Place of a case.
    case: String,
    /// Places of proposals that wait, by folder: as many as one row asks for at most.
    proposals: Vec<(&'static str, Vec<String>)>,
    /// Places of an allocation and of a run.
    allocation: String,
    run: String,
    topup: String,
    /// Below it.
    below: ResellerId,
    /// A transfer to it from above, and one from it to above, that wait for acceptance. The sender of the one and the
    /// receiver of the other are the parent's.
    offered: String,
    sent: String,
}

/// Those of the catalogue and of statements.
fn rows_of_books() -> Vec<Row> {
    use Reach::{Everyone, Subtree};
    let row = |call, scope, reach, good, ask| Row { call, scope, reach, good, ask, or: None };
    vec![
        row("GET /v1/recharges/{id}/commission", Some(Scope::RechargesRead), Subtree, &[200], |s, _| {
            (format!("/v1/recharges/{}/commission", s.recharge), None)
        }),
        row("POST /v1/topups", Some(Scope::TopupsWrite), Subtree, &[201], |s, nonce| {
            let body = json!({
                "external_id": format!("card-{nonce}"), "reseller_id": s.reseller.to_string(), "stock": "10.00",
                "currency": "MAD", "payment_method": "tok_visa"
            });
            ("/v1/topups".into(), Some(body))
        }),
        row("POST /v1/topups/{id}/refund", Some(Scope::TopupsWrite), Subtree, &[201], |s, nonce| {
            let body = json!({ "external_id": format!("refund-{nonce}"), "currency": "MAD", "reason": "bought twice" });
            (format!("/v1/topups/{}/refund", s.topup), Some(body))
        }),
        row("GET /v1/topups", Some(Scope::TopupsRead), Subtree, &[200], |s, _| {
            (format!("/v1/topups?reseller_id={}", s.reseller), None)
        }),
        row("GET /v1/topups/{id}", Some(Scope::TopupsRead), Subtree, &[200], |s, _| {
            (format!("/v1/topups/{}", s.topup), None)
        }),
        row("GET /v1/topups/{id}/refunds", Some(Scope::TopupsRead), Subtree, &[200], |s, _| {
            (format!("/v1/topups/{}/refunds", s.topup), None)
        }),
        row("GET /v1/products", None, Everyone, &[200], |_, _| ("/v1/products".into(), None)),
        row("GET /v1/resellers/{id}/statement", Some(Scope::StockRead), Subtree, &[200], |s, _| {
            (format!("/v1/resellers/{}/statement", s.reseller), None)
        }),
        row("GET /v1/resellers/{id}/stock-watch", Some(Scope::StockRead), Subtree, &[200], |s, _| {
            (format!("/v1/resellers/{}/stock-watch", s.reseller), None)
        }),
        row("PUT /v1/resellers/{id}/stock-watch", Some(Scope::NetworkWrite), Subtree, &[200], |s, _| {
            let body = json!({ "threshold": "10.00", "currency": "MAD" });
            (format!("/v1/resellers/{}/stock-watch", s.reseller), Some(body))
        }),
        row("DELETE /v1/resellers/{id}/stock-watch", Some(Scope::NetworkWrite), Subtree, &[200], |s, _| {
            (format!("/v1/resellers/{}/stock-watch", s.reseller), None)
        }),
        row("GET /v1/business-days", Some(Scope::StockRead), Everyone, &[200], |_, _| {
            ("/v1/business-days".into(), None)
        }),
    ]
}

/// One line per call.
fn rows() -> Vec<Row> {
    use Reach::Subtree;
    let row = |call, scope, reach, good, ask| Row { call, scope, or: None, reach, good, ask };
    vec![
        row("POST /v1/recharges", Some(Scope::RechargesWrite), Subtree, &[201], |s, nonce| {
            let body = json!({
                "external_id": format!("matrix-{nonce}"), "reseller_id": s.reseller.to_string(),
                "msisdn": "+212612345678", "amount": "5.00", "currency": "MAD", "channel": "atm", "allow_repeat": true
            });
            ("/v1/recharges".into(), Some(body))
        }),
        row("GET /v1/recharges", Some(Scope::RechargesRead), Subtree, &[200], |s, _| {
            (format!("/v1/recharges?reseller_id={}", s.reseller), None)
        }),
        row("POST /v1/recharges/void", Some(Scope::RechargesWrite), Subtree, &[201], |s, nonce| {
            let body = json!({ "external_id": format!("void-{nonce}"), "reseller_id": s.reseller.to_string() });
            ("/v1/recharges/void".into(), Some(body))
        }),
        row("GET /v1/recharges/{id}", Some(Scope::RechargesRead), Subtree, &[200], |s, _| {
            (format!("/v1/recharges/{}", s.recharge), None)
        }),
        row("POST /v1/resellers", Some(Scope::NetworkWrite), Subtree, &[201], |s, nonce| {
            let body = json!({
                "code": format!("matrix-{nonce}"), "name": "Matrix", "level": "outlet", "parent_id": s.reseller.to_string()
            });
            ("/v1/resellers".into(), Some(body))
        }),
        row("GET /v1/resellers", Some(Scope::NetworkRead), Subtree, &[200], |s, _| {
            (format!("/v1/resellers?parent_id={}", s.reseller), None)
        }),
        row("GET /v1/resellers/{id}", Some(Scope::NetworkRead), Subtree, &[200], |s, _| {
            (format!("/v1/resellers/{}", s.reseller), None)
        }),
        row("PATCH /v1/resellers/{id}", Some(Scope::NetworkWrite), Subtree, &[200], |s, nonce| {
            (format!("/v1/resellers/{}", s.reseller), Some(json!({ "name": format!("Matrix {nonce}") })))
        }),
        row("POST /v1/resellers/{id}/standing", Some(Scope::NetworkWrite), Subtree, &[200], |s, _| {
            (format!("/v1/resellers/{}/standing", s.reseller), Some(json!({ "standing": "active" })))
        }),
        row("GET /v1/resellers/{id}/totals", Some(Scope::StockRead), Subtree, &[200], |s, _| {
            (format!("/v1/resellers/{}/totals", s.reseller), None)
        }),
        row("GET /v1/resellers/{id}/balance", Some(Scope::StockRead), Subtree, &[200], |s, _| {
            (format!("/v1/resellers/{}/balance", s.reseller), None)
        }),
        row("GET /v1/audit", Some(Scope::AuditRead), Subtree, &[200], |s, _| {
            (format!("/v1/audit?reseller_id={}", s.reseller), None)
        }),
        row("POST /v1/terminals", Some(Scope::NetworkWrite), Subtree, &[201], |s, nonce| {
            terminal("/v1/terminals", s, format!("matrix-{nonce}"))
        }),
        row("GET /v1/terminals", Some(Scope::NetworkRead), Subtree, &[200], |s, _| {
            (format!("/v1/terminals?reseller_id={}", s.reseller), None)
        }),
        row("POST /v1/terminals/block", Some(Scope::NetworkWrite), Subtree, &[200, 404], |s, _| {
            terminal("/v1/terminals/block", s, "ATM-0007".into())
        }),
        row("POST /v1/terminals/unblock", Some(Scope::NetworkWrite), Subtree, &[200, 404], |s, _| {
            terminal("/v1/terminals/unblock", s, "ATM-0007".into())
        }),
        row("POST /v1/resellers/{id}/users", Some(Scope::NetworkWrite), Subtree, &[201], |s, nonce| {
            let body = json!({ "login": format!("user-{nonce}"), "name": "Amine", "pin": "407193" });
            (format!("/v1/resellers/{}/users", s.reseller), Some(body))
        }),
        row("GET /v1/resellers/{id}/users", Some(Scope::NetworkRead), Subtree, &[200], |s, _| {
            (format!("/v1/resellers/{}/users", s.reseller), None)
        }),
        row(
            "POST /v1/resellers/{id}/users/{login}/pin-verification",
            Some(Scope::RechargesWrite),
            Subtree,
            &[200],
            |s, _| (s.user("pin-verification"), Some(json!({ "pin": "407193" }))),
        ),
        row("POST /v1/resellers/{id}/users/{login}/pin", Some(Scope::RechargesWrite), Subtree, &[200], |s, _| {
            (s.user("pin"), Some(json!({ "pin": "407193", "new_pin": "830517" })))
        }),
        row("POST /v1/resellers/{id}/users/{login}/device", Some(Scope::RechargesWrite), Subtree, &[200], |s, _| {
            (s.user("device"), Some(json!({ "device": "imsi-1" })))
        }),
        // Once one waits, no other can be asked for; once it is decided, there is none.
        row(
            "POST /v1/resellers/{id}/users/{login}/pin-reset",
            Some(Scope::NetworkWrite),
            Subtree,
            &[201, 409],
            |s, _| (s.user("pin-reset"), Some(json!({ "reason": "forgotten" }))),
        ),
        row(
            "POST /v1/resellers/{id}/users/{login}/pin-reset/approval",
            Some(Scope::StockApprove),
            Subtree,
            &[200, 409],
            |s, _| (s.user("pin-reset/approval"), Some(json!({ "decision": "approve", "reason": "seen" }))),
        ),
    ]
}

/// Those about stock that moves.
fn rows_of_stock() -> Vec<Row> {
    use Reach::{Everyone, Subtree};
    let row = |call, scope, reach, good, ask| Row { call, scope, or: None, reach, good, ask };
    vec![
        row("POST /v1/allocations", Some(Scope::StockAllocate), Subtree, &[201], |s, nonce| {
            let body = json!({
                "external_id": format!("allocation-{nonce}"), "reseller_id": s.reseller.to_string(), "amount": "5.00",
                "currency": "MAD", "terms": "on_account", "reason": "because"
            });
            ("/v1/allocations".into(), Some(body))
        }),
        row("GET /v1/allocations/{id}", Some(Scope::StockAllocate), Subtree, &[200], |s, _| {
            (s.allocation.clone(), None)
        }),
        row("POST /v1/allocation-runs", Some(Scope::StockAllocate), Subtree, &[202], |s, nonce| {
            let body = json!({
                "external_id": format!("run-{nonce}"), "currency": "MAD", "terms": "consignment", "reason": "because",
                "rule": { "under": s.reseller.to_string(), "level": "outlet", "each": "5.00" }
            });
            ("/v1/allocation-runs".into(), Some(body))
        }),
        row("GET /v1/allocation-runs/{id}", Some(Scope::StockAllocate), Everyone, &[200], |s, _| (s.run.clone(), None)),
        row("GET /v1/allocation-runs/{id}/lines", Some(Scope::StockAllocate), Everyone, &[200], |s, _| {
            (format!("{}/lines", s.run), None)
        }),
        row("GET /v1/resellers/{id}/limits", Some(Scope::NetworkRead), Subtree, &[200], |s, _| {
            (format!("/v1/resellers/{}/limits", s.reseller), None)
        }),
        row("PUT /v1/resellers/{id}/limits", Some(Scope::NetworkWrite), Subtree, &[200], |s, _| {
            let body = json!({ "currency": "MAD", "per_day_amount": "9999.00" });
            (format!("/v1/resellers/{}/limits", s.reseller), Some(body))
        }),
        row("POST /v1/transfers", Some(Scope::StockWrite), Subtree, &[201], |s, nonce| {
            let body = json!({
                "external_id": format!("matrix-{nonce}"), "from_reseller_id": s.reseller.to_string(),
                "to_reseller_id": s.below.to_string(), "amount": "5.00", "currency": "MAD", "kind": "transfer"
            });
            ("/v1/transfers".into(), Some(body))
        }),
        row("GET /v1/transfers", Some(Scope::StockRead), Subtree, &[200], |s, _| {
            (format!("/v1/transfers?reseller_id={}", s.reseller), None)
        }),
        row("GET /v1/transfers/{id}", Some(Scope::StockRead), Subtree, &[200], |s, _| {
            (format!("/v1/transfers/{}", s.offered), None)
        }),
        row("POST /v1/transfers/{id}/acceptance", Some(Scope::StockWrite), Subtree, &[200], |s, _| {
            (format!("/v1/transfers/{}/acceptance", s.offered), Some(json!({ "decision": "accept" })))
        }),
        row("POST /v1/transfers/{id}/cancellation", Some(Scope::StockWrite), Subtree, &[200], |s, _| {
            (format!("/v1/transfers/{}/cancellation", s.sent), None)
        }),
        row("GET /v1/whoami", None, Everyone, &[200], |_, _| ("/v1/whoami".into(), None)),
    ]
}

/// Terminals belong to the caller's own partner, so those of others are unknown to it.
fn terminal(path: &str, setting: &Setting, name: String) -> Ask {
    (path.into(), Some(json!({ "reseller_id": setting.reseller.to_string(), "terminal_id": name })))
}

impl Setting {
    /// A path about the user `amine`.
    fn user(&self, act: &str) -> String {
        format!("/v1/resellers/{}/users/amine/{act}", self.reseller)
    }

    /// Makes what the calls look for. The caller of `api` is the parent.
    async fn new(api: &TestApi) -> Self {
        let reseller = api.world.id("shop-1");
        let made = api.post("/v1/recharges", api.recharge("matrix").to_string()).await.json();
        api.world.must(api.world.allocate("matrix", "root", 10_000)).await;
        let offer = async |key: &str, kind: &str, from: &str, to: &str| {
            let body = json!({
                "external_id": key, "from_reseller_id": api.world.id(from).to_string(),
                "to_reseller_id": api.world.id(to).to_string(), "amount": "5.00", "currency": "MAD", "kind": kind,
                "acceptance": "required"
            });
            let made = api.post("/v1/transfers", body.to_string()).await.json();
            made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
        };
        let (below, offered) = (api.world.id("till"), offer("offered", "transfer", "root", "shop-1").await);
        let sent = offer("sent", "return", "shop-1", "root").await;
        let body = json!({
            "external_id": "by card", "reseller_id": reseller.to_string(), "stock": "10.00", "currency": "MAD"
        });
        let bought = api.post("/v1/topups", body.to_string()).await.json();
        let topup = bought["id"].as_str().unwrap().into();
        let users = format!("/v1/resellers/{reseller}/users");
        let user = json!({ "login": "amine", "name": "Amine", "pin": "407193" });
        assert_eq!(api.post(&users, user.to_string()).await.status, 201);
        let reset = json!({ "reason": "forgotten" });
        assert_eq!(api.post(&format!("{users}/amine/pin-reset"), reset.to_string()).await.status, 201);
        let recharge = made["id"].as_str().unwrap().into();
        let reversal = reversals::made(api, &made).await;
        let case = care::made(api, &made).await;
        let mut proposals = Vec::new();
        for folder in ["issues", "destructions", "adjustments", "limit-raises"] {
            let mut places = Vec::new();
            for number in 0..16 {
                let mut body = json!({
                    "external_id": format!("waits-{folder}-{number}"), "amount": "5.00", "currency": "MAD",
                    "reason": "because", "document": "PO-1"
                });
                if folder == "adjustments" {
                    body["direction"] = json!("in");
                    body["reseller_id"] = json!(reseller.to_string());
                }
                if folder == "limit-raises" {
                    let fields = body.as_object_mut().unwrap();
                    fields.remove("amount");
                    fields.insert("credit_limit".into(), json!("5.00"));
                    fields.insert("reseller_id".into(), json!(reseller.to_string()));
                }
                let answer = api.post(&format!("/v1/{folder}"), body.to_string()).await;
                places.push(answer.header(header::LOCATION).to_owned());
            }
            proposals.push((folder, places));
        }
        let common = json!({ "external_id": "one", "currency": "MAD", "terms": "consignment", "reason": "because" });
        let mut body = common.clone();
        body["reseller_id"] = json!(reseller.to_string());
        body["amount"] = json!("5.00");
        let allocation = api.post("/v1/allocations", body.to_string()).await.header(header::LOCATION).to_owned();
        let mut body = common;
        body["external_id"] = json!("many");
        body["lines"] = json!([{ "code": "shop-1", "amount": "5.00" }]);
        let run = api.post("/v1/allocation-runs", body.to_string()).await.header(header::LOCATION).to_owned();
        Self { reseller, recharge, reversal, case, proposals, allocation, run, topup, below, offered, sent }
    }

    /// Another one for each nonce of a row.
    fn proposal(&self, folder: &str, nonce: usize) -> String {
        let (_, places) = self.proposals.iter().find(|(known, _)| *known == folder).unwrap();
        places[nonce % places.len()].clone()
    }
}

struct Matrix {
    api: TestApi,
    setting: Setting,
    tokens: Vec<(Who, String)>,
    nonce: usize,
}

impl Matrix {
    async fn new() -> Self {
        let api = TestApi::new().await;
        let Order::OpenReseller(mut open) = api.world.open("till") else { unreachable!("it opens a reseller") };
        open.registration.parent = Some(api.world.id("shop-1"));
        api.world.must(Order::OpenReseller(open)).await;
        let mut tokens = Vec::new();
        for who in ALL {
            let root = match who {
                Who::Owner => "shop-1",
                Who::Parent => "root",
                Who::Child => "till",
                Who::Sibling => "shop-2",
                Who::Stranger => "stranger",
            };
            let client = api.access.client(&format!("{who:?}"), &Scope::ALL, &[api.world.id(root)]).await;
            tokens.push((who, api.access.token(&client).await));
        }
        let setting = Setting::new(&api).await;
        Self { api, setting, tokens, nonce: 0 }
    }

    async fn ask(&mut self, row: &Row, token: Option<&str>) -> Answer {
        self.nonce += 1;
        let method: Method = row.call.split(' ').next().unwrap().parse().unwrap();
        let (path, body) = (row.ask)(&self.setting, self.nonce);
        // Whichever version stands: a change must name one.
        let mut request = Request::builder().method(method).uri(path).header(header::IF_MATCH, "*");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.api.send(request.body(body).unwrap()).await
    }

    /// How many entries all journals have.
    async fn entries(&self) -> i64 {
        self.api.world.books.audit.snapshot().await.unwrap().heads.iter().map(|head| head.sequence).sum()
    }

    async fn check(&mut self, row: &Row) {
        let mut before = self.entries().await;
        self.ask(row, None).await.problem(401, "unauthenticated");
        if let Some(scope) = row.scope {
            let others: Vec<_> =
                Scope::ALL.into_iter().filter(|other| *other != scope && Some(*other) != row.or).collect();
            let roots = [self.setting.reseller];
            self.nonce += 1;
            let name = format!("without {}", self.nonce);
            let client = self.api.access.client(&name, &others, &roots).await;
            let token = self.api.access.token(&client).await;
            // That a client was made stands on the log.
            before += 1;
            self.ask(row, Some(&token)).await.problem(403, "insufficient_scope");
        }
        let mut denied = BTreeSet::new();
        for (who, token) in self.tokens.clone() {
            let may = row.reach == Reach::Everyone || matches!(who, Who::Owner | Who::Parent);
            if may {
                continue;
            }
            let answer = self.ask(row, Some(&token)).await;
            answer.problem(404, "not_found");
            let mut body = answer.json();
            body["trace_id"] = Value::Null;
            denied.insert(body.to_string());
        }
        assert!(denied.len() <= 1, "{}: one text for all who may not know: {denied:?}", row.call);
        let refused = self.entries().await;
        assert_eq!(before, refused, "{}: what is refused writes nothing", row.call);
        for (who, token) in self.tokens.clone() {
            if row.reach == Reach::Everyone || matches!(who, Who::Owner | Who::Parent) {
                let answer = self.ask(row, Some(&token)).await;
                assert!(row.good.contains(&answer.status.as_u16()), "{} by {who:?}: {}", row.call, answer.text());
            }
        }
    }
}

#[tokio::test]
async fn every_call_is_open_to_those_it_concerns_and_to_nobody_else() {
    let document = serde_json::to_value(taabia::http::openapi()).unwrap();
    let mut rows = rows();
    rows.extend(rows_of_books());
    rows.extend(rows_of_stock());
    rows.extend(two_persons::rows());
    rows.extend(care::rows());
    rows.extend(doubts::rows());
    rows.extend(reports::rows());
    rows.extend(reversals::rows());
    rows.extend(webhooks::rows());
    let mut known: BTreeSet<&str> = rows.iter().map(|row| row.call).collect();
    let mut matrix = Matrix::new().await;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, call) in item.as_object().unwrap() {
            let needs = call["security"].as_array().filter(|needs| !needs.is_empty());
            let Some(needs) = needs else { continue };
            let name = format!("{} {path}", method.to_uppercase());
            let row = rows.iter().find(|row| row.call == name);
            let row = row.unwrap_or_else(|| panic!("the matrix does not know {name}: add a line to `rows`"));
            known.remove(row.call);
            let scopes: Vec<&Value> =
                needs.iter().map(|need| need.as_object().unwrap().values().next().unwrap()).collect();
            let named = |scope: Option<Scope>| json!(scope.iter().map(|scope| scope.name()).collect::<Vec<_>>());
            let expected: Vec<Value> =
                std::iter::once(named(row.scope)).chain(row.or.map(|or| named(Some(or)))).collect();
            assert_eq!(json!(scopes), json!(expected), "{name} needs another scope than the matrix believes");
            matrix.check(row).await;
        }
    }
    assert!(known.is_empty(), "the document does not have these calls: {known:?}");
}
