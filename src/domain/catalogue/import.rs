//! What an import changes: the products and rules that it names, from a moment on.

use std::collections::{BTreeMap, HashSet};

use super::code::Code;
use super::period::Period;
use super::product::{Offer, Product};
use super::reversal::ReversalRule;
use super::rule::Rule;
use super::whole::{Catalogue, Flaw, Lines};
use crate::domain::Timestamp;

/// The lines of a file. What of them lies in the past begins at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Import {
    /// With all their offers; one without offers is withdrawn.
    pub products: Vec<Product>,
    /// Lines with one code are one rule over time.
    pub rules: Vec<Rule>,
    /// The same of how recharges are taken back.
    pub reversals: Vec<ReversalRule>,
    /// Rules of either list that end at once.
    pub withdrawn_rules: Vec<Code>,
}

impl Import {
    /// What is wrong with its lines by themselves.
    ///
    /// # Errors
    /// The first [`Flaw`].
    pub fn check(&self) -> Result<(), Flaw> {
        let mut codes = HashSet::new();
        for product in &self.products {
            let what = format!("product {}", product.code);
            if !codes.insert(&product.code) {
                return Err(Flaw { what, why: "it stands twice" });
            }
            if product.name.is_empty() || product.name.len() > 200 || product.name.chars().any(char::is_control) {
                return Err(Flaw { what, why: "expected a name" });
            }
            for offer in &product.offers {
                offer.check().map_err(|why| Flaw { what: format!("{what}, offer \"{}\"", offer.name), why })?;
            }
        }
        for rule in &self.rules {
            rule.check().map_err(|why| Flaw { what: format!("rule {}", rule.code), why })?;
        }
        for rule in &self.reversals {
            rule.check().map_err(|why| Flaw { what: format!("reversal {}", rule.code), why })?;
        }
        Ok(())
    }
}

impl Catalogue {
    /// The catalogue after an import that may change nothing before `at`; `None` when it changes nothing at all.
    ///
    /// What the import does not name stays as it is. Of a product or rule that it names, what was to hold after the
    /// first moment of the new lines gives way to them.
    ///
    /// # Errors
    /// The first [`Flaw`]: of the import, or of the catalogue that would come of it.
    pub fn with(&self, import: &Import, at: Timestamp) -> Result<Option<Self>, Flaw> {
        import.check()?;
        // What is decided in the moment before still goes by the old lines.
        let mut lines = Lines { as_of: at.plus_ms(-1).unix_ms(), ..self.lines().clone() };
        let mut changed = false;
        for product in &import.products {
            changed |= replace_product(&mut lines.products, product, at);
        }
        changed |= replace_rules(&mut lines.rules, &import.rules, &import.withdrawn_rules, at);
        changed |= replace_rules(&mut lines.reversals, &import.reversals, &import.withdrawn_rules, at);
        if !changed {
            return Ok(None);
        }
        let catalogue = Self::from(lines);
        catalogue.check(at)?;
        Ok(Some(catalogue))
    }
}

/// Whether anything changed.
fn replace_product(products: &mut Vec<Product>, new: &Product, at: Timestamp) -> bool {
    let first = new.offers.iter().map(|offer| offer.period.from).min().unwrap_or(at).max(at);
    let dated = |offer: &Offer| Offer { period: offer.period.beginning(at), ..offer.clone() };
    let offers: Vec<Offer> = new.offers.iter().filter(|offer| offer.period.reaches(at)).map(dated).collect();
    let Some(known) = products.iter_mut().find(|product| product.code == new.code) else {
        if offers.is_empty() {
            return false;
        }
        products.push(Product { offers, ..new.clone() });
        return true;
    };
    // From the first moment of the new ones on: would anything differ?
    let later = |offer: &Offer| Offer { period: offer.period.beginning(first), ..offer.clone() };
    let old = known.offers.iter().filter(|offer| offer.period.reaches(first)).map(later);
    let same_offers = same(old.collect(), offers.iter().map(later).collect());
    if same_offers && (&known.name, known.kind) == (&new.name, new.kind) {
        return false;
    }
    (known.name, known.kind) = (new.name.clone(), new.kind);
    if !same_offers {
        known.offers.iter_mut().for_each(|offer| offer.period = ended(offer.period, first));
        known.offers.extend(offers);
    }
    true
}

/// A line with a code and a period: lines with one code are one rule over time.
pub(super) trait Dated: Clone + PartialEq {
    fn code(&self) -> &Code;
    fn period(&self) -> Period;
    fn during(&self, period: Period) -> Self;
}

