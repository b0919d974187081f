//! Settlement files: their lines are those that were booked, and what they brought stands on the accounts.

use super::Slice;
use super::finding::{Finding, VerifyError};
use crate::domain::records::SettlementFile;
use crate::domain::settlement::CHARGING_SYSTEM;
use crate::domain::{AccountClass, RecordKind, SettlementId, Shard};
use crate::ports::AuditReader;

/// Rows read at once.
const PAGE: u32 = 5_000;

/// The files of the operator's shard, by their records.
pub(super) async fn check(audit: &dyn AuditReader, slice: &Slice) -> Result<(), VerifyError> {
    let (mut net_minor, mut fees_minor) = (0_i64, 0_i64);
    let files = slice.records.iter().filter(|record| record.key().kind() == RecordKind::SettlementFile);
    for record in files {
        let Some(file) = record.body::<SettlementFile>() else { continue };
        let row = format!("settlement {}", record.key().id());
        let wrong = |text: &str| Err(Finding::new(Some(slice.head.shard), row.clone(), text).into());
        let Ok(id) = record.key().id().as_str().parse() else { return wrong("its id is none") };
        if fold(audit, id, file).await? != *file {
            return wrong("its lines are not those that were booked");
        }
        if &*file.acquirer == CHARGING_SYSTEM {
            continue;
        }
        net_minor = net_minor.saturating_add(file.net_minor);
        fees_minor = fees_minor.saturating_add(file.fees_minor);
    }
    if slice.head.shard != Shard::OPERATOR {
        return Ok(());
    }
    for (class, sum) in [(AccountClass::AcquirerSettled, net_minor), (AccountClass::AcquirerFees, fees_minor)] {
        let number = class.system_account();
        let has = slice.accounts.iter().find(|account| account.number == number).map_or(0, |account| account.posted);
        if has != sum {
            let row = format!("account {} ({})", number.0, class.line().name);
            let text = format!("its balance is {has}, the lines of settlement files sum to {sum}");
            return Err(Finding::new(Some(slice.head.shard), row, text).into());
        }
    }
    Ok(())
}

/// The file as its lines make it, as far as the snapshot saw it booked.
async fn fold(audit: &dyn AuditReader, id: SettlementId, said: &SettlementFile) -> Result<SettlementFile, VerifyError> {
    let mut file = SettlementFile::new(said.acquirer.clone(), said.content, said.lines, said.begun_at_ms);
    while file.booked < said.booked {
        let page = audit.settled_lines(id, file.booked, PAGE).await?;
        let before = file.booked;
        // What was booked after the snapshot is later work.
        for line in page.iter().filter(|line| line.number <= said.booked) {
            file.add(line);
        }
        if file.booked == before {
            break;
        }
    }
    Ok(file)
}
