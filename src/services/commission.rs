//! What a recharge earned whom, explained with its rules and its arithmetic.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::caller::{Caller, ServiceError};
use super::catalogue::Catalogues;
use super::directory::Directory;
use super::recharges::Recharges;
use crate::domain::catalogue::{Catalogue, PayIn, Rule};
use crate::domain::{Operation, OperationId, ResellerId, Status};
use crate::ports::Reads;

/// One share.
#[derive(Clone, Debug)]
pub struct ExplainedShare {
    pub reseller: ResellerId,
    /// 0 for the seller, 1 for who stood directly above it, and so on.
    pub steps_up: u8,
    pub pay_in: PayIn,
    pub amount_minor: i64,
    pub rule_number: u16,
    pub rule: Rule,
    /// The share before rounding, in minor units.
    pub exact_minor: Decimal,
}

/// A recharge with what the caller may see of its shares.
#[derive(Clone, Debug)]
pub struct Explanation {
    pub recharge: Operation,
    /// Version of the catalogue that it was sold by.
    pub version: i64,
    pub shares: Vec<ExplainedShare>,
    /// What rounding left over, in money and in stock; `None` when the caller does not see all shares.
    pub residue_minor: Option<(i64, i64)>,
}

impl Explanation {
    /// Whether the shares are posted.
    #[must_use]
    pub fn is_earned(&self) -> bool {
        is_earned(self.recharge.status)
    }
}

/// Whether a recharge in this state has earned what was agreed.
#[must_use]
pub fn is_earned(status: Status) -> bool {
    matches!(status, Status::Completed | Status::ReversalPending)
}

/// The use case.
pub struct Commissions {
    pub recharges: Arc<Recharges>,
    pub catalogues: Arc<Catalogues>,
    pub directory: Arc<Directory>,
    pub reads: Arc<dyn Reads>,
}

impl Commissions {
    /// Shares of resellers outside the caller's subtrees are left out: what a distributor earns is not its outlets'
    /// business.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when the recharge is unknown or outside the caller's subtrees.
    pub async fn explain(&self, caller: &Caller, id: OperationId) -> Result<Explanation, ServiceError> {
        let recharge = self.recharges.get(caller, id).await?;
        let catalogue = self.catalogues.of(&[&recharge]).await;
        let terms = recharge.recharge().map(|recharge| recharge.terms.clone()).unwrap_or_default();
        let mut shares = Vec::new();
        for earned in &*terms.earned {
            let account = self.reads.account(id.shard(), earned.account).await?;
            let reseller = account.and_then(|account| account.owner).ok_or(ServiceError::Internal)?;
            match self.directory.authorise(caller, reseller).await {
                Ok(()) => {}
                Err(ServiceError::NotFound) => continue,
                Err(error) => return Err(error),
            }
            let rule = rule(&catalogue, earned.rule)?;
            shares.push(ExplainedShare {
                reseller,
                steps_up: earned.steps_up,
                pay_in: earned.pay_in,
                amount_minor: earned.amount_minor,
                rule_number: earned.rule,
                exact_minor: rule.rate.of(recharge.amount_minor),
                rule,
            });
        }
        let residue_minor =
            (shares.len() == terms.earned.len()).then_some((terms.money_residue_minor, terms.stock_residue_minor));
        Ok(Explanation { recharge, version: terms.catalogue, shares, residue_minor })
    }
}

fn rule(catalogue: &Catalogue, number: u16) -> Result<Rule, ServiceError> {
    // The catalogue is of a later version, which has all earlier rules; missing, it could not be read.
    catalogue.rules().get(usize::from(number)).cloned().ok_or(ServiceError::Unavailable { retry_after_s: 1 })
}
