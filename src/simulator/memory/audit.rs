//! What the auditors' verification reads.

use async_trait::async_trait;

use super::state::Books;
use super::{MemoryStore, no_such_shard};
use crate::domain::encoding::Hash;
use crate::domain::{CaseNumbers, OperationId, Record, RecordKind, SettledLine, SettlementId, Shard};
use crate::ledger::Head;
use crate::ports::{
    AuditReader, AuditedEntry, Client, LineState, Reads as _, RecordQuery, Registry, Snapshot, StockReads as _,
    StoreError,
};

impl MemoryStore {
    fn look<T>(&self, shard: Shard, look: impl FnOnce(&Books) -> T) -> Result<T, StoreError> {
        self.shared.state().books(shard).map(look).ok_or_else(|| no_such_shard(shard))
    }
}

#[async_trait]
impl AuditReader for MemoryStore {
    async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let state = self.shared.state();
        let mut snapshot = Snapshot::default();
        for books in &state.books {
            let shard = books.head.shard;
            snapshot.heads.push(books.head.clone());
            snapshot.accounts.extend(books.accounts.values().map(|account| (shard, *account)));
            snapshot.records.extend(books.records.values().map(|record| (shard, record.clone())));
            snapshot.holds.extend(books.holds.values().map(|hold| (shard, *hold)));
            snapshot.resellers.extend(books.resellers.values().filter_map(|reseller| {
                state.network.registrations.get(&reseller.id).map(|place| (shard, *reseller, place.clone()))
            }));
        }
        Ok(snapshot)
    }

    async fn heads(&self) -> Result<Vec<Head>, StoreError> {
        Ok(self.shared.state().books.iter().map(|books| books.head.clone()).collect())
    }

    async fn entries(&self, shard: Shard, after: i64, up_to: i64, limit: u32) -> Result<Vec<AuditedEntry>, StoreError> {
        self.look(shard, |books| {
            if after >= up_to {
                return Vec::new();
            }
            let rows = books.entries.range(after + 1..=up_to).take(limit as usize);
            rows.map(|(_, stored)| {
                let id = OperationId::from_uuid(stored.entry.subject);
                let operation = books.operations.get(&id).filter(|_| stored.entry.kind.has_operation_row()).cloned();
                AuditedEntry { entry: books.entry(stored), leaf: stored.leaf, operation }
            })
            .collect()
        })
    }

    async fn clients(&self) -> Result<(Vec<Record>, Vec<Client>), StoreError> {
        let (kind, limit) = (RecordKind::Client, u32::MAX);
        let query = RecordQuery { shard: Shard::OPERATOR, kind, owner: None, after: None, limit };
        let records = self.records(&query).await?;
        Ok((records, Registry::clients(self).await?))
    }

    async fn count_operations(&self, shard: Shard, up_to: i64) -> Result<i64, StoreError> {
        self.look(shard, |books| {
            let rows = books.operations.values().filter(|operation| operation.last_sequence <= up_to).count();
            i64::try_from(rows).expect("fits memory")
        })
    }

    async fn runs(&self, shard: Shard, after: OperationId, limit: u32) -> Result<Vec<OperationId>, StoreError> {
        self.look(shard, |books| {
            let later = books.operations.values().filter(|operation| operation.id > after);
            later
                .filter(|operation| operation.run().is_some())
                .map(|operation| operation.id)
                .take(limit as usize)
                .collect()
        })
    }

    async fn lines_of_run(&self, run: OperationId, after: i64, limit: u32) -> Result<Vec<LineState>, StoreError> {
        self.run_lines(run, after, limit, false).await
    }

    async fn settled_lines(&self, file: SettlementId, after: i64, limit: u32) -> Result<Vec<SettledLine>, StoreError> {
        self.look(Shard::OPERATOR, |books| {
            let lines = books.settled.range((file, after + 1)..=(file, i64::MAX));
            lines.take(limit as usize).map(|(_, (_, line))| line.clone()).collect()
        })
    }

    async fn case_numbers(&self, digests: &[Hash]) -> Result<Vec<(Hash, CaseNumbers)>, StoreError> {
        let state = self.shared.state();
        let kept = |digest: &Hash| Some((*digest, *state.case_numbers.get(digest)?));
        Ok(digests.iter().filter_map(kept).collect())
    }

    async fn stray_operation(&self, shard: Shard, up_to: i64) -> Result<Option<String>, StoreError> {
        self.look(shard, |books| {
            let mut rows = books.operations.values().filter(|operation| operation.last_sequence <= up_to);
            let stray = rows.find(|operation| {
                let stored = books.entries.get(&operation.last_sequence);
                stored.is_none_or(|stored| stored.entry.subject != operation.id.uuid())
            });
            stray.map(|operation| format!("operation {}", operation.kind().render(operation.id)))
        })
    }

    async fn stray_staff_action(&self, shard: Shard) -> Result<Option<String>, StoreError> {
        self.look(shard, |books| {
            let stray = books.actions.keys().find(|sequence| !books.entries.contains_key(sequence));
            stray.map(|sequence| format!("staff action of entry {sequence}"))
        })
    }

    async fn stray_evidence(&self, shard: Shard) -> Result<Option<String>, StoreError> {
        self.look(shard, |books| {
            let about = |sequence, id: OperationId| {
                books.entries.get(sequence).is_some_and(|stored| stored.entry.subject == id.uuid())
            };
            let stray = books.evidence.keys().find(|(id, sequence)| !about(sequence, *id));
            stray.map(|(_, sequence)| format!("item of evidence of entry {sequence}"))
        })
    }

    async fn stray_posting(&self, shard: Shard, up_to: i64) -> Result<Option<String>, StoreError> {
        self.look(shard, |books| {
            let mut rows = books.postings.keys().take_while(|(sequence, _)| *sequence <= up_to);
            let stray = rows.find(|(sequence, _)| !books.entries.contains_key(sequence));
            stray.map(|(sequence, line)| format!("posting {line} of entry {sequence}"))
        })
    }
}
