//! Statements, read from the journal itself.

use async_trait::async_trait;

use super::state::{Books, State};
use super::{MemoryStore, no_such_shard};
use crate::domain::records::{StockAlert, StockWatch};
use crate::domain::{
    AccountClass, AccountNumber, OperationId, Posting, Record, RecordKind, ResellerId, Shard, Side, Timestamp,
};
use crate::ledger::stock_watch;
use crate::ports::{Flows, LogPlace, Movement, MovementPlace, MovementQuery, Movements, StoreError, WatchedStock};

fn books(state: &State, shard: Shard) -> Result<&Books, StoreError> {
    state.books(shard).ok_or_else(|| no_such_shard(shard))
}

fn moves(posting: &Posting, account: AccountNumber) -> bool {
    posting.debit == account || posting.credit == account
}

fn place_of((sequence, index): (i64, usize)) -> MovementPlace {
    MovementPlace { sequence, line: i16::try_from(index + 1).expect("an entry has few postings") }
}

#[async_trait]
impl Movements for MemoryStore {
    async fn log_place(&self, shard: Shard) -> Result<LogPlace, StoreError> {
        let state = self.shared.state();
        let head = &books(&state, shard)?.head;
        Ok(LogPlace { head: head.sequence, recorded_at: head.recorded_at, written: 0 })
    }

    async fn last_before(&self, shard: Shard, at: Timestamp, head: i64) -> Result<i64, StoreError> {
        let state = self.shared.state();
        let mut entries = books(&state, shard)?.entries.range(..=head).rev();
        Ok(entries.find(|(_, stored)| stored.entry.recorded_at < at).map_or(0, |(sequence, _)| *sequence))
    }

    async fn flows(
        &self,
        _: &LogPlace,
        shard: Shard,
        (account, _): (AccountNumber, Side),
        up_to: i64,
    ) -> Result<Flows, StoreError> {
        let delivered = AccountClass::Delivered.system_account();
        let state = self.shared.state();
        let mut flows = Flows::default();
        for (_, posting) in books(&state, shard)?.postings.range(..(up_to + 1, 0)) {
            if posting.debit == account {
                flows.debited_minor += posting.amount_minor;
                flows.sold_minor += if posting.credit == delivered { posting.amount_minor } else { 0 };
            }
            if posting.credit == account {
                flows.credited_minor += posting.amount_minor;
                flows.sold_minor -= if posting.debit == delivered { posting.amount_minor } else { 0 };
            }
        }
        Ok(flows)
    }

    async fn movements(&self, _: &LogPlace, query: &MovementQuery) -> Result<Vec<Movement>, StoreError> {
        let state = self.shared.state();
        let books = books(&state, query.shard)?;
        let mut rows: Vec<_> = books
            .postings
            .iter()
            .map(|(key, posting)| (place_of(*key), *posting))
            .filter(|(place, posting)| moves(posting, query.account) && *place > query.after && *place < query.before)
            .collect();
        if !query.oldest_first {
            rows.reverse();
        }
        let read = |(place, posting): (MovementPlace, Posting)| {
            let entry = &books.entries[&place.sequence].entry;
            let id = OperationId::from_uuid(entry.subject);
            Movement {
                place,
                kind: entry.kind,
                subject: entry.subject,
                recorded_at: entry.recorded_at,
                posting,
                operation: state.books(id.shard()).and_then(|books| books.operations.get(&id)).cloned(),
            }
        };
        Ok(rows.into_iter().take(query.limit as usize).map(read).collect())
    }

    async fn watched_stock(&self, shard: Shard) -> Result<Vec<WatchedStock>, StoreError> {
        let state = self.shared.state();
        let books = books(&state, shard)?;
        let of = |reseller: ResellerId, kind| books.records.get(&stock_watch::key(kind, reseller));
        let watched = books.resellers.values().filter_map(|reseller| {
            let watch: StockWatch = *of(reseller.id, RecordKind::StockWatch)?.body()?;
            let alert = of(reseller.id, RecordKind::StockAlert);
            let was_low = alert.and_then(|alert| alert.body()).is_some_and(|alert: &StockAlert| alert.is_low);
            Some(WatchedStock {
                reseller: reseller.id,
                watch,
                available_minor: books.accounts.get(&reseller.stock_account)?.available(),
                alert: alert.map_or(0, Record::version),
                was_low,
            })
        });
        let mut watched: Vec<_> = watched.filter(|watched| watched.is_low() || watched.was_low).collect();
        watched.sort_unstable_by_key(|watched| watched.reseller);
        Ok(watched)
    }

    async fn write_out(&self, shard: Shard, _: u32) -> Result<i64, StoreError> {
        Ok(self.log_place(shard).await?.head)
    }

    async fn write_again(&self, shard: Shard) -> Result<i64, StoreError> {
        Ok(self.log_place(shard).await?.head)
    }
}
