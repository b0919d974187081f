//! The recharges that a run asks for: all different, derived from their number in the run.

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::{Currency, Money, ResellerId};

/// Endings of numbers that the charging simulator treats as any other: 10 to 99.
const FINE_ENDINGS: u64 = 90;
/// Endings with a fault each: 00 to 07.
const FAULT_ENDINGS: u64 = 8;
/// The six digits before the ending, behind each of the two first digits of Moroccan mobile numbers.
const BODIES: u64 = 1_000_000;

/// One recharge to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    number: u64,
    /// Index among the run's outlets.
    pub(super) outlet: usize,
    pub(super) amount_minor: i64,
    /// National significant number.
    msisdn: u64,
}

/// Makes the orders of one run.
#[derive(Debug)]
pub(super) struct Orders {
    prefix: String,
    outlets: Vec<ResellerId>,
    currency: Currency,
    fault_share: f64,
    /// Where in the space of numbers this run begins.
    offset: u64,
    next: AtomicU64,
}

impl Orders {
    pub(super) fn new(
        label: &[u8],
        offset: u64,
        outlets: Vec<ResellerId>,
        currency: Currency,
        fault_share: f64,
    ) -> Self {
        let prefix = format!("load-{}-", hex::encode(label));
        Self { prefix, outlets, currency, fault_share, offset, next: AtomicU64::new(0) }
    }

    /// What every `external_id` of this run begins with.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn outlets(&self) -> usize {
        self.outlets.len()
    }

    pub(super) fn next(&self) -> Order {
        self.order(self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn order(&self, number: u64) -> Order {
        let faults = self.faults_before(number);
        let (index, endings, first_ending) = if self.faults_before(number + 1) > faults {
            (faults, FAULT_ENDINGS, 0)
        } else {
            (number - faults, FINE_ENDINGS, 10)
        };
        let index = (self.offset % (2 * BODIES * endings) + index) % (2 * BODIES * endings);
        let ending = first_ending + index % endings;
        let body = index / endings % BODIES;
        let mobile = 6 + index / endings / BODIES;
        let unit = 10_i64.pow(self.currency.exponent());
        // Steps that share no factor with the range, so that every amount from 5 to 20 comes up.
        let step = i64::try_from(number % 1_000_000).expect("below a million") * 7;
        Order {
            number,
            outlet: usize::try_from(number % self.outlets.len() as u64).expect("an index of a vector"),
            amount_minor: 5 * unit + step % (15 * unit + 1),
            msisdn: mobile * 100_000_000 + body * 100 + ending,
        }
    }

    /// How many of the first `number` orders are faulty: exactly their share, evenly spread.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a run has far fewer orders than 2^52, and the share is from 0 to 1"
    )]
    fn faults_before(&self, number: u64) -> u64 {
        (number as f64 * self.fault_share) as u64
    }

    /// Body of the request, as the contract writes it.
    pub(super) fn json(&self, order: &Order) -> Vec<u8> {
        let mut json = Vec::with_capacity(256);
        let Order { number, outlet, amount_minor, msisdn } = order;
        let (prefix, reseller) = (&self.prefix, self.outlets[*outlet]);
        let amount = Money::from_minor(*amount_minor, self.currency);
        let currency = self.currency;
        write!(
            json,
            r#"{{"external_id":"{prefix}{number}","reseller_id":"{reseller}","msisdn":"+212{msisdn}","amount":"{amount}","currency":"{currency}","channel":"atm"}}"#
        )
        .expect("writing to memory does not fail");
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::NumberingPlan;
    use std::collections::HashSet;

    fn orders(fault_share: f64, offset: u64) -> Orders {
        let outlets = vec![ResellerId::OPERATOR; 7];
        Orders::new(&[1, 2, 3], offset, outlets, Currency::MAD, fault_share)
    }

    #[test]
    fn numbers_are_unique_mobile_and_end_as_promised() {
        for (fault_share, offset, expected_faults) in [(0.0, 0, 0), (0.25, u64::MAX, 5_000), (1.0, 179_999_990, 20_000)]
        {
            let orders = orders(fault_share, offset);
            let mut seen = HashSet::new();
            let mut faults = 0;
            for _ in 0..20_000 {
                let order = orders.next();
                assert!(NumberingPlan::morocco().parse(&format!("+212{}", order.msisdn)).is_ok(), "{order:?}");
                assert!((500..=2_000).contains(&order.amount_minor), "{order:?}");
                assert!(seen.insert(order.msisdn), "{order:?}");
                match order.msisdn % 100 {
                    0..=7 => faults += 1,
                    ending => assert!(ending >= 10, "{order:?}"),
                }
            }
            assert_eq!(faults, expected_faults);
        }
    }

    #[test]
    fn the_body_is_what_the_contract_says() {
        let orders = orders(0.0, 0);
        let json: serde_json::Value = serde_json::from_slice(&orders.json(&orders.order(3))).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "external_id": "load-010203-3", "reseller_id": ResellerId::OPERATOR.to_string(),
                "msisdn": "+212600000013", "amount": "5.21", "currency": "MAD", "channel": "atm"
            })
        );
    }
}
