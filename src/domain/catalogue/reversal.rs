//! Until when recharges are taken back, by product and by who asks.

use serde::{Deserialize, Serialize};

use super::code::Code;
use super::import::Dated;
use super::period::Period;
use super::whole::{Catalogue, Flaw};
use crate::domain::{Asker, ReversalTerms, Timestamp};

/// Longest time that a rule may give: a year.
const MAX_MINUTES: u32 = 366 * 24 * 60;

/// A rule for recharges that are sold while it holds. A rule that changes is a later line with the same code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReversalRule {
    pub code: Code,
    /// `None` is for all products that have no rule of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<Code>,
    #[serde(with = "asker_name")]
    pub by: Asker,
    /// After the sale; zero permits no reversal at all.
    pub within_minutes: u32,
    /// Whether a part of a recharge may be taken back.
    pub partial: bool,
    pub period: Period,
}

impl ReversalRule {
    /// What is wrong with it by itself.
    ///
    /// # Errors
    /// Says what was expected.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.within_minutes > MAX_MINUTES {
            Err("expected at most a year of 527040 minutes")
        } else if self.period.until.is_some_and(|until| until <= self.period.from) {
            Err("expected an end after the beginning")
        } else {
            Ok(())
        }
    }
}

impl Dated for ReversalRule {
    fn code(&self) -> &Code {
        &self.code
    }

    fn period(&self) -> Period {
        self.period
    }

    fn during(&self, period: Period) -> Self {
        Self { period, ..self.clone() }
    }
}

impl Catalogue {
    /// Every rule of reversals ever.
    #[must_use]
    pub fn reversals(&self) -> &[ReversalRule] {
        &self.lines().reversals
    }

    /// What the rules say of a recharge that was sold at a time: one that names the product goes before one that does
    /// not. `None` when none is for whoever asks.
    #[must_use]
    pub fn reversal_terms(&self, product: &str, asker: Asker, sold_at: Timestamp) -> Option<ReversalTerms> {
        let fits = |rule: &&ReversalRule| {
            rule.by == asker
                && rule.product.as_ref().is_none_or(|own| own.as_str() == product)
                && rule.period.covers(sold_at)
        };
        let found = self.reversals().iter().filter(fits).max_by_key(|rule| rule.product.is_some())?;
        Some(ReversalTerms { within_minutes: found.within_minutes, partial: found.partial })
    }
}

/// That no recharge from `at` on has two rules, and no rule a product that does not exist.
///
/// # Errors
/// The first [`Flaw`].
pub(super) fn check(rules: &[ReversalRule], at: Timestamp, sells: impl Fn(&Code) -> bool) -> Result<(), Flaw> {
    let rules: Vec<_> = rules.iter().filter(|rule| rule.period.reaches(at)).collect();
    for (index, rule) in rules.iter().enumerate() {
        let collides = |other: &&&ReversalRule| {
            (other.by, &other.product) == (rule.by, &rule.product) && other.period.overlaps(&rule.period)
        };
        if let Some(other) = rules[..index].iter().find(collides) {
            let what = format!("reversals {} and {}", other.code, rule.code);
            return Err(Flaw { what, why: "both are for one product and one who asks at one time" });
        }
        if rule.product.as_ref().is_some_and(|product| !sells(product)) {
            let what = format!("reversal {}", rule.code);
            return Err(Flaw { what, why: "it names a product that does not exist" });
        }
    }
    Ok(())
}

/// Who asks, by its name.
mod asker_name {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::domain::Asker;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a field over as it stands")]
    pub fn serialize<S: Serializer>(asker: &Asker, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(asker.name())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Asker, D::Error> {
        let name = String::deserialize(deserializer)?;
        Asker::from_name(&name).ok_or_else(|| serde::de::Error::custom("asker"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalogue::{Import, Offer, Product, ProductKind};

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    fn rule(code: &str, product: Option<&str>, by: Asker, within_minutes: u32) -> ReversalRule {
        ReversalRule {
            code: code.parse().unwrap(),
            product: product.map(|product| product.parse().unwrap()),
            by,
            within_minutes,
            partial: false,
            period: Period::ALWAYS,
        }
    }

    fn import(reversals: Vec<ReversalRule>) -> Import {
        let offer = Offer {
            name: "pass".into(),
            min_minor: 500,
            max_minor: 500,
            benefits: vec![],
            validity_hours: None,
            period: Period::ALWAYS,
        };
        let product = Product {
            code: "pass".parse().unwrap(),
            name: "pass".into(),
            kind: ProductKind::Pass,
            offers: vec![offer],
        };
        Import { products: vec![product], reversals, ..Import::default() }
    }

    #[test]
    fn the_rule_of_the_product_at_the_time_of_the_sale_holds() {
        let lines = vec![rule("all", None, Asker::Seller, 60), rule("passes", Some("pass"), Asker::Seller, 0)];
        let first = Catalogue::default().with(&import(lines), at(10)).unwrap().unwrap();
        let within = |catalogue: &Catalogue, product, asker, ms| {
            catalogue.reversal_terms(product, asker, at(ms)).map(|terms| terms.within_minutes)
        };
        assert_eq!(within(&first, "pass", Asker::Seller, 10), Some(0));
        assert_eq!(within(&first, "airtime", Asker::Seller, 10), Some(60));
        assert_eq!(within(&first, "airtime", Asker::Operator, 10), None);
        assert_eq!(within(&first, "airtime", Asker::Seller, 9), None, "sold before");

        let second = first.with(&import(vec![rule("all", None, Asker::Seller, 5)]), at(20)).unwrap().unwrap();
        assert_eq!(within(&second, "airtime", Asker::Seller, 19), Some(60), "what was sold before keeps its time");
        assert_eq!(within(&second, "airtime", Asker::Seller, 20), Some(5));
        assert_eq!(second.with(&import(vec![rule("all", None, Asker::Seller, 5)]), at(30)), Ok(None));
        let withdrawn = Import { withdrawn_rules: vec!["all".parse().unwrap()], ..Import::default() };
        let third = second.with(&withdrawn, at(40)).unwrap().unwrap();
        assert_eq!(within(&third, "airtime", Asker::Seller, 40), None);
        let text = serde_json::to_string(&third).unwrap();
        assert_eq!(serde_json::from_str::<Catalogue>(&text).unwrap(), third);
    }

    #[test]
    fn what_nothing_would_decide_is_refused() {
        for bad in [
            vec![rule("a", None, Asker::Seller, 1), rule("b", None, Asker::Seller, 2)],
            vec![rule("a", Some("other"), Asker::Seller, 1)],
            vec![rule("a", None, Asker::Seller, MAX_MINUTES + 1)],
        ] {
            assert!(Catalogue::default().with(&import(bad), at(1)).is_err());
        }
    }
}
