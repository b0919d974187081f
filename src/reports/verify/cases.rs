//! Cases of customer care: the numbers that stand beside each are those that its record has the digest of.

use std::collections::HashMap;

use super::Slice;
use super::finding::{VerifyError, offence};
use crate::domain::CaseNumbers;
use crate::domain::encoding::Hash;
use crate::domain::records::CareCase;
use crate::ports::AuditReader;

/// Cases whose numbers are read at once.
const AT_ONCE: usize = 500;

pub(super) async fn check(audit: &dyn AuditReader, slice: &Slice) -> Result<(), VerifyError> {
    let cases: Vec<_> =
        slice.records.iter().filter_map(|record| Some((record.key(), record.body::<CareCase>()?))).collect();
    for some in cases.chunks(AT_ONCE) {
        let digests: Vec<Hash> = some.iter().filter_map(|(_, case)| case.digest()).collect();
        let kept: HashMap<Hash, CaseNumbers> = audit.case_numbers(&digests).await?.into_iter().collect();
        for (key, case) in some {
            let numbers = case.digest().and_then(|digest| Some((digest, kept.get(&digest)?)));
            if numbers.is_none_or(|(digest, numbers)| numbers.digest() != digest) {
                let text = "the numbers that stand beside it are not those it was opened with";
                return offence(Some(slice.head.shard), format!("record {key}"), text);
            }
        }
    }
    Ok(())
}
