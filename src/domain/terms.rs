//! What a recharge was sold under: the version of the catalogue and what it earns whom, frozen when it was reserved
//! (`domain.md` \[15\]).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::account::AccountNumber;
use super::catalogue::{PayIn, round_half_even};

/// What one reseller earns when the recharge completes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earned {
    /// Number of the rule in the catalogue.
    pub rule: u16,
    pub pay_in: PayIn,
    /// 0 for the seller, 1 for who stood directly above it, and so on.
    pub steps_up: u8,
    /// Where it accrues, in the shard of the sale.
    pub account: AccountNumber,
    /// Zero when the share is less than half a minor unit; then nothing is posted.
    pub amount_minor: i64,
}

/// The terms of a recharge. Kept as one short text beside the product, for every recharge has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SaleTerms {
    /// Version of the catalogue; 0 before its first import.
    pub catalogue: i64,
    pub earned: Arc<[Earned]>,
    /// What the rounded parts leave over of the rounded whole, by asset.
    pub money_residue_minor: i64,
    pub stock_residue_minor: i64,
}

impl SaleTerms {
    /// What the seller earns, in whatever it is paid.
    #[must_use]
    pub fn of_seller(&self) -> Option<&Earned> {
        self.earned.iter().find(|earned| earned.steps_up == 0)
    }

    /// What belongs to the part of a sale of `whole_minor` that lies between `from_minor` and `to_minor`. Every share is
    /// rounded half to even by itself, counted from zero, so that parts that follow each other sum to the whole; what the
    /// rounded shares leave over of the rounded whole is a residue again.
    #[must_use]
    pub fn part(&self, from_minor: i64, to_minor: i64, whole_minor: i64) -> Self {
        let up_to = |minor: i64, of: i64| match whole_minor {
            1.. => round_half_even(Decimal::from(of) * Decimal::from(minor) / Decimal::from(whole_minor)),
            _ => 0,
        };
        let between = |of: i64| up_to(to_minor, of) - up_to(from_minor, of);
        let part = |earned: &Earned| Earned { amount_minor: between(earned.amount_minor), ..*earned };
        let earned: Arc<[Earned]> = self.earned.iter().map(part).collect();
        let sum = |lines: &[Earned], pay_in| -> i64 {
            lines.iter().filter(|line| line.pay_in == pay_in).map(|line| line.amount_minor).sum()
        };
        let residue =
            |residue_minor: i64, pay_in| between(sum(&self.earned, pay_in) + residue_minor) - sum(&earned, pay_in);
        let money_residue_minor = residue(self.money_residue_minor, PayIn::Money);
        let stock_residue_minor = residue(self.stock_residue_minor, PayIn::Stock);
        Self { catalogue: self.catalogue, earned, money_residue_minor, stock_residue_minor }
    }

    #[must_use]
    pub fn is_default(&self) -> bool {
        self.catalogue == 0 && self.earned.is_empty() && (self.money_residue_minor, self.stock_residue_minor) == (0, 0)
    }
}

impl SaleTerms {
    /// Appends them as text: `7:3s0>1044=60,5m1>1001=20;m1;s-1` is version 7; by rule 3, in stock, the seller, on account
    /// 1044, 60; …; residues. Every recharge is digested twice and stored once with it, and the formatter takes several
    /// times as long for so many short numbers.
    pub fn append_to(&self, text: &mut String) {
        text.reserve(16 + 24 * self.earned.len());
        let mut digits = itoa::Buffer::new();
        text.push_str(digits.format(self.catalogue));
        for (index, earned) in self.earned.iter().enumerate() {
            text.push(if index == 0 { ':' } else { ',' });
            text.push_str(digits.format(earned.rule));
            text.push(match earned.pay_in {
                PayIn::Stock => 's',
                PayIn::Money => 'm',
            });
            text.push_str(digits.format(earned.steps_up));
            text.push('>');
            text.push_str(digits.format(earned.account.0));
            text.push('=');
            text.push_str(digits.format(earned.amount_minor));
        }
        for (name, residue_minor) in [(";m", self.money_residue_minor), (";s", self.stock_residue_minor)] {
            if residue_minor != 0 {
                text.push_str(name);
                text.push_str(digits.format(residue_minor));
            }
        }
    }

