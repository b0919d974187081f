//! A settlement file as the contract shows it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::records::SettledSum;
use crate::domain::{BusinessDay, Money, Timestamp};
use crate::http::state::Api;
use crate::services::settlement;

/// An acquirer's settlement file, compared with our top-ups. Money that leaves has a minus sign.
#[derive(Debug, Serialize, ToSchema)]
pub struct Settlement {
    #[schema(example = "stl_01939f3e-7c00-8000-8000-000000000003")]
    id: String,
    #[schema(example = "simulator")]
    acquirer: String,
    /// Whether all lines are booked.
    complete: bool,
    /// Lines of the file, and how many of them are booked.
    lines: i64,
    booked: i64,
    #[schema(example = "MAD")]
    currency: &'static str,
    /// The first and the last day on which a line was settled.
    #[schema(required, example = "2026-11-22")]
    first_day: Option<String>,
    #[schema(required, example = "2026-11-22")]
    last_day: Option<String>,
    matched: Sum,
    /// We know of no such payment, refund or charge-back.
    missing_here: Sum,
    amount_differs: Sum,
    /// The reference was booked before, or another line settled the same payment.
    duplicate: Sum,
    /// The charging system's record says the contrary of a final outcome of ours.
    contradicts: Sum,
    /// What the posted lines brought, and what the acquirer kept of them.
    #[schema(example = "98500.00")]
    net: String,
    #[schema(example = "1500.00")]
    fees: String,
    /// Gross amount of the lines that are nobody's yet: missing here, or of another amount.
    #[schema(example = "0.00")]
    difference: String,
    imported_at: String,
}

/// A sum over lines.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SettlementSum)]
pub struct Sum {
    count: i64,
    #[schema(example = "100000.00")]
    gross: String,
    #[schema(example = "1500.00")]
    fee: String,
}

impl Settlement {
    pub fn of(api: &Api, settlement: &settlement::Settlement) -> Self {
        let file = &settlement.file;
        let money = |minor| Money::from_minor(minor, api.currency).to_string();
        let sum = |sum: SettledSum| Sum { count: sum.count, gross: money(sum.gross_minor), fee: money(sum.fee_minor) };
        let day = |day: Option<i32>| day.map(|day| BusinessDay(day).to_string());
        Self {
            id: settlement.id.to_string(),
            acquirer: file.acquirer.to_string(),
            complete: file.is_complete(),
            lines: file.lines,
            booked: file.booked,
            currency: api.currency.code(),
            first_day: day(file.first_day),
            last_day: day(file.last_day),
            matched: sum(file.matched),
            missing_here: sum(file.missing_here),
            amount_differs: sum(file.amount_differs),
            duplicate: sum(file.duplicate),
            contradicts: sum(file.contradicts),
            net: money(file.net_minor),
            fees: money(file.fees_minor),
            difference: money(file.difference_minor()),
            imported_at: Timestamp::from_unix_ms(file.begun_at_ms).to_string(),
        }
    }
}
