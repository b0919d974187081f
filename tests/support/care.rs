//! Customer care over the books of a world.

use std::sync::Arc;

use taabia::services::webhooks::Webhooks;
use taabia::services::{Care, Directory, Recharges};

use super::world::World;

pub fn care(world: &World, recharges: Arc<Recharges>, (webhooks, directory): (Arc<Webhooks>, Arc<Directory>)) -> Care {
    Care {
        ledger: world.nodes[0].clone(),
        recharges,
        webhooks,
        directory,
        reads: world.books.store.clone(),
        lists: world.books.topups.clone(),
        journal: world.books.audit.clone(),
        movements: world.books.movements.clone(),
        care: world.books.care.clone(),
        cases: world.books.cases.clone(),
        clock: world.clock.clone(),
        randomness: Arc::new(super::SeededRandomness::new(41)),
        call_back_within_ms: 600_000,
    }
}
