//! Products: what a subscriber may be sold, at which amounts, and what it brings.

use serde::{Deserialize, Serialize};

use super::code::Code;
use super::period::Period;
use crate::domain::Timestamp;

/// How a product is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProductKind {
    /// Any amount within a range.
    OpenRange,
    /// Fixed amounts.
    Denomination,
    /// A recharge with a benefit code such as `*3`, which turns the amount into something else.
    Benefit,
    /// A pass of a fixed price and validity.
    Pass,
}

impl ProductKind {
    pub const ALL: [Self; 4] = [Self::OpenRange, Self::Denomination, Self::Benefit, Self::Pass];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenRange => "open_range",
            Self::Denomination => "denomination",
            Self::Benefit => "benefit",
            Self::Pass => "pass",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What a benefit is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BenefitKind {
    /// Credit for calls, as a percentage of the amount.
    Credit,
    Voice,
    Data,
    Sms,
    /// Data for social networks.
    Social,
}

impl BenefitKind {
    pub const ALL: [Self; 5] = [Self::Credit, Self::Voice, Self::Data, Self::Sms, Self::Social];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Credit => "credit",
            Self::Voice => "voice",
            Self::Data => "data",
            Self::Sms => "sms",
            Self::Social => "social",
        }
    }

    /// What its quantity counts.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Credit => "percent",
            Self::Voice => "minutes",
            Self::Data | Self::Social => "MB",
            Self::Sms => "messages",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A part of what a subscriber gets besides plain credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Benefit {
    pub kind: BenefitKind,
    /// In the unit of its kind.
    pub quantity: u32,
}

/// Amounts of a product that bring the same, for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    pub name: Box<str>,
    pub min_minor: i64,
    /// Equal to `min_minor` for a fixed amount.
    pub max_minor: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub benefits: Vec<Benefit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity_hours: Option<u32>,
    pub period: Period,
}

impl Offer {
    #[must_use]
    pub fn sells(&self, amount_minor: i64) -> bool {
        (self.min_minor..=self.max_minor).contains(&amount_minor)
    }

    /// ISO 8601 §5.5.2: `P7D`, or `PT1H` where hours make no whole days.
    #[must_use]
    pub fn validity(&self) -> Option<String> {
        let hours = self.validity_hours?;
        Some(if hours % 24 == 0 { format!("P{}D", hours / 24) } else { format!("PT{hours}H") })
    }

    /// What is wrong with it by itself.
    ///
    /// # Errors
    /// Says what was expected.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.name.is_empty() || self.name.chars().count() > 100 || self.name.chars().any(char::is_control) {
            Err("expected a name of 1 to 100 characters")
        } else if self.min_minor <= 0 || self.max_minor < self.min_minor {
            Err("expected a least amount above zero and a largest that is not below it")
        } else if self.period.until.is_some_and(|until| until <= self.period.from) {
            Err("expected an end after the beginning")
        } else if self.validity_hours == Some(0) || self.benefits.iter().any(|benefit| benefit.quantity == 0) {
            Err("expected quantities above zero")
        } else {
            Ok(())
        }
    }
}

/// A product with all its offers, past ones included: the past of a catalogue never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    pub code: Code,
    pub name: Box<str>,
    pub kind: ProductKind,
    pub offers: Vec<Offer>,
}

impl Product {
    /// Whether anything of it is sold at `at`.
    #[must_use]
    pub fn is_sold(&self, at: Timestamp) -> bool {
        self.offers.iter().any(|offer| offer.period.covers(at))
    }

    /// The offer of an amount: of several the narrowest, for a denomination goes before the range around it.
    #[must_use]
    pub fn offer(&self, amount_minor: i64, at: Timestamp) -> Option<&Offer> {
        let fits = self.offers.iter().filter(|offer| offer.sells(amount_minor) && offer.period.covers(at));
        fits.min_by_key(|offer| offer.max_minor - offer.min_minor)
    }
}
