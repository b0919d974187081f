//! Commissions.

use super::*;

/// Edits the row of the completed recharge, and its entry with all hashes to fit, as a knowing hand would.
async fn forged(edit: fn(&mut taabia::domain::Operation), last: i64) -> String {
    finding(|state, world| {
        let books = &mut state.books[OUTLETS];
        let operation = books.operations.get_mut(&world.completed).unwrap();
        edit(operation);
        assert_eq!(operation.last_sequence, last);
        let digest = operation.digest();
        books.entries.get_mut(&last).unwrap().entry.digest = digest;
        refresh_leaf(books, last);
        refresh_head(books);
    })
    .await
}

#[tokio::test]
async fn a_commission_that_was_agreed_and_not_posted_is_named() {
    let found = forged(
        |operation| {
            let taabia::domain::Details::Recharge(recharge) = &mut operation.details else { panic!("a recharge") };
            recharge.terms = "1:0s0>1000=60".parse().unwrap();
        },
        8,
    );
    assert_names(&found.await, "entry 8 does not post the commissions of its terms 1:0s0>1000=60");
}

#[tokio::test]
async fn terms_that_were_edited_are_named() {
    let found = finding(|state, world| {
        let operation = state.books[OUTLETS].operations.get_mut(&world.completed).unwrap();
        let taabia::domain::Details::Recharge(recharge) = &mut operation.details else { panic!("a recharge") };
        recharge.terms.catalogue = 9;
    });
    assert_names(&found.await, "its row does not have the content that entry 8 recorded");
}
