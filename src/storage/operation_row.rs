//! The widest row of the books: an operation with what belongs to its kind.

use serde::Serialize;
use uuid::Uuid;

use super::beside::Beside;
use super::rows::{HoldRow, corrupt, hex_bytes, hex_optional, msisdn_column, read_at, shard_number};
use crate::domain::catalogue::PayIn;
use crate::domain::{
    Allocation, AskedSystems, Channel, Decline, Details, FourEyes, Hold, Msisdn, Operation, OperationId, OperationKind,
    PartnerId, Recharge, ResellerId, Run, SaleTerms, Status, Timestamp, Transfer, TransferKind,
};
use crate::ports::{OperationSum, StoreError};

#[derive(Serialize, sqlx::FromRow, sqlx::Type)]
#[sqlx(type_name = "operation")]
pub(super) struct OperationRow {
    pub shard: i16,
    #[serde(serialize_with = "hex_bytes")]
    pub id: Uuid,
    pub kind: i16,
    #[serde(serialize_with = "hex_bytes")]
    pub partner: Uuid,
    #[serde(serialize_with = "hex_bytes")]
    pub reseller: Uuid,
    pub external_id: String,
    pub amount_minor: i64,
    pub status: i16,
    pub decline: Option<String>,
    pub balance_after: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
    pub last_sequence: i64,
    #[serde(serialize_with = "hex_optional")]
    pub counterparty: Option<Uuid>,
    pub msisdn: Option<i64>,
    #[serde(serialize_with = "hex_optional")]
    pub msisdn_salt: Option<Vec<u8>>,
    pub product: Option<String>,
    pub channel: Option<i16>,
    pub terminal: Option<String>,
    pub allow_repeat: Option<bool>,
    pub charging_reference: Option<i64>,
    pub submit_by: Option<i64>,
}

/// An operation as it is read: its row, and beside it what stands in the table of its kind.
#[derive(sqlx::FromRow)]
pub(super) struct StoredOperation {
    #[sqlx(flatten)]
    pub row: OperationRow,
    #[sqlx(skip)]
    pub beside: Beside,
}

impl From<&Operation> for OperationRow {
    fn from(operation: &Operation) -> Self {
        let recharge = operation.recharge();
        let transfer = operation.transfer();
        Self {
            shard: shard_number(operation.id.shard()),
            id: operation.id.uuid(),
            kind: operation.kind().code(),
            partner: operation.partner.uuid(),
            reseller: operation.reseller.uuid(),
            external_id: operation.external_id.as_str().into(),
            amount_minor: operation.amount_minor,
            status: operation.status.code(),
            decline: operation.decline.map(|decline| decline.code().into()),
            balance_after: operation.balance_after,
            created_at: operation.created_at.unix_ms(),
            updated_at: operation.updated_at.unix_ms(),
            last_sequence: operation.last_sequence,
            counterparty: match &operation.details {
                Details::CommissionPayout { to, .. } => Some(to.uuid()),
                Details::Transfer(transfer) => transfer.to.map(ResellerId::uuid),
                Details::Allocation(allocation) => Some(allocation.to.uuid()),
                _ => None,
            },
            msisdn: recharge.map(|recharge| msisdn_column(recharge.msisdn)),
            msisdn_salt: recharge.map(|recharge| recharge.salt.to_vec()),
            product: match &operation.details {
                Details::Recharge(recharge) => Some(product_column(recharge)),
                Details::CommissionPayout { pay_in, .. } => Some(pay_in.name().into()),
                _ => None,
            },
            channel: recharge.map(|recharge| recharge.channel.code()),
            terminal: recharge.and_then(|recharge| recharge.terminal.as_ref()).map(|terminal| terminal.as_str().into()),
            // The flag of the request: of a recharge allow_repeat, of a transfer that it be accepted first.
            allow_repeat: recharge
                .map(|recharge| recharge.allow_repeat)
                .or(transfer.map(|transfer| transfer.asks_acceptance)),
            charging_reference: recharge
                .and_then(|recharge| recharge.charging_reference)
                .or(operation.reversal().and_then(|reversal| reversal.charging_reference)),
            // The deadline: of a recharge for its submission, of a transfer for its acceptance.
            submit_by: recharge
                .map(|recharge| recharge.submit_by)
                .or(transfer.and_then(|transfer| transfer.accept_by))
                .map(Timestamp::unix_ms),
        }
    }
}

impl TryFrom<StoredOperation> for Operation {
    type Error = StoreError;

