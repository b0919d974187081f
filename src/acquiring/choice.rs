//! Which acquirers are tried for a payment, and in which order. Pure: the same payment gets the same order as long
//! as configuration and health are the same, so that a repetition goes where the first attempt went.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::domain::text::is_peer_name;
use crate::domain::{Money, ResellerId};
use crate::ports::acquirer::OrderId;

/// Name of a configured acquirer: 1 to 32 of `a` to `z`, digits and `_`, a letter first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AcquirerName(Box<str>);

impl AcquirerName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AcquirerName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_peer_name(text) {
            Ok(Self(text.into()))
        } else {
            Err("expected 1 to 32 of a-z, 0-9 and _, a letter first")
        }
    }
}

impl fmt::Display for AcquirerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AcquirerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What payments an acquirer is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Its share among those that come into question. 0: only by name, or for the resellers that are its own.
    pub weight: u32,
    /// Least face value of what is bought; another currency does not come into question.
    pub min: Option<Money>,
    pub max: Option<Money>,
    /// Resellers whose subtrees are its own. Where an acquirer is a reseller's own, no other is tried.
    pub resellers: Vec<ResellerId>,
}

/// An acquirer as it is now.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    pub name: &'a AcquirerName,
    pub rule: &'a Rule,
    /// The wanted method can be used there.
    pub offers_method: bool,
    /// Its breaker lets an attempt through.
    pub healthy: bool,
}

/// What is to be paid.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    pub order: &'a OrderId,
    pub amount: Money,
    /// The caller wants this one: no other is tried.
    pub named: Option<&'a AcquirerName>,
    /// The reseller that buys, then its parent, up to the top.
    pub line: &'a [ResellerId],
}

/// Why no acquirer comes into question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAcquirer {
    #[error("there is no acquirer of this name")]
    UnknownName,
    #[error("no acquirer offers this method of payment")]
    Method,
    #[error("no acquirer takes this amount")]
    Amount,
}

/// The acquirers to try, best first: healthy ones before others, and within each by weight.
///
/// # Errors
/// [`NoAcquirer`] when there is none.
pub fn choose<'a>(candidates: &[Candidate<'a>], ask: &Ask<'_>) -> Result<Vec<&'a AcquirerName>, NoAcquirer> {
    let mut left: Vec<Candidate<'a>> = match ask.named {
        Some(named) => candidates.iter().filter(|candidate| candidate.name == named).copied().collect(),
        None => entitled(candidates, ask.line),
    };
    if left.is_empty() && ask.named.is_some() {
        return Err(NoAcquirer::UnknownName);
    }
    left.retain(|candidate| candidate.offers_method);
    if left.is_empty() {
        return Err(NoAcquirer::Method);
    }
    left.retain(|candidate| candidate.rule.takes(ask.amount));
    if left.is_empty() {
        return Err(NoAcquirer::Amount);
    }
    let (healthy, ill): (Vec<_>, Vec<_>) = left.into_iter().partition(|candidate| candidate.healthy);
    let mut draws = Draws::of(ask.order);
    Ok([healthy, ill].into_iter().flat_map(|group| by_weight(group, &mut draws)).collect())
}

/// Those that are the own of the nearest in the line; else all that have a share.
fn entitled<'a>(candidates: &[Candidate<'a>], line: &[ResellerId]) -> Vec<Candidate<'a>> {
    let own = line.iter().find_map(|reseller| {
        let own: Vec<_> =
            candidates.iter().filter(|candidate| candidate.rule.resellers.contains(reseller)).copied().collect();
        Some(own).filter(|own| !own.is_empty())
    });
    own.unwrap_or_else(|| candidates.iter().filter(|candidate| candidate.rule.weight > 0).copied().collect())
}

impl Rule {
    fn takes(&self, amount: Money) -> bool {
        let same = |bound: &Money| bound.currency() == amount.currency();
        self.min.is_none_or(|min| same(&min) && amount.minor() >= min.minor())
            && self.max.is_none_or(|max| same(&max) && amount.minor() <= max.minor())
    }
}

/// Draws one after the other, each with its weight. A weight of 0 counts as 1 here: it came by name or as own.
fn by_weight<'a>(mut left: Vec<Candidate<'a>>, draws: &mut Draws) -> Vec<&'a AcquirerName> {
    left.sort_by_key(|candidate| candidate.name);
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let weight = |candidate: &Candidate<'_>| u64::from(candidate.rule.weight.max(1));
        let mut point = draws.next() % left.iter().map(weight).sum::<u64>();
        let mut at = 0;
        while point >= weight(&left[at]) {
            point -= weight(&left[at]);
            at += 1;
        }
        order.push(left.remove(at).name);
    }
    order
}

/// Numbers that look random and are the same for the same order.
struct Draws {
    state: [u8; 32],
}

