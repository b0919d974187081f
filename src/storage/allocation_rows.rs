//! Allocations and runs, as rows beside their operations, and the lines of runs.

use serde::Serialize;
use uuid::Uuid;

use super::rows::{corrupt, hex_bytes, hex_optional, shard_number};
use crate::domain::{
    Allocation, Asked, ClientId, Decline, Line, Operation, OperationId, Price, ResellerId, Run, RunLine, RunTotals,
    Shard, Standing, Status, Terms,
};
use crate::ports::{LineOutcome, LineState, ReceiverStock, StoreError};

#[derive(Clone, Serialize, sqlx::FromRow)]
pub(super) struct AllocationRow {
    pub shard: i16,
    #[serde(serialize_with = "hex_bytes")]
    pub id: Uuid,
    pub terms: i16,
    pub reason: String,
    pub asked_minor: i64,
    pub is_top_up: bool,
    pub net_minor: Option<i64>,
    pub vat_minor: Option<i64>,
    pub discount_minor: Option<i64>,
    pub residue_minor: Option<i64>,
    pub catalogue: Option<i64>,
    #[serde(serialize_with = "hex_optional")]
    pub run: Option<Uuid>,
    pub line: Option<i64>,
}

impl AllocationRow {
    /// The row of an operation, where it has one.
    pub(super) fn of(operation: &Operation) -> Option<Self> {
        let allocation = operation.allocation()?;
        Some(Self {
            shard: shard_number(operation.id.shard()),
            id: operation.id.uuid(),
            terms: allocation.terms.code(),
            reason: allocation.reason.to_string(),
            asked_minor: allocation.asked.minor(),
            is_top_up: allocation.asked.is_top_up(),
            net_minor: allocation.price.map(|price| price.net_minor),
            vat_minor: allocation.price.map(|price| price.vat_minor),
            discount_minor: allocation.price.map(|price| price.discount_minor),
            residue_minor: allocation.price.map(|price| price.residue_minor),
            catalogue: allocation.price.map(|price| price.catalogue),
            run: allocation.run.map(|line| line.run.uuid()),
            line: allocation.run.map(|line| line.number),
        })
    }

    fn read_price(&self) -> Option<Price> {
        Some(Price {
            net_minor: self.net_minor?,
            vat_minor: self.vat_minor?,
            discount_minor: self.discount_minor?,
            residue_minor: self.residue_minor?,
            catalogue: self.catalogue?,
        })
    }

    pub(super) fn read(self, to: ResellerId) -> Result<Allocation, StoreError> {
        let price = self.read_price();
        let run = self.run.zip(self.line);
        Ok(Allocation {
            to,
            terms: Terms::from_code(self.terms).ok_or_else(|| corrupt("allocation.terms"))?,
            reason: self.reason.parse().map_err(|_| corrupt("allocation.reason"))?,
            asked: Asked::of(self.asked_minor, self.is_top_up),
            price,
            run: run.map(|(run, number)| RunLine { run: OperationId::from_uuid(run), number }),
        })
    }
}

#[derive(Clone, Serialize, sqlx::FromRow)]
pub(super) struct RunRow {
    pub shard: i16,
    #[serde(serialize_with = "hex_bytes")]
    pub id: Uuid,
    pub terms: i16,
    pub reason: String,
    #[serde(serialize_with = "hex_bytes")]
    pub started_by: Uuid,
    #[serde(serialize_with = "hex_bytes")]
    pub request: Vec<u8>,
    pub lines: i64,
    #[serde(serialize_with = "hex_bytes")]
    pub lines_digest: Vec<u8>,
    pub done: Option<i64>,
    pub refused: Option<i64>,
    pub amount_minor: Option<i64>,
}