impl Dated for Rule {
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

/// Whether anything changed.
fn replace_rules<R: Dated>(rules: &mut Vec<R>, new: &[R], withdrawn: &[Code], at: Timestamp) -> bool {
    let mut by_code: BTreeMap<&Code, Vec<&R>> = BTreeMap::new();
    for rule in new {
        by_code.entry(rule.code()).or_default().push(rule);
    }
    for code in withdrawn {
        by_code.entry(code).or_default();
    }
    let replaced = by_code.into_iter().map(|(code, new)| replace_rule(rules, code, &new, at));
    replaced.fold(false, |changed, replaced| changed | replaced)
}

/// Whether anything changed.
fn replace_rule<R: Dated>(rules: &mut Vec<R>, code: &Code, new: &[&R], at: Timestamp) -> bool {
    let first = new.iter().map(|rule| rule.period().from).min().unwrap_or(at).max(at);
    let new = new.iter().filter(|rule| rule.period().reaches(at));
    let new: Vec<R> = new.map(|rule| rule.during(rule.period().beginning(at))).collect();
    let later = |rule: &R| rule.during(rule.period().beginning(first));
    let old = rules.iter().filter(|rule| rule.code() == code && rule.period().reaches(first)).map(later);
    if same(old.collect(), new.iter().map(later).collect()) {
        return false;
    }
    let known = rules.iter_mut().filter(|rule| rule.code() == code);
    known.for_each(|rule| *rule = rule.during(ended(rule.period(), first)));
    rules.extend(new);
    true
}

fn ended(period: Period, at: Timestamp) -> Period {
    if period.reaches(at) { period.ending(at) } else { period }
}

/// Whether two lists hold the same, in whatever order.
fn same<T: PartialEq>(mut ones: Vec<T>, others: Vec<T>) -> bool {
    ones.len() == others.len()
        && others.iter().all(|other| {
            let found = ones.iter().position(|one| one == other);
            found.map(|index| ones.swap_remove(index)).is_some()
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalogue::{Band, Deal, PayIn, ProductKind, RuleKind};
    use crate::domain::{Channel, Decline};

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    fn code(text: &str) -> Code {
        text.parse().unwrap()
    }

    fn offer(min_minor: i64, max_minor: i64, from: i64, until: Option<i64>) -> Offer {
        let period = Period { from: at(from), until: until.map(at) };
        let name = format!("{min_minor} to {max_minor}").into();
        Offer { name, min_minor, max_minor, benefits: vec![], validity_hours: None, period }
    }

    fn product(name: &str, offers: Vec<Offer>) -> Product {
        Product { code: code(name), name: name.into(), kind: ProductKind::OpenRange, offers }
    }

    fn rule(name: &str, kind: RuleKind, rate: &str) -> Rule {
        let pays = matches!(kind, RuleKind::Commission | RuleKind::Override);
        Rule {
            code: code(name),
            kind,
            level: None,
            product: None,
            channel: None,
            amounts: None,
            rate: rate.parse().unwrap(),
            pay_in: pays.then_some(PayIn::Money),
            period: Period::ALWAYS,
        }
    }

    fn products(products: Vec<Product>) -> Import {
        Import { products, ..Import::default() }
    }

    fn rules(rules: Vec<Rule>) -> Import {
        Import { rules, ..Import::default() }
    }

    fn imported(catalogue: &Catalogue, import: &Import, ms: i64) -> Catalogue {
        catalogue.with(import, at(ms)).unwrap().expect("it changes something")
    }

    #[test]
    fn an_import_changes_what_follows_and_never_the_past() {
        let first =
            imported(&Catalogue::default(), &products(vec![product("p", vec![offer(500, 50_000, 0, None)])]), 10);
        assert_eq!(first.offer("p", 600, at(9)), Err(Decline::ProductUnknown), "what is dated before begins at once");
        assert!(first.offer("p", 600, at(10)).is_ok());
        assert_eq!(first.offer("p", 499, at(10)), Err(Decline::AmountOutOfRange));
        assert_eq!(first.offer("q", 600, at(10)), Err(Decline::ProductUnknown));

        let change = products(vec![product("p", vec![offer(1_000, 2_000, 20, None)])]);
        let second = imported(&first, &change, 15);
        assert!(second.offer("p", 600, at(19)).is_ok() && second.offer("p", 600, at(20)).is_err());
        assert!(second.offer("p", 1_500, at(20)).is_ok());
        assert_eq!(second.with(&change, at(16)), Ok(None), "the same file again");
        assert_eq!(second.with(&change, at(30)), Ok(None), "and when it has begun");

        let withdrawn = imported(&second, &products(vec![product("p", vec![])]), 40);
        assert!(withdrawn.offer("p", 1_500, at(39)).is_ok());
        assert_eq!(withdrawn.offer("p", 1_500, at(40)), Err(Decline::ProductUnknown));
        for (later, ms) in [(&second, 12), (&withdrawn, 12)] {
            assert_eq!(later.offer("p", 600, at(ms)).unwrap().name, first.offer("p", 600, at(ms)).unwrap().name);
        }
    }

    #[test]
    fn a_denomination_goes_before_the_range_around_it() {
        let lines = vec![offer(500, 50_000, 0, None), offer(2_000, 2_000, 0, None)];
        let catalogue = imported(&Catalogue::default(), &products(vec![product("p", lines)]), 1);
        assert_eq!(&*catalogue.offer("p", 2_000, at(1)).unwrap().name, "2000 to 2000");
        assert_eq!(&*catalogue.offer("p", 2_001, at(1)).unwrap().name, "500 to 50000");
    }

    #[test]
    fn the_most_specific_rule_wins() {
        let mut lines = vec![rule("all", RuleKind::Commission, "1")];
        let band = |min_minor, max_minor| Some(Band { min_minor, max_minor });
        lines.push(Rule { amounts: band(1, 100_000), ..rule("wide", RuleKind::Commission, "2") });
        lines.push(Rule { amounts: band(1, 5_000), ..rule("narrow", RuleKind::Commission, "3") });
        lines.push(Rule { channel: Some(Channel::Atm), ..rule("channel", RuleKind::Commission, "4") });
        lines.push(Rule { level: Some("outlet".into()), ..rule("level", RuleKind::Commission, "5") });
        lines.push(Rule { product: Some(code("p")), ..rule("product", RuleKind::Commission, "6") });
        let mut both = products(vec![product("p", vec![offer(1, 9, 0, None)])]);
        both.rules = lines;
        let catalogue = imported(&Catalogue::default(), &both, 1);
        let deal = |level, product, channel, amount_minor| Deal {
            level,
            product: Some(product),
            channel: Some(channel),
            amount_minor,
            at: at(1),
        };
        for (expected, deal) in [
            ("all", deal("x", "q", Channel::Web, 200_000)),
            ("wide", deal("x", "q", Channel::Web, 5_001)),
            ("narrow", deal("x", "q", Channel::Web, 5_000)),
            ("channel", deal("x", "q", Channel::Atm, 5_000)),
            ("level", deal("outlet", "q", Channel::Atm, 5_000)),
            ("product", deal("outlet", "p", Channel::Atm, 5_000)),
        ] {
            let (number, rule) = catalogue.rule(RuleKind::Commission, &deal).unwrap();
            assert_eq!(rule.code.as_str(), expected, "{deal:?}");
            assert_eq!(catalogue.rules()[usize::from(number)], *rule);
        }
        assert!(catalogue.rule(RuleKind::Override, &deal("x", "q", Channel::Web, 1)).is_none());
    }

    #[test]
    fn a_rule_keeps_its_number_and_its_past() {
        let first = imported(&Catalogue::default(), &rules(vec![rule("c", RuleKind::Commission, "1")]), 10);
        let second = imported(&first, &rules(vec![rule("c", RuleKind::Commission, "2")]), 20);
        assert_eq!(second.rules()[0].rate.to_string(), "1");
        assert_eq!(second.rules()[0].period.until, Some(at(20)));
        assert_eq!(second.rules()[1].rate.to_string(), "2");
        let rate = |ms| {
            let deal = Deal { level: "x", product: None, channel: None, amount_minor: 1, at: at(ms) };
            second.rule(RuleKind::Commission, &deal).map(|(_, rule)| rule.rate.to_string())
        };
        assert_eq!((rate(19).as_deref(), rate(20).as_deref()), (Some("1"), Some("2")), "no moment is without a rule");
        assert_eq!(second.with(&rules(vec![rule("c", RuleKind::Commission, "2")]), at(30)), Ok(None));
        let withdrawn = Import { withdrawn_rules: vec![code("c")], ..Import::default() };
        let third = imported(&second, &withdrawn, 40);
        let deal = Deal { level: "x", product: None, channel: None, amount_minor: 1, at: at(40) };
        assert!(
            third.rule(RuleKind::Commission, &deal).is_none() && second.rule(RuleKind::Commission, &deal).is_some()
        );
        assert_eq!(third.with(&withdrawn, at(50)), Ok(None));
        let text = serde_json::to_string(&third).unwrap();
        assert_eq!(serde_json::from_str::<Catalogue>(&text).unwrap(), third);
    }

    #[test]
    fn what_nothing_would_decide_is_refused() {
        let two = vec![offer(1, 10, 0, None), offer(5, 14, 0, None)];
        let flaw = Catalogue::default().with(&products(vec![product("p", two)]), at(1)).unwrap_err();
        assert_eq!(flaw.what, "product p, offers \"1 to 10\" and \"5 to 14\"");
        let alike = vec![rule("a", RuleKind::Vat, "1"), rule("b", RuleKind::Vat, "2")];
        assert_eq!(Catalogue::default().with(&rules(alike), at(1)).unwrap_err().what, "rules a and b");
        let foreign = Rule { product: Some(code("p")), ..rule("a", RuleKind::Commission, "1") };
        assert!(Catalogue::default().with(&rules(vec![foreign]), at(1)).is_err());
        let unpaid = Rule { pay_in: None, ..rule("a", RuleKind::Commission, "1") };
        assert!(Catalogue::default().with(&rules(vec![unpaid]), at(1)).is_err());
        let twice = products(vec![product("p", vec![]), product("p", vec![])]);
        assert_eq!(Catalogue::default().with(&twice, at(1)).unwrap_err().why, "it stands twice");
        let after = Rule { period: Period { from: at(5), until: Some(at(5)) }, ..rule("a", RuleKind::Vat, "1") };
        assert!(Catalogue::default().with(&rules(vec![after]), at(1)).is_err());
    }
}
