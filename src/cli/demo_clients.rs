//! The clients of the demonstration and `demo.json`, which says where everything is.

use std::error::Error;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::clock::{SystemClock, SystemRandomness};
use super::node::Node;
use crate::domain::ids::uuid_v7;
use crate::domain::{ClientId, PartnerId, ResellerId, Shard};
use crate::ports::{Clock as _, Randomness as _};
use crate::services::access::{NewClient, NewSecret};
use crate::services::{Caller, Scope};
use crate::simulator::network::Branch;

/// The branch of the network that the live traffic sells from; no listed client does.
pub const TRAFFIC_BRANCH: usize = 5;

/// One client as `demo.json` shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Credentials {
    pub name: String,
    pub client_id: String,
    pub client_secret: String,
    pub scopes: Vec<String>,
    /// Outlets it may sell from.
    pub reseller_ids: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct DemoFile {
    api: String,
    charging_simulator: Option<String>,
    acquirer_simulator: Option<String>,
    clients: Vec<Credentials>,
}

/// Where the outside world of the demonstration is.
pub struct Places {
    pub charging: Option<String>,
    pub acquirer: Option<String>,
}

/// What a client of the demonstration may do and where.
struct Plan {
    name: &'static str,
    scopes: &'static [Scope],
    roots: Vec<ResellerId>,
    outlets: Vec<ResellerId>,
}

const SELL: &[Scope] =
    &[Scope::RechargesWrite, Scope::RechargesRead, Scope::StockRead, Scope::WebhooksWrite, Scope::WebhooksRead];

fn plans(branches: &[Branch]) -> Vec<Plan> {
    let roots_of = |branches: &[Branch]| branches.iter().map(|branch| branch.root).collect::<Vec<_>>();
    let outlets_of =
        |branches: &[Branch]| branches.iter().flat_map(|branch| branch.outlets.clone()).collect::<Vec<_>>();
    let shared = &branches[..4];
    let seller = |name, scopes, branches: &[Branch]| Plan {
        name,
        scopes,
        roots: roots_of(branches),
        outlets: outlets_of(branches),
    };
    let per_wholesaler = branches[0].outlets.len() / branches[0].wholesalers.len();
    vec![
        seller("atm", SELL, shared),
        seller("bank_app", SELL, shared),
        seller("pos", SELL, shared),
        Plan {
            name: "reseller",
            scopes: &[
                Scope::RechargesWrite,
                Scope::RechargesRead,
                Scope::StockRead,
                Scope::StockWrite,
                Scope::TopupsWrite,
                Scope::TopupsRead,
                Scope::WebhooksWrite,
                Scope::WebhooksRead,
            ],
            roots: vec![branches[0].wholesalers[0]],
            outlets: branches[0].outlets[..per_wholesaler].to_vec(),
        },
        seller(
            "operator_maker",
            &[
                Scope::StockIssue,
                Scope::StockAllocate,
                Scope::StockRead,
                Scope::NetworkRead,
                Scope::NetworkWrite,
                Scope::RechargesRead,
            ],
            branches,
        ),
        seller(
            "operator_checker",
            &[Scope::StockApprove, Scope::StockRead, Scope::NetworkRead, Scope::RechargesRead],
            branches,
        ),
        seller(
            "auditor",
            &[Scope::RechargesRead, Scope::StockRead, Scope::NetworkRead, Scope::TopupsRead, Scope::AuditRead],
            branches,
        ),
        seller("care", &[Scope::CareRead, Scope::CareWrite, Scope::RechargesRead], branches),
        seller("other_bank", SELL, &branches[4..5]),
    ]
}

/// Makes the clients that are missing, gives a new secret to those whose secret is not in the file any more,
/// and writes the file anew, readable by its owner only.
///
/// # Errors
/// When a client cannot be made or the file cannot be written.
pub async fn write(
    path: &Path,
    node: &Node,
    places: Places,
    branches: &[Branch],
) -> Result<Vec<Credentials>, Box<dyn Error>> {
    let before = read(path).map(|file| file.clients).unwrap_or_default();
    let known = node.clients.list().await?;
    let mut clients = Vec::new();
    for plan in plans(branches) {
        let registered = known.iter().find(|client| client.name == plan.name && client.revoked_at.is_none());
        let (client_id, client_secret) = match registered.map(|client| client.id) {
            Some(id) => match before.iter().find(|client| client.client_id == id.to_string()) {
                Some(kept) => (kept.client_id.clone(), kept.client_secret.clone()),
                None => revealed(&node.clients.rotate(id).await?),
            },
            None => revealed(&node.clients.create(new_client(&plan)).await?),
        };
        clients.push(Credentials {
            name: plan.name.to_owned(),
            client_id,
            client_secret,
            scopes: plan.scopes.iter().map(|scope| scope.name().to_owned()).collect(),
            reseller_ids: plan.outlets.iter().map(ToString::to_string).collect(),
        });
    }
    let Places { charging, acquirer } = places;
    let file = DemoFile { api: node.url.clone(), charging_simulator: charging, acquirer_simulator: acquirer, clients };
    replace(path, &serde_json::to_vec_pretty(&file)?)?;
    Ok(file.clients)
}

fn read(path: &Path) -> Option<DemoFile> {
    std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok())
}

/// Where the acquirer simulator listened last time.
pub fn acquirer_before(path: &Path) -> Option<SocketAddr> {
    read(path)?.acquirer_simulator?.strip_prefix("http://")?.parse().ok()
}

fn new_client(plan: &Plan) -> NewClient {
    NewClient {
        name: plan.name.to_owned(),
        partner: PartnerId::from_uuid(draw()),
        partner_name: plan.name.to_owned(),
        scopes: plan.scopes.to_vec(),
        roots: plan.roots.clone(),
        rate_limit_per_s: None,
    }
}

fn revealed(new: &NewSecret) -> (String, String) {
    (new.client.to_string(), new.secret.expose_secret().to_owned())
}

/// Replaces the file as a whole: a reader sees the old one or the new one.
fn replace(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let fresh = path.with_extension("json.new");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)
}

/// The live traffic's own identity: inside this process it needs no token.
pub fn traffic_caller(root: ResellerId) -> Caller {
    Caller {
        client: ClientId::from_uuid(draw()),
        partner: PartnerId::from_uuid(draw()),
        name: "demo_traffic".into(),
        scopes: [Scope::RechargesWrite, Scope::TopupsWrite].into(),
        roots: [root].into(),
        rate_limit_per_s: None,
        address: None,
        request: None,
    }
}

fn draw() -> uuid::Uuid {
    let mut random = [0; 10];
    SystemRandomness.fill(&mut random);
    uuid_v7(SystemClock.now(), random, Shard::new(random[9]))
}
