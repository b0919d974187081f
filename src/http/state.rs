//! What the handlers have at hand.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Semaphore;

use crate::charging::ChargingSystems;
use crate::domain::{Currency, NumberingPlan};
use crate::engine::SalesGate;
use crate::ports::{Clock, Randomness, Reads};
use crate::services::access::{Authenticator, Tokens};
use crate::services::business_days::BusinessDays;
use crate::services::stock_watch::StockWatches;
use crate::services::topups::Topups;
use crate::services::{
    Allocations, Audit, Care, Catalogues, Certificates, Commissions, Directory, FourEyes, Limits, Network, Recharges,
    Reconciliation, Reversals, Settlements, Statements, Stock, Terminals, Transfers, Users, Webhooks,
};

/// All that the API is wired to.
pub struct Api {
    pub recharges: Arc<Recharges>,
    pub reversals: Arc<Reversals>,
    /// For `/readyz` alone.
    pub gate: Arc<SalesGate>,
    pub certificates: Arc<Certificates>,
    pub care: Arc<Care>,
    /// For `/readyz` alone.
    pub charging: Arc<ChargingSystems>,
    pub network: Arc<Network>,
    pub catalogues: Arc<Catalogues>,
    pub commissions: Arc<Commissions>,
    pub clock: Arc<dyn Clock>,
    pub stock: Arc<Stock>,
    pub terminals: Arc<Terminals>,
    pub four_eyes: Arc<FourEyes>,
    pub allocations: Arc<Allocations>,
    pub topups: Arc<Topups>,
    pub settlements: Arc<Settlements>,
    pub reconciliation: Arc<Reconciliation>,
    pub transfers: Arc<Transfers>,
    pub limits: Arc<Limits>,
    pub statements: Arc<Statements>,
    pub exports: Exports,
    pub business_days: BusinessDays,
    pub stock_watches: StockWatches,
    pub directory: Arc<Directory>,
    pub audit: Arc<Audit>,
    pub users: Arc<Users>,
    pub webhooks: Arc<Webhooks>,
    /// For `/readyz` alone.
    pub reads: Arc<dyn Reads>,
    pub tokens: Arc<Tokens>,
    pub authenticator: Arc<Authenticator>,
    pub randomness: Arc<dyn Randomness>,
    pub currency: Currency,
    pub numbering: NumberingPlan,
    pub metrics: PrometheusHandle,
    pub readiness: Readiness,
}

/// Where exports are written, and how many at once.
pub struct Exports {
    /// A folder for files without a name.
    pub folder: PathBuf,
    /// Reports give way first: no more than these, and what comes beyond is told to come back.
    pub places: Arc<Semaphore>,
}

/// Shared by all handlers.
pub type ApiState = Arc<Api>;

/// Whether the node wants new requests. Cloned handles are one and the same.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// From now on `/readyz` says no, so that balancers send requests elsewhere.
    pub fn drain(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
