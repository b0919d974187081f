//! Whether sales are let through.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::domain::Timestamp;

/// What nobody refuses.
const OPEN: i64 = i64::MIN;

/// Refuses sales while the books lack what happened after the backup that they came back from.
#[derive(Debug)]
pub struct SalesGate(AtomicI64);

impl Default for SalesGate {
    fn default() -> Self {
        Self(AtomicI64::new(OPEN))
    }
}

impl SalesGate {
    /// Refuses sales since a time, or lets them through again. Tells whether that is new.
    pub fn set(&self, refused_since: Option<Timestamp>) -> bool {
        let since = refused_since.map_or(OPEN, Timestamp::unix_ms);
        self.0.swap(since, Ordering::Relaxed) != since
    }

    /// Since when sales are refused.
    #[must_use]
    pub fn refused_since(&self) -> Option<Timestamp> {
        Some(self.0.load(Ordering::Relaxed)).filter(|since| *since != OPEN).map(Timestamp::from_unix_ms)
    }
}
