//! The standing equations over all shards (`design.md` §3).

use super::commission;
use super::finding::{Finding, offence};
use super::report::Report;
use crate::domain::account::CHART;
use crate::domain::{AccountClass, Asset, Side};

/// Issued credit is somewhere, destroyed included; what is in transit between shards is nowhere for long.
pub(super) fn check(report: &Report) -> Result<(), Finding> {
    for class in [AccountClass::AirtimeInTransit, AccountClass::MoneyInTransit] {
        let total = report.total(class);
        if total != 0 {
            let text = format!("the sum over all shards is {total}, not zero: a movement has one half only");
            return offence(None, format!("accounts {}", class.line().name), text);
        }
    }
    for asset in Asset::ALL {
        let side = |side| {
            let lines = CHART.iter().filter(move |line| line.asset == asset && line.normal_side == side);
            lines.map(|line| report.total(line.class)).sum::<i128>()
        };
        let (debits, credits) = (side(Side::Debit), side(Side::Credit));
        if debits != credits {
            let text = format!("debit balances sum to {debits}, credit balances to {credits}");
            return offence(None, format!("accounts of {asset:?}"), text);
        }
    }
    commission::check_granted(report)
}
