//! Checkpoints, and a store that goes on while it is verified.

use super::*;

#[tokio::test]
async fn a_checkpoint_finds_what_was_rewritten_with_all_its_hashes() {
    let world = world().await;
    let checkpoint = Checkpoint::new(&audit(&world.store).await.unwrap());
    let options =
        Options { page: 5, checkpoint: Some(Checkpoint::parse(&checkpoint.to_json()).unwrap()), ..Options::default() };
    let mut scribe = Scribe::later(&world.store);
    scribe.issue(5).await;
    scribe.reserve(world.outlet, 500).await;
    assert_eq!(audit_with(&world.store, &options).await.err(), None);

    world.store.with_raw(|state| {
        let books = &mut state.books[OUTLETS];
        books.entries.get_mut(&2).unwrap().entry.actor = "client:other".into();
        refresh_leaf(books, 2);
        refresh_head(books);
    });
    assert!(audit(&world.store).await.is_ok(), "nothing inside the store shows it");
    let found = audit_with(&world.store, &options).await.unwrap_err();
    assert_names(&found, "shard 1, entries 1 to 14: they do not give the root in the checkpoint");
}

#[tokio::test]
async fn a_checkpoint_finds_a_tail_that_was_deleted_with_all_its_rows() {
    let world = world().await;
    let checkpoint = Some(Checkpoint::new(&audit(&world.store).await.unwrap()));
    // The last entry is a reservation: without it, its operation, its hold and its count, the books are right.
    world.store.with_raw(|state| {
        let books = &mut state.books[OUTLETS];
        books.entries.remove(&14);
        books.operations.remove(&world.submitted);
        let hold = books.holds.remove(&world.submitted).unwrap();
        let stock = books.accounts.get_mut(&hold.account).unwrap();
        stock.held -= hold.amount_minor;
        (stock.usage.count, stock.usage.amount_minor) =
            (stock.usage.count - 1, stock.usage.amount_minor - hold.amount_minor);
        books.head.recorded_at = books.entries[&13].entry.recorded_at;
        refresh_head(books);
    });
    assert!(audit(&world.store).await.is_ok(), "nothing inside the store shows it");
    let found = audit_with(&world.store, &Options { page: 5, checkpoint, ..Options::default() }).await.unwrap_err();
    assert_names(&found, "shard 1, entry 13: the journal ends here, but the checkpoint saw 14 entries");
}

/// Lets the business go on between the snapshot and the pages.
struct Live {
    store: MemoryStore,
    world: World,
    moved: std::sync::atomic::AtomicBool,
}

#[async_trait::async_trait]
impl AuditReader for Live {
    async fn snapshot(&self) -> Result<taabia::ports::Snapshot, taabia::ports::StoreError> {
        let snapshot = self.store.snapshot().await;
        if !self.moved.swap(true, std::sync::atomic::Ordering::SeqCst) {
            let mut scribe = Scribe::later(&self.store);
            scribe.resolve(self.world.in_doubt, Status::Completed).await;
            scribe.resolve(self.world.submitted, Status::Declined).await;
            scribe.allocate(self.world.outlet, 11).await;
            scribe.reserve(self.world.outlet, 22).await;
        }
        snapshot
    }

    async fn heads(&self) -> Result<Vec<taabia::ledger::Head>, taabia::ports::StoreError> {
        self.store.heads().await
    }

    async fn entries(
        &self,
        shard: Shard,
        after: i64,
        up_to: i64,
        limit: u32,
    ) -> Result<Vec<taabia::ports::AuditedEntry>, taabia::ports::StoreError> {
        self.store.entries(shard, after, up_to, limit).await
    }

    async fn clients(
        &self,
    ) -> Result<(Vec<taabia::domain::Record>, Vec<taabia::ports::Client>), taabia::ports::StoreError> {
        self.store.clients().await
    }

    async fn count_operations(&self, shard: Shard, up_to: i64) -> Result<i64, taabia::ports::StoreError> {
        self.store.count_operations(shard, up_to).await
    }

    async fn stray_operation(&self, shard: Shard, up_to: i64) -> Result<Option<String>, taabia::ports::StoreError> {
        self.store.stray_operation(shard, up_to).await
    }

    async fn case_numbers(
        &self,
        digests: &[taabia::domain::encoding::Hash],
    ) -> Result<Vec<(taabia::domain::encoding::Hash, taabia::domain::CaseNumbers)>, taabia::ports::StoreError> {
        self.store.case_numbers(digests).await
    }

    async fn stray_staff_action(&self, shard: Shard) -> Result<Option<String>, taabia::ports::StoreError> {
        self.store.stray_staff_action(shard).await
    }

    async fn stray_evidence(&self, shard: Shard) -> Result<Option<String>, taabia::ports::StoreError> {
        self.store.stray_evidence(shard).await
    }

    async fn runs(
        &self,
        shard: Shard,
        after: taabia::domain::OperationId,
        limit: u32,
    ) -> Result<Vec<taabia::domain::OperationId>, taabia::ports::StoreError> {
        self.store.runs(shard, after, limit).await
    }

    async fn settled_lines(
        &self,
        file: taabia::domain::SettlementId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<taabia::domain::SettledLine>, taabia::ports::StoreError> {
        self.store.settled_lines(file, after, limit).await
    }

    async fn lines_of_run(
        &self,
        run: taabia::domain::OperationId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<taabia::ports::LineState>, taabia::ports::StoreError> {
        self.store.lines_of_run(run, after, limit).await
    }

    async fn stray_posting(&self, shard: Shard, up_to: i64) -> Result<Option<String>, taabia::ports::StoreError> {
        self.store.stray_posting(shard, up_to).await
    }
}

#[tokio::test]
async fn a_live_store_is_verified_as_of_its_snapshot() {
    let world = world().await;
    let live = Live { store: world.store.clone(), world, moved: false.into() };
    let report = audit(&live).await.unwrap();
    assert_eq!((report.entries, report.holds), (17, 2));
    let again = audit(&live).await.unwrap();
    assert_eq!((again.entries, again.holds), (22, 1));
}

#[tokio::test]
async fn an_operation_without_an_entry_is_named_on_a_live_store_too() {
    let world = world().await;
    let id = OperationId::from_uuid(uuid::Uuid::from_u128(1));
    world.store.with_raw(|state| {
        let mut operation = state.books[0].operations[&world.issue].clone();
        (operation.id, operation.last_sequence) = (id, 2);
        state.books[OUTLETS].operations.insert(id, operation);
    });
    let live = Live { store: world.store.clone(), world, moved: false.into() };
    let found = audit(&live).await.unwrap_err();
    assert_names(&found, &format!("shard 1, operation iss_{}: no journal entry", id.uuid()));
}