    fn try_from(mut stored: StoredOperation) -> Result<Self, StoreError> {
        let row = &stored.row;
        let kind = OperationKind::from_code(row.kind).ok_or_else(|| corrupt("operation.kind"))?;
        let details = match kind {
            // A voided key has no request yet, so no number.
            OperationKind::Recharge if row.msisdn.is_none() => Details::Tombstone,
            OperationKind::CommissionPayout => {
                let pay_in = row.product.as_deref().and_then(PayIn::from_name);
                let pay_in = pay_in.ok_or_else(|| corrupt("operation.product"))?;
                Details::CommissionPayout { to: stored.counterparty()?, pay_in }
            }
            OperationKind::Transfer => Details::Transfer(stored.transfer(TransferKind::Transfer)?),
            OperationKind::Return => Details::Transfer(stored.transfer(TransferKind::Return)?),
            OperationKind::Recharge => Details::Recharge(stored.take_recharge()?),
            OperationKind::Issue
            | OperationKind::Destruction
            | OperationKind::Adjustment
            | OperationKind::LimitRaise
            | OperationKind::Resolution
            | OperationKind::Statement => Details::FourEyes(Box::new(stored.take_four_eyes(kind)?)),
            OperationKind::Allocation => Details::Allocation(Box::new(stored.take_allocation()?)),
            OperationKind::Topup => {
                let row = stored.beside.topup.take().ok_or_else(|| corrupt("topup_state.id"))?;
                Details::Topup(Box::new(row.read()?))
            }
            OperationKind::TopupRefund => {
                let row = stored.beside.topup.take().ok_or_else(|| corrupt("topup_state.id"))?;
                Details::Refund(Box::new(row.read_refund()?))
            }
            OperationKind::Reversal => {
                let row = stored.beside.topup.take().ok_or_else(|| corrupt("topup_state.id"))?;
                Details::Reversal(Box::new(row.read_reversal()?))
            }
            OperationKind::AllocationRun => Details::Run(Box::new(stored.take_run()?)),
        };
        let row = stored.row;
        let decline = row
            .decline
            .map(|code| Decline::from_code(&code).ok_or_else(|| corrupt("operation.decline")))
            .transpose()?;
        Ok(Self {
            id: OperationId::from_uuid(row.id),
            partner: PartnerId::from_uuid(row.partner),
            reseller: ResellerId::from_uuid(row.reseller),
            external_id: row.external_id.parse().map_err(|_| corrupt("operation.external_id"))?,
            amount_minor: row.amount_minor,
            status: Status::from_code(row.status).ok_or_else(|| corrupt("operation.status"))?,
            decline,
            balance_after: row.balance_after,
            created_at: read_at(row.created_at),
            updated_at: read_at(row.updated_at),
            details,
            last_sequence: row.last_sequence,
        })
    }
}

impl StoredOperation {
    fn counterparty(&self) -> Result<ResellerId, StoreError> {
        self.row.counterparty.map(ResellerId::from_uuid).ok_or_else(|| corrupt("operation.counterparty"))
    }

    fn transfer(&self, kind: TransferKind) -> Result<Transfer, StoreError> {
        Ok(Transfer {
            kind,
            to: self.row.counterparty.map(ResellerId::from_uuid),
            asks_acceptance: self.row.allow_repeat.ok_or_else(|| corrupt("operation.allow_repeat"))?,
            accept_by: self.row.submit_by.map(read_at),
        })
    }

    fn take_four_eyes(&mut self, kind: OperationKind) -> Result<FourEyes, StoreError> {
        let row = self.beside.four_eyes.take().ok_or_else(|| corrupt("four_eyes.id"))?;
        let mut eyes = row.read(kind)?;
        // Read a moment after the operation: a ruling from in between is not part of this state.
        if self.row.status == Status::PendingApproval.code() {
            eyes.verdict = None;
        }
        Ok(eyes)
    }

    fn take_allocation(&mut self) -> Result<Allocation, StoreError> {
        let to = self.counterparty()?;
        self.beside.allocation.take().ok_or_else(|| corrupt("allocation.id"))?.read(to)
    }

    fn take_run(&mut self) -> Result<Run, StoreError> {
        let mut run = self.beside.run.take().ok_or_else(|| corrupt("run.id"))?.read()?;
        // Read a moment after the operation: totals from in between are not part of this state.
        if self.row.status == Status::Running.code() {
            run.totals = None;
        }
        Ok(run)
    }

