//! Fields that several requests have.

use std::str::FromStr as _;

use super::recharges::create::configured_currency;
use crate::domain::{DocumentReference, Money, Reason};
use crate::http::body::{Field, Fields};
use crate::http::state::ApiState;

pub const AMOUNT: Field =
    Field::text("amount", 64, "Face value as a decimal string.", "20.00").matching(r"^[0-9]+(\.[0-9]+)?$");
pub const CURRENCY: Field = Field::text("currency", 3, "Currency of the installation (ISO 4217).", "MAD");
pub const REASON: Field =
    Field::text("reason", Reason::MAX_LEN, "Why, in the words of whoever asks.", "Ramadan campaign");
pub const DOCUMENT: Field =
    Field::text("document", DocumentReference::MAX_LEN, "The document that it rests on.", "PO-2026-118");

/// Amount in minor units, with its currency checked.
pub fn amount(fields: &mut Fields<'_>, state: &ApiState) -> Option<i64> {
    let amount = fields.text("amount", |text| Money::parse(text, state.currency));
    let currency = fields.text("currency", |text| configured_currency(text, state.currency));
    amount.zip(currency).map(|(amount, ())| amount.minor())
}

pub fn reason(fields: &mut Fields<'_>) -> Option<Reason> {
    fields.text("reason", Reason::from_str)
}

pub fn document(fields: &mut Fields<'_>) -> Option<DocumentReference> {
    fields.text("document", DocumentReference::from_str)
}
