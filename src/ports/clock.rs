//! Time and randomness. The real ones are chosen in `cli/`; tests and the simulation bring their own.

use crate::domain::ids::uuid_v7;
use crate::domain::{OperationId, Shard, Timestamp};

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;
}

/// Draws random bytes fit for secrets.
pub trait Randomness: Send + Sync + 'static {
    fn fill(&self, bytes: &mut [u8]);
}

/// The id of a new operation of a shard.
#[must_use]
pub fn draw_operation(clock: &dyn Clock, randomness: &dyn Randomness, shard: Shard) -> OperationId {
    let mut random = [0; 10];
    randomness.fill(&mut random);
    OperationId::from_uuid(uuid_v7(clock.now(), random, shard))
}
