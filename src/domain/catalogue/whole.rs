//! All products and rules of an installation, with their past, ready for decisions.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::code::Code;
use super::product::{Offer, Product};
use super::reversal::ReversalRule;
use super::rule::{Deal, Rule, RuleKind};
use crate::domain::{Decline, Timestamp};

/// What is wrong with a catalogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct Flaw {
    /// Such as `product airtime, offer 3` or `rule outlet`.
    pub what: String,
    pub why: &'static str,
}

/// The lines of a catalogue as they are recorded: the past stays, and a rule never changes its number, which is its
/// place in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lines {
    /// From when on it is asked.
    pub as_of: i64,
    pub products: Vec<Product>,
    pub rules: Vec<Rule>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reversals: Vec<ReversalRule>,
}

/// The catalogue in one of its versions. Nothing of it is in force before its first import.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Lines", into = "Lines")]
pub struct Catalogue {
    lines: Lines,
    /// Of each kind of rule those that are not over, the most specific first.
    order: [Vec<u16>; RuleKind::ALL.len()],
    /// Places of the products.
    places: HashMap<Code, usize>,
}

/// The rest follows from the lines.
impl PartialEq for Catalogue {
    fn eq(&self, other: &Self) -> bool {
        self.lines == other.lines
    }
}

impl Eq for Catalogue {}

impl From<Lines> for Catalogue {
    fn from(lines: Lines) -> Self {
        let as_of = Timestamp::from_unix_ms(lines.as_of);
        let order = RuleKind::ALL.map(|kind| {
            let numbered = (0_u16..).zip(&lines.rules);
            let asked = numbered.filter(|(_, rule)| rule.kind == kind && rule.period.reaches(as_of));
            let mut asked: Vec<_> = asked.collect();
            asked.sort_by_key(|(_, rule)| Reverse(rule.precedence()));
            asked.into_iter().map(|(number, _)| number).collect()
        });
        let places = lines.products.iter().enumerate().map(|(place, product)| (product.code.clone(), place)).collect();
        Self { lines, order, places }
    }
}

impl From<Catalogue> for Lines {
    fn from(catalogue: Catalogue) -> Self {
        catalogue.lines
    }
}

impl Catalogue {
    /// What its one record is called.
    pub const ID: &str = "catalogue";

    pub(super) fn lines(&self) -> &Lines {
        &self.lines
    }

    /// One product, as a fresh installation has it.
    #[must_use]
    pub fn of_one(product: Product) -> Self {
        Lines { products: vec![product], ..Lines::default() }.into()
    }

    #[must_use]
    pub fn products(&self) -> &[Product] {
        &self.lines.products
    }

    #[must_use]
    pub fn product(&self, code: &str) -> Option<&Product> {
        self.places.get(code).map(|place| &self.lines.products[*place])
    }

    /// Every rule ever, in the order of its number.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.lines.rules
    }

    /// What an amount of a product brings.
    ///
    /// # Errors
    /// [`Decline::ProductUnknown`] when the product is not sold at all; [`Decline::AmountOutOfRange`].
    pub fn offer(&self, product: &str, amount_minor: i64, at: Timestamp) -> Result<&Offer, Decline> {
        let product = self.product(product).filter(|product| product.is_sold(at)).ok_or(Decline::ProductUnknown)?;
        product.offer(amount_minor, at).ok_or(Decline::AmountOutOfRange)
    }

    /// The most specific rule of a kind for a deal, with its number.
    #[must_use]
    pub fn rule(&self, kind: RuleKind, deal: &Deal<'_>) -> Option<(u16, &Rule)> {
        let numbers = self.order[kind as usize].iter();
        let mut rules = numbers.map(|number| (*number, &self.lines.rules[usize::from(*number)]));
        rules.find(|(_, rule)| rule.fits(deal))
    }

    /// Whether a price or a commission may depend on where a reseller stands.
    #[must_use]
    pub fn has_rules(&self) -> bool {
        self.order.iter().any(|rules| !rules.is_empty())
    }

    /// Whether recharges may earn anything.
    #[must_use]
    pub fn has_commissions(&self) -> bool {
        !self.order[RuleKind::Commission as usize].is_empty() || !self.order[RuleKind::Override as usize].is_empty()
    }

    /// What is wrong with it from `at` on.
    ///
    /// # Errors
    /// The first [`Flaw`].
    pub(super) fn check(&self, at: Timestamp) -> Result<(), Flaw> {
        for product in self.products() {
            let offers: Vec<_> = product.offers.iter().filter(|offer| offer.period.reaches(at)).collect();
            for (index, offer) in offers.iter().enumerate() {
                let ambiguous = |other: &&&Offer| {
                    let wide = |offer: &Offer| offer.max_minor - offer.min_minor;
                    let overlap = offer.min_minor <= other.max_minor && other.min_minor <= offer.max_minor;
                    overlap && wide(offer) == wide(other) && offer.period.overlaps(&other.period)
                };
                if let Some(other) = offers[..index].iter().find(ambiguous) {
                    let what = format!("product {}, offers \"{}\" and \"{}\"", product.code, other.name, offer.name);
                    return Err(Flaw { what, why: "both are for one amount at one time, and neither is narrower" });
                }
            }
        }
        let rules: Vec<_> = self.rules().iter().filter(|rule| rule.period.reaches(at)).collect();
        for (index, rule) in rules.iter().enumerate() {
            if let Some(other) = rules[..index].iter().find(|other| rule.collides(other)) {
                let what = format!("rules {} and {}", other.code, rule.code);
                return Err(Flaw { what, why: "both fit one deal at one time, and neither is more specific" });
            }
            if rule.product.as_ref().is_some_and(|product| !self.places.contains_key(product)) {
                return Err(Flaw {
                    what: format!("rule {}", rule.code),
                    why: "it names a product that does not exist",
                });
            }
        }
        super::reversal::check(&self.lines.reversals, at, |product| self.places.contains_key(product))?;
        if self.rules().len() > usize::from(u16::MAX) {
            return Err(Flaw { what: "rules".into(), why: "expected at most 65535 over the years" });
        }
        Ok(())
    }
}
