//! The journal and its head.

use super::*;

#[tokio::test]
async fn a_deleted_tail_is_named() {
    let found = finding(|state, _| {
        state.books[OUTLETS].entries.retain(|sequence, _| *sequence <= 9);
        state.books[OUTLETS].postings.retain(|(sequence, _), _| *sequence <= 9);
    });
    assert_names(&found.await, "shard 1, entry 10: it is missing, and so is all after it up to 14");
}

#[tokio::test]
async fn a_deleted_entry_is_named() {
    let found = finding(|state, _| {
        state.books[OUTLETS].entries.remove(&5);
    });
    assert_names(&found.await, "shard 1, entry 5: it is missing: the next one is entry 6");
}

#[tokio::test]
async fn an_edited_entry_is_named() {
    let found = finding(|state, _| {
        state.books[OUTLETS].entries.get_mut(&5).unwrap().entry.actor = "client:other".into();
    });
    assert_names(&found.await, "shard 1, entry 5: it does not give its stored leaf");
    let found = finding(|state, _| {
        state.books[OUTLETS].entries.get_mut(&6).unwrap().leaf[0] ^= 1;
    });
    assert_names(&found.await, "shard 1, entry 6: it does not give its stored leaf");
}

#[tokio::test]
async fn an_entry_edited_together_with_its_leaf_is_narrowed_down() {
    let found = finding(|state, _| {
        let books = &mut state.books[OUTLETS];
        books.entries.get_mut(&10).unwrap().entry.actor = "client:other".into();
        refresh_leaf(books, 10);
    });
    // 14 entries are subtrees of 8, 4 and 2.
    assert_names(&found.await, "shard 1, entries 9 to 12: they do not give the hash in the head");
}

#[tokio::test]
async fn an_edited_head_is_named() {
    let found = finding(|state, _| {
        let head = &mut state.books[OUTLETS].head;
        head.frontier = frontier((0..head.sequence).map(|_| [9; 32]));
    });
    assert_names(&found.await, "shard 1, entries 1 to 8");
    let found = finding(|state, _| state.books[OUTLETS].head.sequence = 13);
    assert_names(&found.await, "shard 1, head: its Merkle log and its sequence");
    let found = finding(|state, _| state.books[OUTLETS].head.recorded_at = Timestamp::EPOCH);
    assert_names(&found.await, "shard 1, head: it says 1970");
}

#[tokio::test]
async fn two_reordered_entries_are_named() {
    let swap = |books: &mut Books| {
        for (from, to) in [(4, 0), (5, 4), (0, 5)] {
            let mut stored = books.entries.remove(&from).unwrap();
            stored.entry.sequence = to;
            books.entries.insert(to, stored);
        }
    };
    let found = finding(|state, _| swap(&mut state.books[OUTLETS]));
    assert_names(&found.await, "shard 1, entry 4: it does not give its stored leaf");
    let found = finding(|state, _| {
        let books = &mut state.books[OUTLETS];
        swap(books);
        refresh_leaf(books, 4);
        refresh_leaf(books, 5);
        refresh_head(books);
    });
    assert_names(&found.await, "shard 1, entry 5: recorded at 2026-11-22T08:00:0");
}

#[tokio::test]
async fn a_backdated_entry_is_named() {
    let backdate = |books: &mut Books| {
        let recorded_at = &mut books.entries.get_mut(&7).unwrap().entry.recorded_at;
        *recorded_at = Timestamp::from_unix_ms(recorded_at.unix_ms() - 86_400_000);
    };
    let found = finding(|state, _| backdate(&mut state.books[OUTLETS]));
    assert_names(&found.await, "shard 1, entry 7: it does not give its stored leaf");
    let found = finding(|state, _| {
        backdate(&mut state.books[OUTLETS]);
        refresh_leaf(&mut state.books[OUTLETS], 7);
        refresh_head(&mut state.books[OUTLETS]);
    });
    assert_names(&found.await, "shard 1, entry 7: recorded at 2026-11-21");
}

/// Edits the posting of an entry and hides the edit from the log.
async fn finding_in_posting(edit: impl FnOnce(&mut Posting)) -> String {
    finding(|state, _| {
        let books = &mut state.books[OUTLETS];
        edit(books.postings.get_mut(&(3, 0)).unwrap());
        refresh_leaf(books, 3);
        refresh_head(books);
    })
    .await
}

#[tokio::test]
async fn an_edited_posting_is_named() {
    let found = finding(|state, _| {
        state.books[OUTLETS].postings.get_mut(&(3, 0)).unwrap().amount_minor += 1;
    });
    assert_names(&found.await, "shard 1, entry 3: it does not give its stored leaf");
    let posting = "shard 1, posting 0 of entry 3: ";
    let found = finding_in_posting(|posting| posting.amount_minor += 1).await;
    assert_names(&found, &format!("{posting}it states -100000 as the balance of account 7 (airtime_in_transit)"));
    let found = finding_in_posting(|posting| posting.amount_minor = -1).await;
    assert_names(&found, &format!("{posting}it moves no positive amount"));
    let found = finding_in_posting(|posting| posting.credit = posting.debit).await;
    assert_names(&found, &format!("{posting}it moves no positive amount"));
    let found = finding_in_posting(|posting| posting.credit_after += 1).await;
    assert_names(&found, &format!("{posting}it states 100001 as the balance of account 1000 (reseller_stock)"));
    let found = finding_in_posting(|posting| posting.credit = AccountNumber(1_777)).await;
    assert_names(&found, &format!("{posting}its account 1777 does not exist"));
    let found = finding_in_posting(|posting| posting.debit = AccountClass::StockSales.system_account()).await;
    assert_names(&found, &format!("{posting}its account 9 (stock_sales) is of another asset"));
}

#[tokio::test]
async fn a_deleted_or_stray_posting_is_named() {
    let found = finding(|state, _| {
        state.books[OUTLETS].postings.remove(&(3, 0));
    });
    assert_names(&found.await, "shard 1, entry 3: it does not give its stored leaf");
    let found = finding(|state, _| {
        let posting = state.books[OUTLETS].postings[&(3, 0)];
        state.books[OUTLETS].postings.insert((0, 0), posting);
    });
    assert_names(&found.await, "shard 1, posting 0 of entry 0: its entry does not exist");
}

#[tokio::test]
async fn an_entry_above_the_head_is_named() {
    let found = finding(|state, _| {
        let mut stored = state.books[OUTLETS].entries[&14].clone();
        stored.entry.sequence = 15;
        state.books[OUTLETS].entries.insert(15, stored);
    });
    assert_names(&found.await, "shard 1, entry 15: it stands above the head of its shard");
}
