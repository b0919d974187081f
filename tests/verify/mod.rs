//! `verify` finds whatever was done to the books behind the program's back, and names the row.

use taabia::domain::{
    AccountClass, AccountNumber, Currency, Decline, OperationId, Posting, ResellerId, Shard, Status, Timestamp,
};
use taabia::ports::AuditReader;
use taabia::reports::verify::{Checkpoint, Options, Report, VerifyError, verify};
use taabia::simulator::MemoryStore;
use taabia::simulator::memory::{Books, State};

mod clients;
mod commission;
mod evidence;
mod journal;
mod later;
mod records;
mod reversals;
mod rows;
mod staff;

use crate::scribe::{Scribe, frontier};

const ISSUED: i64 = 1_000_000;
const SELLER: Shard = Shard::OPERATOR;

/// Two shards; an issue, two allocations, and a recharge in each state.
struct World {
    store: MemoryStore,
    completed: OperationId,
    declined: OperationId,
    submitted: OperationId,
    in_doubt: OperationId,
    issue: OperationId,
    outlet: ResellerId,
}

/// The shard where the resellers of [`World`] sell.
const OUTLETS: usize = 1;

async fn world() -> World {
    let store = MemoryStore::new(2);
    let mut scribe = Scribe::new(&store);
    let shard = Shard::new(1);
    let outlet = scribe.open_reseller(shard, "R1").await;
    let other = scribe.open_reseller(shard, "R2").await;
    let issue = scribe.issue(ISSUED).await;
    scribe.allocate(outlet, 100_000).await;
    scribe.allocate(other, 50_000).await;
    let completed = scribe.reserve(outlet, 2_000).await;
    let declined = scribe.reserve(outlet, 3_000).await;
    let in_doubt = scribe.reserve(outlet, 5_000).await;
    scribe.resolve(completed, Status::Completed).await;
    scribe.resolve(declined, Status::Declined).await;
    scribe.resolve(in_doubt, Status::InDoubt).await;
    let again = scribe.reserve(other, 700).await;
    scribe.resolve(again, Status::InDoubt).await;
    scribe.resolve(again, Status::Completed).await;
    let submitted = scribe.reserve(outlet, 1_000).await;
    World { store, completed, declined, submitted, in_doubt, issue, outlet }
}

async fn audit_with(store: &dyn AuditReader, options: &Options) -> Result<Report, String> {
    verify(store, options, &mut |_| {}).await.map_err(|error| error.to_string())
}

async fn audit(store: &dyn AuditReader) -> Result<Report, String> {
    // Small pages, so that several are read.
    audit_with(store, &Options { page: 3, checkpoint: None, ..Options::default() }).await
}

#[tokio::test]
async fn right_books_are_reported_with_their_totals_and_roots() {
    let world = world().await;
    let mut seen = Vec::new();
    let options = Options { page: 3, checkpoint: None, ..Options::default() };
    let report = verify(&world.store, &options, &mut |progress| seen.push(progress)).await.unwrap();
    assert_eq!((report.entries, report.operations, report.holds), (17, 8, 2));
    assert_eq!(report.total(AccountClass::Issued), i128::from(ISSUED));
    assert_eq!(report.total(AccountClass::Delivered), 2_700);
    assert_eq!(report.total(AccountClass::ResellerStock), 150_000 - 2_700);
    assert_eq!(report.notes, Vec::<String>::new());
    let roots: Vec<_> = report.shards.iter().map(|shard| shard.root).collect();
    let heads = world.store.snapshot().await.unwrap().heads;
    assert_eq!(roots, heads.iter().map(|head| head.frontier.root()).collect::<Vec<_>>());
    let last = seen.last().unwrap();
    assert_eq!((last.done, last.total), (17, 17));
    assert!(seen.is_sorted_by_key(|progress| progress.done));

    let text = report.text(Currency::MAD);
    assert!(text.contains("17 entries"), "{text}");
    assert!(text.contains("10000.00"), "{text}");
    assert!(text.contains(&hex::encode(roots[0])), "{text}");
}

#[tokio::test]
async fn empty_books_are_right() {
    let report = audit(&MemoryStore::new(4)).await.unwrap();
    assert_eq!((report.entries, report.shards.len()), (0, 4));
}

/// Tampers with the books of [`world`] and gives what verification says.
async fn finding(tamper: impl FnOnce(&mut State, &World)) -> String {
    let world = world().await;
    world.store.with_raw(|state| tamper(state, &world));
    audit(&world.store).await.expect_err("tampered books are not right")
}

fn assert_names(finding: &str, expected: &str) {
    assert!(finding.contains(expected), "expected {expected:?} in {finding:?}");
}

/// Gives an edited entry a leaf that fits it, as a knowing hand would.
fn refresh_leaf(books: &mut Books, sequence: i64) {
    let postings = books.postings.range((sequence, 0)..(sequence + 1, 0)).map(|(_, posting)| *posting).collect();
    let stored = books.entries.get_mut(&sequence).unwrap();
    let mut entry = stored.entry.clone();
    entry.postings = postings;
    stored.leaf = entry.leaf();
}

/// And the head a frontier that fits all leaves.
fn refresh_head(books: &mut Books) {
    books.head.frontier = frontier(books.entries.values().map(|stored| stored.leaf));
    books.head.sequence = books.head.frontier.size().try_into().unwrap();
}

#[tokio::test]
async fn half_a_movement_breaks_the_standing_equations() {
    // The whole second shard is put back to an older, in itself consistent state.
    let older = MemoryStore::new(2);
    Scribe::new(&older).open_reseller(Shard::new(1), "R1").await;
    let found = finding(|state, _| older.with_raw(|older| std::mem::swap(&mut state.books[1], &mut older.books[1])));
    assert_names(&found.await, "accounts airtime_in_transit: the sum over all shards is 150000, not zero");
}

#[tokio::test]
async fn a_missing_shard_is_named() {
    let found = finding(|state, _| {
        state.books.remove(0);
    });
    assert_names(&found.await, "shard 0, head: the shard has no head");
}

#[tokio::test]
async fn a_floor_that_moved_is_only_noted() {
    let store = MemoryStore::new(2);
    let mut scribe = Scribe::new(&store);
    let outlet = scribe.open_reseller(Shard::new(1), "R1").await;
    scribe.reserve(outlet, 100).await;
    let report = audit(&store).await.unwrap();
    assert_eq!(report.notes.len(), 1);
    assert_names(&report.notes[0], "account 1000 (reseller_stock): -100 available is below its floor of 0");
}

#[tokio::test]
async fn a_store_that_fails_is_not_an_offence() {
    let error: VerifyError = taabia::ports::StoreError::Unavailable("gone".into()).into();
    assert!(matches!(error, VerifyError::Store(_)));
    let error: VerifyError = taabia::ports::StoreError::Corrupt("entry 3 of shard 1: kind 99".into()).into();
    assert!(matches!(&error, VerifyError::Offending(_)));
    assert_names(&error.to_string(), "entry 3 of shard 1: kind 99");
}
