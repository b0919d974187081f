//! Fast recharges.

use std::sync::Arc;

use super::caller::{Caller, ServiceError};
use crate::domain::{Channel, ExternalId, Msisdn, Operation, OperationId, ResellerId, Status, TerminalId, Timestamp};

/// A validated order.
#[derive(Clone, Debug)]
pub struct RechargeOrder {
    pub external_id: ExternalId,
    pub reseller: ResellerId,
    pub msisdn: Msisdn,
    pub amount_minor: i64,
    pub product: Box<str>,
    pub channel: Channel,
    pub terminal: Option<TerminalId>,
    pub allow_repeat: bool,
}

/// What a list shows.
#[derive(Clone, Debug, Default)]
pub struct RechargeFilter {
    pub reseller: Option<ResellerId>,
    /// Only together with `reseller`.
    pub external_id: Option<ExternalId>,
    /// Only together with `from` and `to`.
    pub msisdn: Option<Msisdn>,
    pub status: Option<Status>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub after: Option<OperationId>,
    /// 1 to 200.
    pub limit: u32,
}

/// An operation and whether it had been decided before this request.
#[derive(Clone, Debug)]
pub struct Answer {
    pub operation: Arc<Operation>,
    pub replayed: bool,
}

/// A page of recharges, newest first.
#[derive(Clone, Debug)]
pub struct RechargePage {
    pub items: Vec<Operation>,
    pub next: Option<OperationId>,
}

/// The use cases of recharges.
pub struct Recharges {}

impl Recharges {
    /// Reserves, calls the charging system, settles or releases; answers with the outcome or, when it
    /// takes longer than `answer_within_ms`, with the operation as it stands.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn create(&self, _caller: &Caller, _order: RechargeOrder) -> Result<Answer, ServiceError> {
        Err(ServiceError::Internal)
    }

    /// # Errors
    /// [`ServiceError::NotFound`] when unknown or outside the caller's subtrees.
    pub async fn get(&self, _caller: &Caller, _id: OperationId) -> Result<Operation, ServiceError> {
        Err(ServiceError::Internal)
    }

    /// # Errors
    /// [`ServiceError`].
    pub async fn list(&self, _caller: &Caller, _filter: RechargeFilter) -> Result<RechargePage, ServiceError> {
        Err(ServiceError::Internal)
    }

    /// Makes an unknown key unusable; the operation when the key is known.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn void(
        &self,
        _caller: &Caller,
        _reseller: ResellerId,
        _external_id: ExternalId,
    ) -> Result<Answer, ServiceError> {
        Err(ServiceError::Internal)
    }

    /// When the outcome of an operation without one is expected at the latest.
    #[must_use]
    pub fn final_status_expected_at(&self, _operation: &Operation) -> Option<Timestamp> {
        None
    }
}
