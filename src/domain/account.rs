//! Accounts and the chart of accounts, which is data: [`CHART`].

use super::ids::ResellerId;
use super::shard::Shard;
use super::time::BusinessDay;

/// What a posting moves. The two are never mixed in one posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Asset {
    /// Money of the installation's currency, such as `MAD`.
    Money,
    /// Recharge credit in face value, such as `airtime:MAD`.
    Airtime,
}

impl Asset {
    pub const ALL: [Self; 2] = [Self::Money, Self::Airtime];

    /// The number the store keeps.
    #[must_use]
    pub fn code(self) -> i16 {
        match self {
            Self::Money => 1,
            Self::Airtime => 2,
        }
    }

    #[must_use]
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|asset| asset.code() == code)
    }

    #[must_use]
    pub fn name(self, currency: super::Currency) -> String {
        match self {
            Self::Money => currency.to_string(),
            Self::Airtime => format!("airtime:{currency}"),
        }
    }
}

/// The side on which an account's balance grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    Debit,
    Credit,
}

/// A line of the chart of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChartLine {
    pub class: AccountClass,
    /// Stable name in reports.
    pub name: &'static str,
    pub asset: Asset,
    pub normal_side: Side,
    /// Whether no debit may take what is available below zero (below the credit limit where the account has one).
    pub floored: bool,
    /// Whether each shard has one; otherwise it lives in [`Shard::OPERATOR`], or is one per reseller.
    pub striped: bool,
    /// Whether each reseller has one.
    pub per_reseller: bool,
    /// What an auditor reads.
    pub meaning: &'static str,
}

/// Class of an account: the number that the store keeps, never used again for another. System accounts bear it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i16)]
pub enum AccountClass {
    Issued = 1,
    Destroyed = 2,
    OperatorStock = 3,
    ResellerStock = 4,
    Delivered = 5,
    AirtimeSuspense = 6,
    AirtimeInTransit = 7,
    ResellerReceivable = 8,
    StockSales = 9,
    VatPayable = 10,
    MoneySuspense = 11,
    MoneyInTransit = 12,
    CommissionExpense = 60,
    CommissionAccrued = 61,
    CommissionPayable = 62,
    CommissionGranted = 63,
    CommissionStockAccrued = 64,
    MoneyRounding = 65,
    AirtimeRounding = 66,
    StockDiscounts = 67,
    StockReserved = 90,
    AcquirerReceivable = 91,
    CapturedNotCredited = 92,
    FeeIncome = 93,
    AcquirerSettled = 94,
    AcquirerFees = 95,
    ClawbackStanding = 96,
    MoneyWriteOffs = 120,
    AirtimeWriteOffs = 121,
}

