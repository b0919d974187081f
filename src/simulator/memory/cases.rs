//! Cases of customer care.

use std::collections::HashSet;

use async_trait::async_trait;

use super::MemoryStore;
use crate::domain::records::CareCase;
use crate::domain::{CaseNumbers, CaseStatus, Record, RecordId, Shard, Timestamp};
use crate::ports::{CaseQuery, CaseStore, StoreError};

#[async_trait]
impl CaseStore for MemoryStore {
    async fn keep_numbers(&self, numbers: &CaseNumbers) -> Result<(), StoreError> {
        self.shared.state().case_numbers.entry(numbers.digest()).or_insert(*numbers);
        Ok(())
    }

    async fn cases(&self, query: &CaseQuery) -> Result<Vec<Record>, StoreError> {
        let state = self.shared.state();
        let below: HashSet<Box<str>> =
            state.network.subtree(&query.roots).iter().map(|id| id.uuid().simple().to_string().into()).collect();
        let (partner, owner) = (query.partner.uuid().to_string(), query.owner.map(|owner| owner.to_string()));
        let shows = |record: &Record, case: &CareCase| {
            let seen = case.reseller.as_ref().map_or(*case.partner == *partner, |reseller| below.contains(reseller));
            let before = query.after.as_ref().is_none_or(|after| place(record, case) < *after);
            seen && before
                && query.status.is_none_or(|status| case.status() == status)
                && owner.as_deref().is_none_or(|owner| case.owner.as_deref() == Some(owner))
                && query.overdue_at.is_none_or(|at| case.is_overdue(at.unix_ms()))
        };
        let records = state.books[Shard::OPERATOR.index()].records.values();
        let cases = records.filter_map(|record| Some((record, record.body::<CareCase>()?)));
        let mut found: Vec<_> = cases.filter(|(record, case)| shows(record, case)).collect();
        found.sort_by_key(|(record, case)| std::cmp::Reverse(place(record, case)));
        Ok(found.into_iter().take(query.limit as usize).map(|(record, _)| record.clone()).collect())
    }

    async fn overdue_cases(&self, at: Timestamp) -> Result<i64, StoreError> {
        let state = self.shared.state();
        let records = state.books[Shard::OPERATOR.index()].records.values();
        let open = records.filter_map(Record::body::<CareCase>).filter(|case| case.status() != CaseStatus::Closed);
        Ok(i64::try_from(open.filter(|case| case.is_overdue(at.unix_ms())).count()).expect("fits memory"))
    }
}

fn place(record: &Record, case: &CareCase) -> (Timestamp, RecordId) {
    (Timestamp::from_unix_ms(case.opened_at_ms), record.key().id().clone())
}