impl RunRow {
    /// The row of an operation, where it has one.
    pub(super) fn of(operation: &Operation) -> Option<Self> {
        let run = operation.run()?;
        Some(Self {
            shard: shard_number(operation.id.shard()),
            id: operation.id.uuid(),
            terms: run.terms.code(),
            reason: run.reason.to_string(),
            started_by: run.started_by.uuid(),
            request: run.request.to_vec(),
            lines: run.lines,
            lines_digest: run.lines_digest.to_vec(),
            done: run.totals.map(|totals| totals.done),
            refused: run.totals.map(|totals| totals.refused),
            amount_minor: run.totals.map(|totals| totals.amount_minor),
        })
    }

    pub(super) fn read(self) -> Result<Run, StoreError> {
        let totals = self.done.zip(self.refused).zip(self.amount_minor);
        Ok(Run {
            terms: Terms::from_code(self.terms).ok_or_else(|| corrupt("run.terms"))?,
            reason: self.reason.parse().map_err(|_| corrupt("run.reason"))?,
            started_by: ClientId::from_uuid(self.started_by),
            request: self.request.try_into().map_err(|_| corrupt("run.request"))?,
            lines: self.lines,
            lines_digest: self.lines_digest.try_into().map_err(|_| corrupt("run.lines_digest"))?,
            totals: totals.map(|((done, refused), amount_minor)| RunTotals { done, refused, amount_minor }),
        })
    }
}

#[derive(Clone, Serialize, sqlx::FromRow)]
pub(super) struct LineRow {
    pub shard: i16,
    #[serde(serialize_with = "hex_bytes")]
    pub run: Uuid,
    pub number: i64,
    #[serde(serialize_with = "hex_optional")]
    pub reseller: Option<Uuid>,
    pub code: Option<String>,
    pub asked_minor: i64,
    pub is_top_up: bool,
}

impl LineRow {
    pub(super) fn of(shard: Shard, run: OperationId, line: &Line) -> Self {
        Self {
            shard: shard_number(shard),
            run: run.uuid(),
            number: line.number,
            reseller: line.reseller.map(ResellerId::uuid),
            code: line.code.as_deref().map(str::to_owned),
            asked_minor: line.asked.minor(),
            is_top_up: line.asked.is_top_up(),
        }
    }

    pub(super) fn read(self) -> Line {
        Line {
            number: self.number,
            reseller: self.reseller.map(ResellerId::from_uuid),
            code: self.code.map(String::into_boxed_str),
            asked: Asked::of(self.asked_minor, self.is_top_up),
        }
    }
}

/// A line beside its allocation.
#[derive(sqlx::FromRow)]
pub(super) struct LineStateRow {
    #[sqlx(flatten)]
    line: LineRow,
    operation: Option<Uuid>,
    status: Option<i16>,
    decline: Option<String>,
    amount_minor: Option<i64>,
}

impl LineStateRow {
    pub(super) fn read(self) -> Result<LineState, StoreError> {
        let decline = self.decline.map(|code| Decline::from_code(&code).ok_or_else(|| corrupt("operation.decline")));
        let decline = decline.transpose()?;
        let allocation = match (self.operation, self.status, self.amount_minor) {
            (Some(operation), Some(status), Some(amount_minor)) => Some(LineOutcome {
                operation: OperationId::from_uuid(operation),
                status: Status::from_code(status).ok_or_else(|| corrupt("operation.status"))?,
                decline,
                amount_minor,
            }),
            _ => None,
        };
        Ok(LineState { line: self.line.read(), allocation })
    }
}

/// What a decision would read of a receiver.
#[derive(sqlx::FromRow)]
pub(super) struct ReceiverStockRow {
    reseller: Uuid,
    standing: String,
    available: i64,
}

impl ReceiverStockRow {
    pub(super) fn read(self) -> Result<ReceiverStock, StoreError> {
        Ok(ReceiverStock {
            reseller: ResellerId::from_uuid(self.reseller),
            standing: Standing::from_name(&self.standing).ok_or_else(|| corrupt("reseller_state.standing"))?,
            available_minor: self.available,
        })
    }
}
