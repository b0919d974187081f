//! The catalogue as callers see it, and its import.

mod file;
mod lines;
mod table;

use std::sync::{Arc, Mutex, PoisonError};

use super::caller::ServiceError;
use crate::domain::catalogue::{Catalogue, Flaw, Import, Offer, Period, Product, ProductKind};
use crate::domain::{Operation, RecordKey, RecordKind, Shard};
use crate::ledger::command::{Actor, Command, ImportCatalogue, Outcome, Request};
use crate::ledger::recharge::AIRTIME;
use crate::ledger::{Refusal, Rules};
use crate::ports::{Clock, Ledger, LedgerError, Reads, StoreError};

pub use file::{FileError, Format, parse};

/// The catalogue in one of its versions.
#[derive(Clone, Debug)]
pub struct Published {
    /// 0 before the first import.
    pub version: i64,
    pub catalogue: Arc<Catalogue>,
}

/// Why an import changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Flaw(#[from] Flaw),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// What an import did.
#[derive(Clone, Debug)]
pub struct Imported {
    pub published: Published,
    /// False when everything stood like that before.
    pub changed: bool,
}

/// The use cases of the catalogue.
pub struct Catalogues {
    reads: Arc<dyn Reads>,
    /// What a fresh installation sells.
    fresh: Arc<Catalogue>,
    known: Mutex<Option<Published>>,
}

impl Catalogues {
    #[must_use]
    pub fn new(reads: Arc<dyn Reads>, rules: &Rules) -> Self {
        let offer = Offer {
            name: "airtime".into(),
            min_minor: *rules.airtime_minor.start(),
            max_minor: *rules.airtime_minor.end(),
            benefits: Vec::new(),
            validity_hours: None,
            period: Period::ALWAYS,
        };
        let code = AIRTIME.parse().expect("the name of the product is a code");
        let product = Product { code, name: AIRTIME.into(), kind: ProductKind::OpenRange, offers: vec![offer] };
        Self { reads, fresh: Arc::new(Catalogue::of_one(product)), known: Mutex::default() }
    }

    /// The catalogue as it stands now.
    ///
    /// # Errors
    /// [`ServiceError`] when the store cannot be read.
    pub async fn current(&self) -> Result<Published, ServiceError> {
        let published = match stored(&*self.reads).await? {
            Some(published) => published,
            None => Published { version: 0, catalogue: self.fresh.clone() },
        };
        *self.known() = Some(published.clone());
        Ok(published)
    }

    /// A catalogue that knows what these recharges were sold as. Its past never changes, so one that was read once
    /// serves until a recharge is of a later version. What the store does not give in time is not told.
    pub async fn of(&self, operations: &[&Operation]) -> Arc<Catalogue> {
        let versions = operations.iter().filter_map(|operation| operation.recharge());
        let needed = versions.map(|recharge| recharge.terms.catalogue).max().unwrap_or(0);
        let known = self.known().clone();
        if needed == 0 {
            return self.fresh.clone();
        }
        match known {
            Some(known) if known.version >= needed => known.catalogue,
            known => match self.current().await {
                Ok(published) => published.catalogue,
                Err(_) => known.map_or_else(|| self.fresh.clone(), |known| known.catalogue),
            },
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Option<Published>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The catalogue of the store; `None` before the first import.
///
/// # Errors
/// [`StoreError`].
pub async fn stored(reads: &dyn Reads) -> Result<Option<Published>, StoreError> {
    let key = RecordKey::of_operator(RecordKind::Catalogue, Catalogue::ID.parse().expect("it is short and plain"));
    let record = reads.record(Shard::OPERATOR, &key).await?;
    let published = record.and_then(|record| {
        let catalogue = record.body::<Catalogue>()?.clone();
        Some(Published { version: record.version(), catalogue: Arc::new(catalogue) })
    });
    Ok(published)
}

/// What an import would do now, without doing it: `None` when it changes nothing.
///
/// # Errors
/// [`ImportError`].
pub async fn preview(reads: &dyn Reads, clock: &dyn Clock, import: &Import) -> Result<Option<Catalogue>, ImportError> {
    let current = stored(reads).await?.map(|published| published.catalogue).unwrap_or_default();
    Ok(current.with(import, clock.now().plus_ms(1))?)
}

/// Imports by an engine command.
///
/// # Errors
/// [`ImportError`]; nothing changed.
pub async fn import(
    ledger: &dyn Ledger,
    reads: &dyn Reads,
    clock: &dyn Clock,
    actor: Actor,
    import: Import,
) -> Result<Imported, ImportError> {
    let before = stored(reads).await?;
    // Says what is wrong; the ledger decides by what stands there then.
    if preview(reads, clock, &import).await?.is_none()
        && let Some(published) = before
    {
        return Ok(Imported { published, changed: false });
    }
    let request = Request::ImportCatalogue(ImportCatalogue { import });
    match ledger.execute(Command { actor, request }).await? {
        Outcome::Put(record) => {
            let catalogue = record.body::<Catalogue>().cloned().ok_or(LedgerError::Internal)?;
            let published = Published { version: record.version(), catalogue: Arc::new(catalogue) };
            let changed = before.is_none_or(|before| before.version != published.version);
            Ok(Imported { published, changed })
        }
        _ => Err(LedgerError::Refused(Refusal::UnfitCatalogue).into()),
    }
}