impl Draws {
    fn of(order: &OrderId) -> Self {
        Self { state: Sha256::digest(order.as_str()).into() }
    }

    fn next(&mut self) -> u64 {
        self.state = Sha256::digest(self.state).into();
        u64::from_le_bytes(self.state[..8].try_into().expect("eight bytes are eight"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Currency;
    use uuid::Uuid;

    fn name(text: &str) -> AcquirerName {
        text.parse().unwrap()
    }

    fn reseller(number: u128) -> ResellerId {
        ResellerId::from_uuid(Uuid::from_u128(number))
    }

    fn mad(minor: i64) -> Money {
        Money::from_minor(minor, Currency::MAD)
    }

    struct Given {
        name: AcquirerName,
        rule: Rule,
        offers_method: bool,
        healthy: bool,
    }

    fn given(text: &str, weight: u32) -> Given {
        Given { name: name(text), rule: Rule { weight, ..Rule::default() }, offers_method: true, healthy: true }
    }

    fn chosen(
        all: &[Given],
        order: &str,
        amount: Money,
        named: Option<&str>,
        line: &[ResellerId],
    ) -> Result<String, NoAcquirer> {
        let candidates: Vec<_> = all
            .iter()
            .map(|given| Candidate {
                name: &given.name,
                rule: &given.rule,
                offers_method: given.offers_method,
                healthy: given.healthy,
            })
            .collect();
        let named = named.map(name);
        let order = order.parse().unwrap();
        let chosen = choose(&candidates, &Ask { order: &order, amount, named: named.as_ref(), line })?;
        Ok(chosen.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn weights_are_shares_and_one_order_has_one_choice() {
        let all = [given("a", 3), given("b", 1), given("c", 0)];
        let mut first = 0;
        for order in 0..4_000 {
            let order = format!("top_{order}");
            let one = chosen(&all, &order, mad(1_000), None, &[]).unwrap();
            assert_eq!(chosen(&all, &order, mad(1_000), None, &[]), Ok(one.clone()));
            assert!(one == "a b" || one == "b a", "{one}");
            first += usize::from(one.starts_with('a'));
        }
        assert!((2_800..3_200).contains(&first), "three quarters of 4,000: {first}");
    }

    #[test]
    fn amounts_and_methods_rule_out() {
        let mut all = [given("small", 1), given("large", 1), given("francs", 1)];
        all[0].rule.max = Some(mad(99_999));
        all[1].rule.min = Some(mad(100_000));
        all[2].rule.min = Some(Money::from_minor(1, Currency::XOF));
        assert_eq!(chosen(&all, "o", mad(99_999), None, &[]).unwrap(), "small");
        assert_eq!(chosen(&all, "o", mad(100_000), None, &[]).unwrap(), "large");
        assert_eq!(chosen(&all, "o", mad(100_000), Some("small"), &[]), Err(NoAcquirer::Amount));
        all[1].offers_method = false;
        assert_eq!(chosen(&all, "o", mad(100_000), None, &[]), Err(NoAcquirer::Amount));
        assert_eq!(chosen(&all, "o", mad(100_000), Some("large"), &[]), Err(NoAcquirer::Method));
        assert_eq!(chosen(&all, "o", mad(100_000), Some("none"), &[]), Err(NoAcquirer::UnknownName));
    }

    #[test]
    fn a_reseller_s_own_acquirer_is_the_only_one_and_the_nearest_wins() {
        let mut all = [given("common", 9), given("region", 0), given("shop", 0)];
        all[1].rule.resellers = vec![reseller(1)];
        all[2].rule.resellers = vec![reseller(3), reseller(4)];
        let line = |numbers: &[u128]| numbers.iter().map(|number| reseller(*number)).collect::<Vec<_>>();
        assert_eq!(chosen(&all, "o", mad(1), None, &line(&[9, 8])).unwrap(), "common");
        assert_eq!(chosen(&all, "o", mad(1), None, &line(&[9, 1])).unwrap(), "region");
        assert_eq!(chosen(&all, "o", mad(1), None, &line(&[3, 1])).unwrap(), "shop");
        assert_eq!(chosen(&all, "o", mad(1), Some("common"), &line(&[3, 1])).unwrap(), "common");
    }

    #[test]
    fn the_ill_come_last() {
        let mut all = [given("a", 1_000_000), given("b", 1)];
        all[0].healthy = false;
        assert_eq!(chosen(&all, "o", mad(1), None, &[]).unwrap(), "b a");
        assert_eq!(chosen(&all, "o", mad(1), Some("a"), &[]).unwrap(), "a");
    }

    #[test]
    fn names_are_plain() {
        for wrong in ["", "A", "1a", "_a", "a-b", "a.b", &"a".repeat(33)] {
            assert!(wrong.parse::<AcquirerName>().is_err(), "{wrong}");
        }
        assert!("cmi_2".parse::<AcquirerName>().is_ok());
    }
}
