//! What the handlers have at hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use metrics_exporter_prometheus::PrometheusHandle;

use crate::domain::{Currency, NumberingPlan};
use crate::ports::{Clock, Randomness, Reads};
use crate::services::access::{Authenticator, Tokens};
use crate::services::{Audit, Catalogues, Commissions, Directory, Network, Recharges, Stock, Terminals, Users};

/// All that the API is wired to.
pub struct Api {
    pub recharges: Arc<Recharges>,
    pub network: Arc<Network>,
    pub catalogues: Arc<Catalogues>,
    pub commissions: Arc<Commissions>,
    pub clock: Arc<dyn Clock>,
    pub stock: Arc<Stock>,
    pub terminals: Arc<Terminals>,
    pub directory: Arc<Directory>,
    pub audit: Arc<Audit>,
    pub users: Arc<Users>,
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
