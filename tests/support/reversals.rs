//! Reversals wired to a charging system of the test.

use std::sync::Arc;

use taabia::charging::ChargingSystems;
use taabia::domain::Currency;
use taabia::ledger::evidence::EvidenceRules;
use taabia::services::reversals::{ReversalConfig, ReversalDeps};
use taabia::services::{Directory, Reversals};

use super::SeededRandomness;
use super::world::World;

pub fn reversals(world: &World, charging: Arc<ChargingSystems>, directory: Arc<Directory>) -> Reversals {
    let deps = ReversalDeps {
        ledger: world.nodes[0].clone(),
        reads: world.books.store.clone(),
        lists: world.books.topups.clone(),
        charging,
        directory,
        clock: world.clock.clone(),
        randomness: Arc::new(SeededRandomness::new(15)),
    };
    let times = ReversalConfig {
        currency: Currency::MAD,
        answer_within_ms: 300,
        evidence: EvidenceRules::default(),
        lookup_timeout_ms: 300,
    };
    Reversals::new(deps, times)
}