/// The chart of accounts (`design.md` §3). Later operations add lines; a number is never used again.
#[rustfmt::skip]
pub const CHART: [ChartLine; 29] = {
    use AccountClass as C;
    use Asset::{Airtime, Money};
    use Side::{Credit, Debit};
    const fn line(class: C, name: &'static str, asset: Asset, normal_side: Side, kind: Kind, meaning: &'static str) -> ChartLine {
        let (floored, striped, per_reseller) = match kind {
            Kind::Single => (true, false, false),
            Kind::Striped => (false, true, false),
            Kind::Own => (true, false, true),
            Kind::Owed => (false, false, true),
        };
        ChartLine { class, name, asset, normal_side, floored, striped, per_reseller, meaning }
    }
    [
        line(C::Issued,             "issued",               Airtime, Debit,  Kind::Striped, "Recharge credit ever created by the operator"),
        line(C::Destroyed,          "destroyed",            Airtime, Credit, Kind::Striped, "Recharge credit taken out of circulation by the operator"),
        line(C::OperatorStock,      "operator_stock",       Airtime, Credit, Kind::Single,  "Issued credit that no reseller holds yet"),
        line(C::ResellerStock,      "reseller_stock",       Airtime, Credit, Kind::Own,     "Recharge credit that one reseller holds, face value"),
        line(C::Delivered,          "delivered",            Airtime, Credit, Kind::Striped, "Recharge credit that became credit on subscribers' lines, net of reversals"),
        line(C::AirtimeSuspense,    "airtime_suspense",     Airtime, Credit, Kind::Striped, "Recharge credit whose owner is under investigation"),
        line(C::AirtimeInTransit,   "airtime_in_transit",   Airtime, Credit, Kind::Striped, "Between two shards; the sum over all shards is zero"),
        line(C::ResellerReceivable, "reseller_receivable",  Money,   Debit,  Kind::Owed,    "What one reseller owes for stock allocated on account"),
        line(C::StockSales,         "stock_sales",          Money,   Credit, Kind::Striped, "Stock sold, without VAT, before discount"),
        line(C::VatPayable,         "vat_payable",          Money,   Credit, Kind::Striped, "VAT contained in the price of sold stock"),
        line(C::MoneySuspense,      "money_suspense",       Money,   Credit, Kind::Striped, "Money whose owner is under investigation"),
        line(C::MoneyInTransit,     "money_in_transit",     Money,   Credit, Kind::Striped, "Between two shards; the sum over all shards is zero"),
        line(C::CommissionExpense,  "commission_expense",   Money,   Debit,  Kind::Striped, "Commission in money that resellers earned, rounding included"),
        line(C::CommissionAccrued,  "commission_accrued",   Money,   Credit, Kind::Owed,    "Commission in money that one reseller earned by sales of this shard, until it is paid out"),
        line(C::CommissionPayable,  "commission_payable",   Money,   Credit, Kind::Owed,    "Commission in money that was paid out to one reseller and that the operator owes it"),
        line(C::CommissionGranted,  "commission_granted",   Airtime, Debit,  Kind::Striped, "Commission in stock that resellers earned, until operator stock covers it"),
        line(C::CommissionStockAccrued, "commission_stock_accrued", Airtime, Credit, Kind::Owed, "Commission in stock that one reseller earned by sales of this shard, until it is paid out"),
        line(C::MoneyRounding,      "money_rounding",       Money,   Credit, Kind::Striped, "What rounding the parts of a whole left over, in money"),
        line(C::AirtimeRounding,    "airtime_rounding",     Airtime, Credit, Kind::Striped, "What rounding the parts of a whole left over, in stock"),
        line(C::StockDiscounts,     "stock_discounts",      Money,   Debit,  Kind::Striped, "Discount given on stock sold, without VAT"),
        line(C::StockReserved,      "stock_reserved",       Airtime, Credit, Kind::Striped, "Operator stock set aside for top-ups whose payment is under way"),
        line(C::AcquirerReceivable, "acquirer_receivable",  Money,   Debit,  Kind::Owed,    "Money of cards that one acquirer took and has not settled yet"),
        line(C::CapturedNotCredited, "captured_not_credited", Money, Credit, Kind::Striped, "Money that was taken for top-ups whose stock has not come: our debt"),
        line(C::FeeIncome,          "fee_income",           Money,   Credit, Kind::Striped, "Fees that resellers paid for top-ups by card"),
        line(C::AcquirerSettled,    "acquirer_settled",     Money,   Debit,  Kind::Striped, "Money that acquirers say they paid to the bank, net of their fees"),
        line(C::AcquirerFees,       "acquirer_fees",        Money,   Debit,  Kind::Striped, "Fees that acquirers kept of what they settled"),
        line(C::ClawbackStanding,   "clawback_standing",    Money,   Debit,  Kind::Owed,    "Price of charged-back stock that one reseller holds for sales without an outcome"),
        line(C::MoneyWriteOffs,     "money_write_offs",     Money,   Debit,  Kind::Striped, "Money that two persons gave up looking for"),
        line(C::AirtimeWriteOffs,   "airtime_write_offs",   Airtime, Debit,  Kind::Striped, "Recharge credit that two persons gave up looking for"),
    ]
};

