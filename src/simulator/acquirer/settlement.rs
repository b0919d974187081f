//! The daily settlement file: what was captured, given back and charged back on one day (UTC), net of fees.

use std::fmt::Write as _;

use jiff::civil::Date;

use super::books::Books;
use super::payment::{DisputeStatus, Payment};
use crate::domain::{Currency, Money};

const HEADING: &str = "order,reference,kind,gross,fee,net,currency,settled_on\n";

/// The acquirer's share of a payment: 1.5 %, rounded half up; refunds and charge-backs cost nothing and give nothing
/// back.
fn fee_minor(gross_minor: i64) -> i64 {
    i64::try_from((i128::from(gross_minor) * 150 + 5_000) / 10_000).expect("a part of an amount is an amount")
}

pub(super) fn file(books: &Books, day: Date) -> String {
    let mut text = HEADING.to_owned();
    books.for_each(|payment| lines(payment, day, &mut text));
    text
}

fn lines(payment: &Payment, day: Date, text: &mut String) {
    let Ok(currency) = payment.asked.currency.parse::<Currency>() else { return };
    let mut line = |order: &str, reference: &str, kind: &str, gross: i64, fee: i64, at_ms: i64| {
        if date(at_ms) != Some(day) {
            return;
        }
        let money = |minor| Money::from_minor(minor, currency);
        let (gross, fee, net) = (money(gross), money(fee), money(gross - fee));
        writeln!(text, "{order},{reference},{kind},{gross},{fee},{net},{currency},{day}")
            .expect("a String takes everything");
    };
    let order = &payment.asked.order;
    if let Some(at_ms) = payment.captured_ms {
        let gross = payment.captured_minor;
        line(order, &payment.reference, "payment", gross, fee_minor(gross), at_ms);
    }
    for refund in &payment.refunds {
        line(&refund.id, &refund.reference, "refund", -refund.amount_minor, 0, refund.at_ms);
    }
    if let Some(dispute) = &payment.dispute {
        line(order, &dispute.reference, "chargeback", -dispute.amount_minor, 0, dispute.opened_ms);
        if let (DisputeStatus::Won, Some(at_ms)) = (dispute.status, dispute.ended_ms) {
            line(order, &dispute.reference, "chargeback_reversal", dispute.amount_minor, 0, at_ms);
        }
    }
}

fn date(at_ms: i64) -> Option<Date> {
    let at = jiff::Timestamp::from_millisecond(at_ms).ok()?;
    Some(at.to_zoned(jiff::tz::TimeZone::UTC).date())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_are_rounded_half_up() {
        for (gross, fee) in [(10_000, 150), (100, 2), (33, 0), (34, 1), (0, 0), (i64::MAX, 138_350_580_552_821_637)] {
            assert_eq!(fee_minor(gross), fee, "{gross}");
        }
    }
}
