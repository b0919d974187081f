//! The texts of a line as products and rules; both kinds of file come here.

use serde::Deserialize;

use super::file::{FileError, Reading};
use crate::domain::catalogue::{Band, Benefit, BenefitKind, Code, Import, Offer, PayIn, Period, Product, ProductKind};
use crate::domain::catalogue::{ReversalRule, Rule, RuleKind};
use crate::domain::{Asker, Channel, Money, Timestamp};

/// An offer as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfferText {
    pub name: Option<String>,
    pub amount: Option<String>,
    /// For a range.
    pub amount_to: Option<String>,
    /// Several fixed amounts at once.
    #[serde(default)]
    pub amounts: Vec<String>,
    /// Such as `data:10240`.
    #[serde(default)]
    pub benefits: Vec<String>,
    /// Such as `7d` or `1h`.
    pub validity: Option<String>,
    pub from: Option<String>,
    pub until: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProductText {
    pub code: String,
    pub name: String,
    pub kind: String,
    #[serde(default)]
    pub offer: Vec<OfferText>,
}

/// A rule as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleText {
    pub code: String,
    pub kind: String,
    pub level: Option<String>,
    pub product: Option<String>,
    pub channel: Option<String>,
    pub amount: Option<String>,
    pub amount_to: Option<String>,
    pub rate: String,
    pub pay_in: Option<String>,
    pub from: Option<String>,
    pub until: Option<String>,
}

/// A rule of reversals as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReversalText {
    code: String,
    product: Option<String>,
    by: String,
    within_minutes: u32,
    #[serde(default)]
    partial: bool,
    from: Option<String>,
    until: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    #[serde(default)]
    product: Vec<ProductText>,
    #[serde(default)]
    rule: Vec<RuleText>,
    #[serde(default)]
    reversal: Vec<ReversalText>,
    #[serde(default)]
    withdrawn_rules: Vec<String>,
}

pub(super) fn of_toml(text: &str, reading: &Reading<'_>) -> Result<Import, FileError> {
    let file: FileText = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        FileError { place: format!("line {line}"), problem: error.message().to_owned() }
    })?;
    let mut import = Import::default();
    for product in &file.product {
        let place = format!("product {}", product.code);
        import.products.push(self::product(product, reading).map_err(|problem| problem.within(&place))?);
    }
    for rule in &file.rule {
        let place = format!("rule {}", rule.code);
        import.rules.push(self::rule(rule, reading).map_err(|problem| problem.within(&place))?);
    }
    for rule in &file.reversal {
        let place = format!("reversal {}", rule.code);
        import.reversals.push(reversal(rule, reading).map_err(|problem| problem.within(&place))?);
    }
    for code in &file.withdrawn_rules {
        let code = code.parse().map_err(|problem| wrong("withdrawn_rules", problem).within("file"))?;
        import.withdrawn_rules.push(code);
    }
    Ok(import)
}

/// A field that is wrong.
#[derive(Debug)]
pub(super) struct Wrong {
    pub field: &'static str,
    problem: String,
}

impl Wrong {
    pub(super) fn within(self, place: &str) -> FileError {
        FileError { place: format!("{place}, {}", self.field), problem: self.problem }
    }
}

fn wrong(field: &'static str, problem: impl ToString) -> Wrong {
    Wrong { field, problem: problem.to_string() }
}

fn code(field: &'static str, text: &str) -> Result<Code, Wrong> {
    text.parse().map_err(|problem| wrong(field, problem))
}

/// An amount in minor units.
fn amount(field: &'static str, text: &str, reading: &Reading<'_>) -> Result<i64, Wrong> {
    Money::parse(text, reading.currency).map(Money::minor).map_err(|problem| wrong(field, problem))
}

/// RFC 3339, or a date, which begins in the zone of the business day.
fn moment(field: &'static str, text: &str, reading: &Reading<'_>) -> Result<Timestamp, Wrong> {
    if let Ok(date) = text.parse::<jiff::civil::Date>()
        && text.len() == 10
        && let Ok(begin) = date.to_zoned(reading.zone.clone())
    {
        return Ok(Timestamp::from_unix_ms(begin.timestamp().as_millisecond()));
    }
    let expected = "expected a date such as 2026-12-01 or an RFC 3339 time such as 2026-12-01T08:30:00Z";
    Timestamp::parse(text).map_err(|_| wrong(field, expected))
}

fn period(from: Option<&str>, until: Option<&str>, reading: &Reading<'_>) -> Result<Period, Wrong> {
    Ok(Period {
        from: from.map_or(Ok(Timestamp::EPOCH), |text| moment("from", text, reading))?,
        until: until.map(|text| moment("until", text, reading)).transpose()?,
    })
}

fn benefit(text: &str) -> Result<Benefit, Wrong> {
    let expected = || wrong("benefits", "expected such as data:10240, of credit, voice, data, sms or social");
    let (kind, quantity) = text.trim().split_once(':').ok_or_else(expected)?;
    let kind = BenefitKind::from_name(kind).ok_or_else(expected)?;
    Ok(Benefit { kind, quantity: quantity.parse().map_err(|_| expected())? })
}

