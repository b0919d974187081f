//! Tells when a reseller's stock crosses the threshold it is watched for. Posts nothing.

use super::books::{ShardBooks, Step, Subject};
use super::command::Refusal;
use super::rules::Moment;
use crate::domain::records::{StockAlert, StockWatch};
use crate::domain::{EntryKind, Record, RecordId, RecordKey, RecordKind, ResellerId};

/// What names the record of a kind of which each reseller has one.
///
/// # Panics
/// For a kind that belongs to the operator.
#[must_use]
pub fn key(kind: RecordKind, reseller: ResellerId) -> RecordKey {
    let id: RecordId = "default".parse().expect("a word is printable ASCII");
    RecordKey::of_reseller(kind, reseller, id)
}

/// Compares what is available with the threshold. `Ok(None)` when that is known already, or nobody wants to know.
///
/// # Errors
/// [`Refusal::UnknownReseller`].
pub fn look(books: &ShardBooks, reseller: ResellerId, moment: &Moment<'_>) -> Result<Option<Step>, Refusal> {
    let owner = books.reseller(reseller).ok_or(Refusal::UnknownReseller)?;
    let stock = books.account(owner.stock_account).ok_or(Refusal::UnknownReseller)?;
    let watch = books.record_of(&key(RecordKind::StockWatch, reseller)).and_then(|record| record.body::<StockWatch>());
    let alert_key = key(RecordKind::StockAlert, reseller);
    let known = books.record_of(&alert_key);
    let was_low = known.and_then(|record| record.body::<StockAlert>()).is_some_and(|alert| alert.is_low);
    let Some(threshold_minor) = watch.map(|watch| watch.threshold_minor).or(was_low.then_some(0)) else {
        return Ok(None);
    };
    let available_minor = stock.available();
    let is_low = watch.is_some() && available_minor < threshold_minor;
    if is_low == was_low {
        return Ok(None);
    }
    let since_ms = books.recorded_at(moment.now).unix_ms();
    let alert = StockAlert { is_low, available_minor, threshold_minor, since_ms };
    let version = known.map_or(0, |record| record.version()) + 1;
    let kind = if is_low { EntryKind::StockLow } else { EntryKind::StockRecovered };
    Ok(Some(Step::about(kind, Subject::Record(Record::new(alert_key, version, alert.into()).into()))))
}
