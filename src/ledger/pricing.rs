//! What stock costs a reseller, and what a recharge earns those who sell it (`domain.md` \[14\], \[15\]).
//!
//! Rates are exact decimals. Every part of a whole is rounded half to even by itself; what the parts leave over of
//! the rounded whole is posted to the rounding account of its asset, so that the parts always sum to the whole.
//!
//! Stock on account or paid for: debit who owes, credit stock sales, at the price without VAT; debit who owes, credit
//! VAT payable; debit stock discounts, credit stock sales, for the discount without VAT.

use rust_decimal::Decimal;

use super::books::{Movement, ShardBooks};
use super::rules::Moment;
use crate::domain::catalogue::{Catalogue, Deal, PayIn, Rate, RuleKind, round_half_even};
use crate::domain::{self, AccountClass, AccountNumber, Channel, ResellerId, Timestamp};

/// What stock of a face value costs, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    pub face_minor: i64,
    /// What is owed, VAT included: `net_minor` + `vat_minor` + `residue_minor`.
    pub price_minor: i64,
    /// Without VAT.
    pub net_minor: i64,
    pub vat_minor: i64,
    /// What the discount takes off the price without VAT.
    pub discount_minor: i64,
    /// Left over by rounding net and VAT; may be negative.
    pub residue_minor: i64,
    /// Number of the rule of the discount.
    pub discount_rule: Option<u16>,
    /// Number of the rule of the VAT.
    pub vat_rule: Option<u16>,
}

/// The price of stock for a reseller of a level, at a moment. Without rules it is the face value, without VAT.
#[must_use]
pub fn price(catalogue: &Catalogue, level: &str, face_minor: i64, at: Timestamp) -> Price {
    let deal = Deal { level, product: None, channel: None, amount_minor: face_minor, at };
    let rate_of = |kind| match catalogue.rule(kind, &deal) {
        Some((number, rule)) => (Some(number), rule.rate),
        None => (None, Rate::ZERO),
    };
    let (discount_rule, discount) = rate_of(RuleKind::Discount);
    let (vat_rule, vat) = rate_of(RuleKind::Vat);
    Price { discount_rule, vat_rule, ..by_rates(face_minor, discount, vat) }
}

/// The price before the first import of a catalogue: face value, which contains VAT.
#[must_use]
pub fn at_face(face_minor: i64, vat: Rate) -> Price {
    by_rates(face_minor, Rate::ZERO, vat)
}

fn by_rates(face_minor: i64, discount: Rate, vat: Rate) -> Price {
    let price_minor = face_minor - round_half_even(discount.of(face_minor));
    let with_vat = Decimal::ONE_HUNDRED + vat.percent();
    let without_vat = |gross_minor: i64| round_half_even(Decimal::from(gross_minor) * Decimal::ONE_HUNDRED / with_vat);
    let net_minor = without_vat(price_minor);
    let vat_minor = round_half_even(Decimal::from(price_minor) * vat.percent() / with_vat);
    Price {
        face_minor,
        price_minor,
        net_minor,
        vat_minor,
        discount_minor: without_vat(face_minor) - net_minor,
        residue_minor: price_minor - net_minor - vat_minor,
        discount_rule: None,
        vat_rule: None,
    }
}

impl Price {
    /// As an operation keeps it, with the version of the catalogue that says so.
    #[must_use]
    pub fn frozen(&self, catalogue: i64) -> domain::Price {
        domain::Price {
            net_minor: self.net_minor,
            vat_minor: self.vat_minor,
            discount_minor: self.discount_minor,
            residue_minor: self.residue_minor,
            catalogue,
        }
    }
}

/// What stock costs a reseller now: by the catalogue that its shard knows; before the first import face value, which
/// contains the VAT of the configuration.
#[must_use]
pub fn of_stock(books: &ShardBooks, reseller: ResellerId, face_minor: i64, moment: &Moment<'_>) -> domain::Price {
    match books.catalogue() {
        Some((version, catalogue)) => {
            let (level, at) = (books.owners().level(reseller), books.recorded_at(moment.now));
            price(catalogue, level, face_minor, at).frozen(version)
        }
        None => at_face(face_minor, Rate::of_basis_points(moment.rules.vat_basis_points)).frozen(0),
    }
}

/// A share of an amount, rounded half to even.
#[must_use]
pub fn share(rate: Rate, amount_minor: i64) -> i64 {
    round_half_even(rate.of(amount_minor))
}

/// What is posted in money when stock is sold to who owes on `debtor`; each part by itself.
#[must_use]
pub fn movements(price: &domain::Price, debtor: AccountNumber) -> Vec<Movement> {
    let sales = AccountClass::StockSales.system_account();
    let parts = [
        Movement { debit: debtor, credit: sales, amount_minor: price.net_minor },
        Movement { debit: debtor, credit: AccountClass::VatPayable.system_account(), amount_minor: price.vat_minor },
        Movement {
            debit: AccountClass::StockDiscounts.system_account(),
            credit: sales,
            amount_minor: price.discount_minor,
        },
    ];
    let residue = rounding(debtor, AccountClass::MoneyRounding, price.residue_minor);
    parts.into_iter().filter(|part| part.amount_minor > 0).chain(residue).collect()
}