    /// The text by itself.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.append_to(&mut text);
        text
    }
}

impl fmt::Display for SaleTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl FromStr for SaleTerms {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let terms = parse(text).ok_or("expected terms of a recharge")?;
        if terms.text() == text { Ok(terms) } else { Err("expected terms of a recharge in their one form") }
    }
}

fn parse(text: &str) -> Option<SaleTerms> {
    let mut parts = text.split(';');
    let (version, earned) = match parts.next()?.split_once(':') {
        Some((version, earned)) => (version, earned.split(',').map(parse_earned).collect::<Option<_>>()?),
        None => (text.split(';').next()?, Arc::default()),
    };
    let mut terms = SaleTerms { catalogue: version.parse().ok()?, earned, ..SaleTerms::default() };
    for part in parts {
        if let Some(residue) = part.strip_prefix('m') {
            terms.money_residue_minor = residue.parse().ok()?;
        } else {
            terms.stock_residue_minor = part.strip_prefix('s')?.parse().ok()?;
        }
    }
    Some(terms)
}

fn parse_earned(text: &str) -> Option<Earned> {
    let (head, rest) = text.split_once('>')?;
    let (account, amount) = rest.split_once('=')?;
    let (rule, steps_up, pay_in) = match head.split_once('s') {
        Some((rule, steps_up)) => (rule, steps_up, PayIn::Stock),
        None => head.split_once('m').map(|(rule, steps_up)| (rule, steps_up, PayIn::Money))?,
    };
    Some(Earned {
        rule: rule.parse().ok()?,
        pay_in,
        steps_up: steps_up.parse().ok()?,
        account: AccountNumber(account.parse().ok()?),
        amount_minor: amount.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_terms_sum_to_the_whole_to_the_last_unit() {
        let terms: SaleTerms = "7:3s0>1044=61,5m1>1001=20,6m0>1002=7;m-1;s1".parse().unwrap();
        for cuts in [vec![2_000], vec![1, 2_000], vec![333, 667, 1_999, 2_000], (1..=2_000).collect()] {
            let mut sums = [0; 5];
            let mut from = 0;
            for to in cuts {
                let part = terms.part(from, to, 2_000);
                assert_eq!(part.catalogue, 7);
                assert!(part.earned.iter().all(|earned| earned.amount_minor >= 0), "{part}");
                let amounts = part.earned.iter().map(|earned| earned.amount_minor);
                let all = amounts.chain([part.money_residue_minor, part.stock_residue_minor]);
                sums.iter_mut().zip(all).for_each(|(sum, minor)| *sum += minor);
                from = to;
            }
            assert_eq!(sums, [61, 20, 7, -1, 1]);
        }
        assert_eq!(terms.part(0, 2_000, 2_000), terms);
        // Half to even: half of 61 is 30, of 20 is 10, of 7 is 4; of 26 in money 13, so that one is taken from rounding.
        assert_eq!(terms.part(0, 1_000, 2_000).to_string(), "7:3s0>1044=30,5m1>1001=10,6m0>1002=4;m-1;s1");
    }

    #[test]
    fn terms_have_one_text_and_read_back() {
        let earned = |rule, pay_in, steps_up, account, amount_minor| Earned {
            rule,
            pay_in,
            steps_up,
            account: AccountNumber(account),
            amount_minor,
        };
        let rich = SaleTerms {
            catalogue: 7,
            earned: [earned(3, PayIn::Stock, 0, 1_044, 60), earned(5, PayIn::Money, 1, 1_001, 20)].into(),
            money_residue_minor: 1,
            stock_residue_minor: -1,
        };
        for (terms, text) in [
            (SaleTerms::default(), "0"),
            (SaleTerms { catalogue: 12, ..SaleTerms::default() }, "12"),
            (rich, "7:3s0>1044=60,5m1>1001=20;m1;s-1"),
        ] {
            assert_eq!(terms.to_string(), text);
            assert_eq!(text.parse(), Ok(terms));
        }
        for bad in
            ["", "x", "7:", "07", "7:3s0>1044=60;", "7;m0", "7;s-1;m1", "7:3x0>1=2", "7:3s0>1=+2", "-", "7;m1;m1"]
        {
            assert!(bad.parse::<SaleTerms>().is_err(), "{bad}");
        }
    }
}
