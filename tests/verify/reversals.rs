//! Reversals: what recharges, reversals and postings say of each other.

use taabia::domain::{Details, Operation};
use taabia::ledger::Evidence;
use taabia::ledger::command::ReversalEvidence;

use super::*;
use crate::reversals::{start, told};
use crate::support::in_memory_on;
use crate::support::world::World as Business;

/// A recharge of 20.00 of which 5.00 were taken back, in a store of one shard: store, recharge, reversal.
async fn partly_reversed() -> (MemoryStore, OperationId, OperationId) {
    let store = MemoryStore::new(1);
    let business = Business::new(in_memory_on(&store)).await;
    business.reseller("R", 10_000).await;
    let recharge = business.recharge("R", "a", 2_000).await.id;
    business.must(Business::resolve(recharge, Evidence::Applied)).await;
    let reversal = start(&business, "R", "r", recharge, Some(500)).await;
    told(&business, &reversal, ReversalEvidence::Reversed).await;
    business.close().await;
    (store, recharge, reversal.id)
}

fn details(operation: &mut Operation) -> &mut taabia::domain::Reversal {
    let Details::Reversal(reversal) = &mut operation.details else { panic!("a reversal") };
    reversal
}

#[tokio::test]
async fn an_edited_reversal_is_named() {
    type Edit = fn(&mut Operation);
    let edits: [Edit; 5] = [
        |operation| details(operation).reason = "another".into(),
        |operation| details(operation).asked_minor = None,
        |operation| details(operation).charging_reference = None,
        |operation| operation.amount_minor = 600,
        |operation| operation.status = Status::Declined,
    ];
    for (number, edit) in edits.into_iter().enumerate() {
        let (store, _, reversal) = partly_reversed().await;
        store.with_raw(|state| edit(state.books[0].operations.get_mut(&reversal).unwrap()));
        let found = audit(&store).await.unwrap_err();
        assert!(found.contains(&format!("rev_{}", reversal.uuid())), "{number}: {found}");
        assert!(found.contains("its row does not have the content"), "{number}: {found}");
    }
}

/// Edits a row, and its last entry with all hashes to fit, as a knowing hand would.
async fn forged(of_recharge: bool, edit: fn(&mut Operation)) -> String {
    let (store, recharge, reversal) = partly_reversed().await;
    let id = if of_recharge { recharge } else { reversal };
    store.with_raw(|state| {
        let books = &mut state.books[0];
        let operation = books.operations.get_mut(&id).unwrap();
        edit(operation);
        let (last, digest) = (operation.last_sequence, operation.digest());
        books.entries.get_mut(&last).unwrap().entry.digest = digest;
        refresh_leaf(books, last);
        refresh_head(books);
    });
    audit(&store).await.unwrap_err()
}

#[tokio::test]
async fn what_does_not_fit_the_postings_or_the_recharge_is_named() {
    let more = forged(false, |operation| operation.amount_minor = 600).await;
    assert!(more.contains("does not post what the reversal takes back"), "{more}");
    let said = forged(true, |operation| {
        let Details::Recharge(recharge) = &mut operation.details else { panic!("a recharge") };
        recharge.reversed_minor = 700;
    });
    let said = said.await;
    assert!(said.contains("it says that 200 more were taken back than its reversals say"), "{said}");
    let pending = forged(true, |operation| operation.status = Status::ReversalPending).await;
    assert!(pending.contains("has 1 more under way"), "{pending}");
}