/// Where the accounts of a class stand and whether they have a floor.
enum Kind {
    /// One account, in the operator's shard, with a floor.
    Single,
    /// One account in each shard, without a floor.
    Striped,
    /// One per reseller, with a floor.
    Own,
    /// One per reseller, without a floor.
    Owed,
}

/// Where the line of each class stands in the chart.
const POSITIONS: [usize; 128] = {
    let mut positions = [usize::MAX; 128];
    let mut position = 0;
    while position < CHART.len() {
        positions[CHART[position].class as usize] = position;
        position += 1;
    }
    positions
};

impl AccountClass {
    #[must_use]
    pub fn line(self) -> &'static ChartLine {
        &CHART[POSITIONS[self as usize]]
    }

    /// The number the store keeps; for a system account also its account number.
    #[must_use]
    pub fn code(self) -> i16 {
        self as i16
    }

    #[must_use]
    pub fn from_code(code: i16) -> Option<Self> {
        CHART.iter().map(|line| line.class).find(|class| class.code() == code)
    }

    /// The system account of this class; meaningful for classes that are not per reseller.
    #[must_use]
    pub fn system_account(self) -> AccountNumber {
        AccountNumber(i64::from(self.code()))
    }

    /// The classes whose account stands in `shard` without a reseller.
    pub fn system_classes(shard: Shard) -> impl Iterator<Item = Self> {
        CHART
            .iter()
            .filter(move |line| !line.per_reseller && (line.striped || shard == Shard::OPERATOR))
            .map(|line| line.class)
    }
}

/// Number of an account within its shard. Below [`AccountNumber::FIRST_OWN`] stand the system accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountNumber(pub i64);

impl AccountNumber {
    pub const FIRST_OWN: Self = Self(1_000);
}

/// What a reseller's account was debited for on one business day, holds counted (`domain.md` \[17\]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub day: BusinessDay,
    pub count: i64,
    pub amount_minor: i64,
}

impl Usage {
    /// The usage of `day`: what was counted on another day is over.
    #[must_use]
    pub fn on(self, day: BusinessDay) -> Self {
        if self.day == day { self } else { Self { day, count: 0, amount_minor: 0 } }
    }
}

/// An account with its balance, in minor units on its normal side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    pub number: AccountNumber,
    pub class: AccountClass,
    pub owner: Option<ResellerId>,
    pub posted: i64,
    /// Part of `posted` that open holds have set aside.
    pub held: i64,
    pub credit_limit: i64,
    pub usage: Usage,
}

impl Account {
    #[must_use]
    pub fn system(class: AccountClass) -> Self {
        Self::empty(class.system_account(), class, None)
    }

    #[must_use]
    pub fn empty(number: AccountNumber, class: AccountClass, owner: Option<ResellerId>) -> Self {
        Self { number, class, owner, posted: 0, held: 0, credit_limit: 0, usage: Usage::default() }
    }

    #[must_use]
    pub fn available(&self) -> i64 {
        self.posted.saturating_sub(self.held)
    }

    /// Whether `amount_minor` may be set aside or taken without going below −credit limit.
    #[must_use]
    pub fn can_spare(&self, amount_minor: i64) -> bool {
        !self.class.line().floored
            || self.available().checked_sub(amount_minor).is_some_and(|left| left >= -self.credit_limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_chart_is_found_by_its_class() {
        for line in &CHART {
            assert_eq!(line.class.line(), line);
            assert_eq!(AccountClass::from_code(line.class.code()), Some(line.class));
            assert!(!(line.striped && line.floored), "{}: a striped account cannot have a floor", line.name);
            assert!(i64::from(line.class.code()) < AccountNumber::FIRST_OWN.0, "{}", line.name);
        }
        assert_eq!(AccountClass::from_code(0), None);
        assert_eq!(AccountClass::from_code(99), None);
        assert!(CHART.is_sorted_by_key(|line| line.class), "the chart is read in the order of its numbers");
    }
}