/// What is left over goes to the rounding account, or is taken from it.
pub(super) fn rounding(payer: AccountNumber, class: AccountClass, residue_minor: i64) -> Option<Movement> {
    let (account, amount_minor) = (class.system_account(), residue_minor.checked_abs()?);
    match residue_minor {
        0 => None,
        1.. => Some(Movement { debit: payer, credit: account, amount_minor }),
        _ => Some(Movement { debit: account, credit: payer, amount_minor }),
    }
}

/// What one of those who may earn by a recharge earns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// 0 for the seller, 1 for who stands directly above it, and so on.
    pub steps_up: usize,
    pub rule: u16,
    pub pay_in: PayIn,
    pub amount_minor: i64,
}

/// What all of them earn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    pub shares: Vec<Share>,
    /// The rounded whole less its rounded parts, in money and in stock; may be negative.
    pub money_residue_minor: i64,
    pub stock_residue_minor: i64,
}

/// A sale that may earn a commission.
#[derive(Clone, Copy, Debug)]
pub struct Sale<'a> {
    pub product: &'a str,
    pub channel: Channel,
    pub amount_minor: i64,
    pub at: Timestamp,
}

/// What a sale earns the seller and those above it, whose levels are given from the seller upwards.
#[must_use]
pub fn commission<'a>(catalogue: &Catalogue, sale: &Sale<'_>, levels: impl Iterator<Item = &'a str>) -> Shares {
    let mut earned = Shares::default();
    let (mut money, mut stock) = (Decimal::ZERO, Decimal::ZERO);
    for (steps_up, level) in levels.enumerate() {
        let Sale { product, channel, amount_minor, at } = *sale;
        let deal = Deal { level, product: Some(product), channel: Some(channel), amount_minor, at };
        let kind = if steps_up == 0 { RuleKind::Commission } else { RuleKind::Override };
        let Some((number, rule)) = catalogue.rule(kind, &deal) else { continue };
        let Some(pay_in) = rule.pay_in else { continue };
        let exact = rule.rate.of(amount_minor);
        let share_minor = round_half_even(exact);
        let (whole, residue_minor) = match pay_in {
            PayIn::Money => (&mut money, &mut earned.money_residue_minor),
            PayIn::Stock => (&mut stock, &mut earned.stock_residue_minor),
        };
        *whole += exact;
        *residue_minor -= share_minor;
        earned.shares.push(Share { steps_up, rule: number, pay_in, amount_minor: share_minor });
    }
    earned.money_residue_minor += round_half_even(money);
    earned.stock_residue_minor += round_half_even(stock);
    earned
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalogue::{Import, Period, Rule};
    use proptest::prelude::*;

    const AT: Timestamp = Timestamp::EPOCH;
    const LEVELS: [&str; 4] = ["outlet", "wholesaler", "distributor", "region"];

    fn rule(code: &str, kind: RuleKind, level: Option<&str>, rate: &str, pay_in: Option<PayIn>) -> Rule {
        Rule {
            code: code.parse().unwrap(),
            kind,
            level: level.map(Into::into),
            product: None,
            channel: None,
            amounts: None,
            rate: rate.parse().unwrap(),
            pay_in,
            period: Period::ALWAYS,
        }
    }

    fn catalogue(rules: Vec<Rule>) -> Catalogue {
        Catalogue::default().with(&Import { rules, ..Import::default() }, AT).unwrap().unwrap()
    }

    fn sale(amount_minor: i64) -> Sale<'static> {
        Sale { product: "airtime", channel: Channel::Atm, amount_minor, at: AT }
    }

    #[test]
    fn a_thousand_of_stock_for_950_is_791_67_and_158_33() {
        let rules = catalogue(vec![
            rule("d", RuleKind::Discount, Some("outlet"), "5", None),
            rule("v", RuleKind::Vat, None, "20", None),
        ]);
        let price = price(&rules, "outlet", 100_000, AT);
        assert_eq!((price.price_minor, price.net_minor, price.vat_minor), (95_000, 79_167, 15_833));
        assert_eq!((price.discount_minor, price.residue_minor), (83_333 - 79_167, 0));
        assert_eq!((price.discount_rule, price.vat_rule), (Some(0), Some(1)));
        let debtor = AccountNumber(1_000);
        let amounts: Vec<_> =
            movements(&price.frozen(0), debtor).iter().map(|movement| movement.amount_minor).collect();
        assert_eq!(amounts, [79_167, 15_833, 4_166]);
        let other = super::price(&rules, "wholesaler", 100_000, AT);
        assert_eq!((other.price_minor, other.discount_minor), (100_000, 0));
        assert_eq!(movements(&other.frozen(0), debtor).len(), 2);
        let plain = super::price(&Catalogue::default(), "outlet", 100_000, AT);
        assert_eq!((plain.price_minor, plain.net_minor, plain.vat_minor), (100_000, 100_000, 0));
    }

    #[test]
    fn halves_on_both_sides_leave_a_residue() {
        let rules = catalogue(vec![rule("v", RuleKind::Vat, None, "20", None)]);
        let price = price(&rules, "outlet", 3, AT);
        // 2.5 and 0.5, each to the even side.
        assert_eq!((price.net_minor, price.vat_minor, price.residue_minor), (2, 0, 1));
        let rounding = movements(&price.frozen(0), AccountNumber(1_000)).pop().unwrap();
        assert_eq!((rounding.credit, rounding.amount_minor), (AccountClass::MoneyRounding.system_account(), 1));
    }

    #[test]
    fn seller_and_those_above_earn_by_their_own_rules() {
        let money = Some(PayIn::Money);
        let rules = catalogue(vec![
            rule("c", RuleKind::Commission, Some("outlet"), "3", Some(PayIn::Stock)),
            rule("w", RuleKind::Override, Some("wholesaler"), "0.5", money),
            rule("o", RuleKind::Override, None, "0.25", money),
        ]);
        let Shares { shares, money_residue_minor, stock_residue_minor } =
            commission(&rules, &sale(1_000), LEVELS.into_iter());
        let told: Vec<_> = shares.iter().map(|s| (s.steps_up, s.rule, s.amount_minor)).collect();
        // 5, and twice 2.5 to the even side; the whole is 10.
        assert_eq!(told, [(0, 0, 30), (1, 2, 5), (2, 1, 2), (3, 1, 2)]);
        assert_eq!((money_residue_minor, stock_residue_minor), (1, 0));
        assert_eq!(commission(&rules, &sale(1_000), std::iter::once("kiosk")), Shares::default());
    }

    fn rate() -> impl Strategy<Value = String> {
        (0..=1_000_000_u32).prop_map(|n| format!("{}.{:04}", n / 10_000, n % 10_000))
    }

    proptest! {
        #[test]
        fn the_parts_of_a_price_sum_to_the_whole(face_minor in 1..=i64::MAX / 1_000, discount in rate(), vat in rate()) {
            let rules = catalogue(vec![
                rule("d", RuleKind::Discount, None, &discount, None),
                rule("v", RuleKind::Vat, None, &vat, None),
            ]);
            let price = price(&rules, "outlet", face_minor, AT);
            prop_assert_eq!(price.net_minor + price.vat_minor + price.residue_minor, price.price_minor);
            prop_assert!(price.residue_minor.abs() <= 1);
            prop_assert!((0..=face_minor).contains(&price.price_minor) && price.discount_minor >= 0);
            let debtor = AccountNumber(1_000);
            let mut owed = 0;
            for movement in movements(&price.frozen(0), debtor) {
                prop_assert!(movement.amount_minor > 0);
                if movement.debit == debtor { owed += movement.amount_minor }
                if movement.credit == debtor { owed -= movement.amount_minor }
            }
            prop_assert_eq!(owed, price.price_minor);
        }

        #[test]
        fn the_parts_of_a_commission_sum_to_the_whole(
            amount_minor in 1..=i64::MAX / 1_000,
            rates in prop::collection::vec((rate(), any::<bool>()), 4),
        ) {
            let rules = rates.iter().enumerate().map(|(index, (rate, money))| {
                let kind = if index == 0 { RuleKind::Commission } else { RuleKind::Override };
                let pay_in = Some(if *money { PayIn::Money } else { PayIn::Stock });
                rule(&format!("r{index}"), kind, Some(LEVELS[index]), rate, pay_in)
            });
            let earned = commission(&catalogue(rules.collect()), &sale(amount_minor), LEVELS.into_iter());
            for (pay_in, residue) in
                [(PayIn::Money, earned.money_residue_minor), (PayIn::Stock, earned.stock_residue_minor)]
            {
                let parts: i64 =
                    earned.shares.iter().filter(|s| s.pay_in == pay_in).map(|share| share.amount_minor).sum();
                let in_it = rates.iter().filter(|(_, money)| *money == (pay_in == PayIn::Money));
                // In ten-thousandths of a percent, so that the whole is a matter of integers.
                let rate: i128 = in_it.map(|(rate, _)| rate.replace('.', "").parse::<i128>().unwrap()).sum();
                let exact = i128::from(amount_minor) * rate;
                let (floor, rest) = (exact.div_euclid(1_000_000), exact.rem_euclid(1_000_000));
                let up = rest > 500_000 || (rest == 500_000 && floor % 2 == 1);
                prop_assert_eq!(i128::from(parts + residue), floor + i128::from(up));
                prop_assert!(residue.abs() <= 2);
            }
        }
    }
}