fn validity_hours(text: &str) -> Result<u32, Wrong> {
    let expected = || wrong("validity", "expected days or hours such as 7d or 1h");
    let (number, hours) = match text.strip_suffix('d') {
        Some(days) => (days, 24),
        None => (text.strip_suffix('h').ok_or_else(expected)?, 1),
    };
    let number: u32 = number.parse().map_err(|_| expected())?;
    number.checked_mul(hours).filter(|hours| *hours > 0).ok_or_else(expected)
}

/// The offers of a line: one, or one for each of its fixed amounts.
pub(super) fn offers(text: &OfferText, product: &str, reading: &Reading<'_>) -> Result<Vec<Offer>, Wrong> {
    let period = period(text.from.as_deref(), text.until.as_deref(), reading)?;
    let benefits = text.benefits.iter().map(|text| benefit(text)).collect::<Result<Vec<_>, _>>()?;
    let validity_hours = text.validity.as_deref().map(validity_hours).transpose()?;
    let name = |amount: &str| match &text.name {
        Some(name) => name.as_str().into(),
        None => format!("{product} {amount}").into(),
    };
    let offer = |name, min_minor, max_minor| Offer {
        name,
        min_minor,
        max_minor,
        benefits: benefits.clone(),
        validity_hours,
        period,
    };
    match (&text.amount, &text.amount_to, text.amounts.as_slice()) {
        (None, None, amounts @ [_, ..]) => {
            let one = |text: &String| amount("amounts", text, reading).map(|minor| offer(name(text), minor, minor));
            amounts.iter().map(one).collect()
        }
        (Some(least), largest, []) => {
            let min_minor = amount("amount", least, reading)?;
            let max_minor = largest.as_ref().map_or(Ok(min_minor), |text| amount("amount_to", text, reading))?;
            Ok(vec![offer(name(least), min_minor, max_minor)])
        }
        _ => Err(wrong("amount", "expected an amount, a range from amount to amount_to, or a list of amounts")),
    }
}

fn product(text: &ProductText, reading: &Reading<'_>) -> Result<Product, Wrong> {
    let mut product = heading(&text.code, &text.name, &text.kind)?;
    for offer in &text.offer {
        product.offers.extend(offers(offer, &text.name, reading)?);
    }
    Ok(product)
}

/// A product without its offers.
pub(super) fn heading(code: &str, name: &str, kind: &str) -> Result<Product, Wrong> {
    let known = ProductKind::ALL.map(ProductKind::name).join(", ");
    let kind = ProductKind::from_name(kind).ok_or_else(|| wrong("kind", format!("expected one of {known}")))?;
    Ok(Product { code: self::code("code", code)?, name: name.into(), kind, offers: Vec::new() })
}

fn reversal(text: &ReversalText, reading: &Reading<'_>) -> Result<ReversalRule, Wrong> {
    let known = Asker::ALL.map(Asker::name).join(", ");
    Ok(ReversalRule {
        code: code("code", &text.code)?,
        product: text.product.as_deref().map(|text| code("product", text)).transpose()?,
        by: Asker::from_name(&text.by).ok_or_else(|| wrong("by", format!("expected one of {known}")))?,
        within_minutes: text.within_minutes,
        partial: text.partial,
        period: period(text.from.as_deref(), text.until.as_deref(), reading)?,
    })
}

pub(super) fn rule(text: &RuleText, reading: &Reading<'_>) -> Result<Rule, Wrong> {
    let known = RuleKind::ALL.map(RuleKind::name).join(", ");
    let kind = RuleKind::from_name(&text.kind).ok_or_else(|| wrong("kind", format!("expected one of {known}")))?;
    let channel = |name: &str| Channel::from_name(name).ok_or_else(|| wrong("channel", "expected one of the channels"));
    let pay_in = |name: &str| PayIn::from_name(name).ok_or_else(|| wrong("pay_in", "expected stock or money"));
    let amounts = match (&text.amount, &text.amount_to) {
        (None, None) => None,
        (least, largest) => Some(Band {
            min_minor: least.as_ref().map_or(Ok(1), |text| amount("amount", text, reading))?,
            max_minor: largest.as_ref().map_or(Ok(i64::MAX), |text| amount("amount_to", text, reading))?,
        }),
    };
    Ok(Rule {
        code: code("code", &text.code)?,
        kind,
        level: text.level.as_deref().map(Into::into),
        product: text.product.as_deref().map(|text| code("product", text)).transpose()?,
        channel: text.channel.as_deref().map(channel).transpose()?,
        amounts,
        rate: text.rate.parse().map_err(|problem| wrong("rate", problem))?,
        pay_in: text.pay_in.as_deref().map(pay_in).transpose()?,
        period: period(text.from.as_deref(), text.until.as_deref(), reading)?,
    })
}
