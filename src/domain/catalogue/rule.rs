//! Rules of prices and commissions, by level, product, channel and amount. The most specific rule wins.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::code::Code;
use super::period::Period;
use super::rate::Rate;
use crate::domain::{Channel, Timestamp};

/// What a rule gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// Off the face value when a reseller buys stock.
    Discount,
    /// VAT contained in the price of stock, on top of the price without it.
    Vat,
    /// Of the amount of a recharge, to the reseller that sells it; the level is the seller's.
    Commission,
    /// Of the amount of a recharge, to a reseller above the seller; the level is that of who gets it.
    Override,
}

impl RuleKind {
    pub const ALL: [Self; 4] = [Self::Discount, Self::Vat, Self::Commission, Self::Override];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Discount => "discount",
            Self::Vat => "vat",
            Self::Commission => "commission",
            Self::Override => "override",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What a commission is paid in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayIn {
    Stock,
    Money,
}

impl PayIn {
    pub const ALL: [Self; 2] = [Self::Stock, Self::Money];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Money => "money",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|pay_in| pay_in.name() == name)
    }
}

/// Amounts that a rule is for, in minor units, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    pub min_minor: i64,
    pub max_minor: i64,
}

/// A rule for a while. A rule that changes is a later line with the same code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub code: Code,
    pub kind: RuleKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<Code>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "channel_name")]
    pub channel: Option<Channel>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amounts: Option<Band>,
    pub rate: Rate,
    /// Of commissions and overrides only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pay_in: Option<PayIn>,
    pub period: Period,
}

/// What a rule is looked up for.
#[derive(Clone, Copy, Debug)]
pub struct Deal<'a> {
    /// Of the reseller that gets what the rule gives.
    pub level: &'a str,
    pub product: Option<&'a str>,
    pub channel: Option<Channel>,
    pub amount_minor: i64,
    pub at: Timestamp,
}

impl Rule {
    #[must_use]
    pub fn fits(&self, deal: &Deal<'_>) -> bool {
        self.level.as_deref().is_none_or(|level| level == deal.level)
            && self.product.as_ref().is_none_or(|product| deal.product == Some(product.as_str()))
            && self.channel.is_none_or(|channel| deal.channel == Some(channel))
            && self.amounts.is_none_or(|band| (band.min_minor..=band.max_minor).contains(&deal.amount_minor))
            && self.period.covers(deal.at)
    }

    /// The larger goes first: a rule that names the product before one that does not, then the level, then the
    /// channel, then the narrower band of amounts.
    #[must_use]
    pub fn precedence(&self) -> (bool, bool, bool, Reverse<i64>) {
        let width = self.amounts.map_or(i64::MAX, |band| band.max_minor - band.min_minor);
        (self.product.is_some(), self.level.is_some(), self.channel.is_some(), Reverse(width))
    }

    /// Whether both could be the most specific rule of one deal, so that nothing would say which.
    #[must_use]
    pub fn collides(&self, other: &Self) -> bool {
        let same = self.kind == other.kind
            && self.precedence() == other.precedence()
            && (&self.level, &self.product, self.channel) == (&other.level, &other.product, other.channel);
        let (ours, theirs) = (self.amounts, other.amounts);
        let bands = ours.zip(theirs).is_none_or(|(a, b)| a.min_minor <= b.max_minor && b.min_minor <= a.max_minor);
        same && bands && self.period.overlaps(&other.period)
    }

    /// What is wrong with it by itself.
    ///
    /// # Errors
    /// Says what was expected.
    pub fn check(&self) -> Result<(), &'static str> {
        let pays = matches!(self.kind, RuleKind::Commission | RuleKind::Override);
        if pays != self.pay_in.is_some() {
            Err("expected pay_in (stock or money) of a commission or an override, and of nothing else")
        } else if !pays && (self.product.is_some() || self.channel.is_some()) {
            Err("expected neither product nor channel of a discount or of VAT: stock has none")
        } else if self.amounts.is_some_and(|band| band.min_minor <= 0 || band.max_minor < band.min_minor) {
            Err("expected a least amount above zero and a largest that is not below it")
        } else if self.period.until.is_some_and(|until| until <= self.period.from) {
            Err("expected an end after the beginning")
        } else if self.level.as_deref().is_some_and(|level| level.is_empty() || level.len() > 64) {
            Err("expected a level of 1 to 64 characters")
        } else {
            Ok(())
        }
    }
}

/// A channel by its name.
mod channel_name {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::domain::Channel;

    #[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "serde hands a field over as it stands")]
    pub fn serialize<S: Serializer>(channel: &Option<Channel>, serializer: S) -> Result<S::Ok, S::Error> {
        match channel {
            Some(channel) => serializer.serialize_str(channel.name()),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Channel>, D::Error> {
        let name = Option::<String>::deserialize(deserializer)?;
        let known = |name: String| Channel::from_name(&name).ok_or_else(|| serde::de::Error::custom("channel"));
        name.map(known).transpose()
    }
}