    fn take_recharge(&mut self) -> Result<Recharge, StoreError> {
        let product = self.row.product.take().ok_or_else(|| corrupt("operation.product"))?;
        let Sold { product, terms, asked, reversed_minor } = read_product(&product)?;
        let digits = self.row.msisdn.and_then(|digits| u64::try_from(digits).ok());
        Ok(Recharge {
            msisdn: digits.and_then(Msisdn::from_digits).ok_or_else(|| corrupt("operation.msisdn"))?,
            salt: self
                .row
                .msisdn_salt
                .as_deref()
                .and_then(|salt| salt.try_into().ok())
                .ok_or_else(|| corrupt("operation.msisdn_salt"))?,
            product,
            terms,
            channel: self.row.channel.and_then(Channel::from_code).ok_or_else(|| corrupt("operation.channel"))?,
            terminal: self
                .row
                .terminal
                .take()
                .map(|terminal| terminal.parse().map_err(|_| corrupt("operation.terminal")))
                .transpose()?,
            allow_repeat: self.row.allow_repeat.ok_or_else(|| corrupt("operation.allow_repeat"))?,
            charging_reference: self.row.charging_reference,
            asked,
            submit_by: self.row.submit_by.map(read_at).ok_or_else(|| corrupt("operation.submit_by"))?,
            reversed_minor,
        })
    }
}

/// What the column `product` of a recharge says.
struct Sold {
    product: Box<str>,
    terms: SaleTerms,
    asked: AskedSystems,
    reversed_minor: i64,
}

/// A product with the terms it was sold under, `airtime@7:…`; where another charging system than the main one was asked,
/// with those that were, `airtime@7:…@north,south`; where something was taken back, with how much, `airtime@7:…@@500`; by
/// itself before the first catalogue.
fn product_column(recharge: &Recharge) -> String {
    let Recharge { product, terms, asked, reversed_minor, .. } = recharge;
    match (terms.is_default(), asked.is_main_alone(), *reversed_minor) {
        (true, true, 0) => product.to_string(),
        (false, true, 0) => {
            let mut text = String::with_capacity(128);
            text.push_str(product);
            text.push('@');
            terms.append_to(&mut text);
            text
        }
        (_, false, 0) => format!("{product}@{terms}@{asked}"),
        (_, _, reversed_minor) => format!("{product}@{terms}@{asked}@{reversed_minor}"),
    }
}

fn read_product(text: &str) -> Result<Sold, StoreError> {
    let corrupt = || corrupt("operation.product");
    let mut parts = text.splitn(4, '@');
    let product = parts.next().unwrap_or_default().into();
    let terms = parts.next().map(str::parse).transpose().map_err(|_| corrupt())?;
    let asked = parts.next().filter(|text| !text.is_empty()).map(str::parse).transpose().map_err(|_| corrupt())?;
    let reversed_minor = parts.next().map(str::parse).transpose().map_err(|_| corrupt())?;
    Ok(Sold {
        product,
        terms: terms.unwrap_or_default(),
        asked: asked.unwrap_or_default(),
        reversed_minor: reversed_minor.unwrap_or_default(),
    })
}

/// Reads a page of operations.
pub(super) fn read_operations(rows: Vec<StoredOperation>) -> Result<Vec<Operation>, StoreError> {
    rows.into_iter().map(Operation::try_from).collect()
}

/// An operation beside its hold, if one is open.
#[derive(sqlx::FromRow)]
pub(super) struct HeldOperationRow {
    #[sqlx(flatten)]
    operation: StoredOperation,
    hold_account: Option<i64>,
    hold_amount_minor: Option<i64>,
    hold_placed_at: Option<i64>,
    hold_due_at: Option<i64>,
}

impl HeldOperationRow {
    pub(super) fn operation_mut(&mut self) -> &mut StoredOperation {
        &mut self.operation
    }

    pub(super) fn read(self) -> Result<(Operation, Option<Hold>), StoreError> {
        let hold = match (self.hold_account, self.hold_amount_minor, self.hold_placed_at, self.hold_due_at) {
            (Some(account), Some(amount_minor), Some(placed_at), Some(due_at)) => {
                let row = HoldRow {
                    shard: self.operation.row.shard,
                    operation: self.operation.row.id,
                    account,
                    amount_minor,
                    placed_at,
                    due_at,
                };
                Some(row.read()?.1)
            }
            _ => None,
        };
        Ok((Operation::try_from(self.operation)?, hold))
    }
}

/// How many operations are in doubt and since when.
pub(super) fn read_doubt((count, oldest): (i64, Option<i64>)) -> (i64, Option<Timestamp>) {
    (count, oldest.map(read_at))
}

/// Kind, status, count and amount, as a statement sums them.
pub(super) fn read_sum((kind, status, count, amount_minor): (i16, i16, i64, i64)) -> Result<OperationSum, StoreError> {
    Ok(OperationSum {
        kind: OperationKind::from_code(kind).ok_or_else(|| corrupt("operation.kind"))?,
        status: Status::from_code(status).ok_or_else(|| corrupt("operation.status"))?,
        count,
        amount_minor,
    })
}
