//! What does not match has an owner, an age, and an end that two persons agree on.

use std::sync::Arc;

use futures::future::join_all;
use taabia::domain::records::ReconciliationItem;
use taabia::domain::{
    AccountClass, ClientId, Decline, Item, ItemId, ItemResolution, Operation, Proposal, Resolution, Ruling, Shard,
    Status,
};
use taabia::ledger::command::{AssignItem, Expire};
use taabia::ledger::{Actor, Outcome, Refusal, Request};
use taabia::ports::LedgerError;
use taabia::ports::settlement::ItemStatus;
use taabia::reports::verify::{Options, verify};
use taabia::services::settlement::ItemFilter;
use taabia::simulator::memory::MemoryStore;

use super::{HEADING, Meanwhile, import, line, order, paid, services};
use crate::support::topups::Till;
use crate::support::world::{Books, CHECKER, MAKER, World};
use crate::support::{in_memory_on, must_verify, on_every_store};
use crate::topups::{till, total};

fn propose(till: &Till, key: &str, item: &Item, resolution: Resolution) -> Request {
    let asked = ItemResolution { item: item.clone(), resolution };
    till.world.propose(key, Proposal::Resolution(Box::new(asked)), item.amount_minor.abs())
}

async fn proposed(till: &Till, key: &str, item: &Item, resolution: Resolution) -> Arc<Operation> {
    till.world.must(propose(till, key, item, resolution)).await.operation().unwrap().clone()
}

async fn approved(till: &Till, operation: &Operation) -> Arc<Operation> {
    till.world.must(World::rule(operation, CHECKER, Ruling::Approve)).await.operation().unwrap().clone()
}

/// The items of lines, by the order of their lines.
async fn items(till: &Till, filter: ItemFilter) -> Vec<Item> {
    let services = services(till, till.world.nodes[0].clone());
    let (views, _) = services.items(&filter, None, 100).await.unwrap();
    views.into_iter().map(|view| view.item).collect()
}

async fn missing_there(till: &Till) -> Vec<Item> {
    let services = services(till, till.world.nodes[0].clone());
    let (views, _) = services.missing_there(&ItemFilter::default(), None, 100).await.unwrap();
    views.into_iter().map(|view| view.item).collect()
}

async fn suspense(till: &Till) -> [i64; 4] {
    let [a, b, c, d] = [
        AccountClass::MoneySuspense,
        AccountClass::AcquirerReceivable,
        AccountClass::MoneyWriteOffs,
        AccountClass::MoneyInTransit,
    ];
    [total(till, a).await, total(till, b).await, total(till, c).await, total(till, d).await]
}

/// Top-ups of 1,000.00 and 200.00 in two shards; of the second one the file has 190.00, and a payment of 70.00 and a
/// charge-back of 50.00 that nobody knows.
async fn unmatched(till: &Till) -> (Operation, Operation) {
    let [one, two] = [paid(till, "a", 100_000, "p1").await, paid(till, "b", 20_000, "p2").await];
    let text = [
        HEADING,
        &line(&order(&two), "p2", "payment", 19_000, 300),
        &line("", "x1", "payment", 7_000, 100),
        &line("", "x2", "chargeback", -5_000, 0),
    ]
    .concat();
    import(till, text.as_bytes()).await.unwrap();
    (one, two)
}

on_every_store!(what_is_settled_while_a_part_is_compared_is_settled_once, settled_meanwhile);
async fn settled_meanwhile(books: Books) {
    let till = Arc::new(till(books).await);
    let (one, two) = unmatched(&till).await;
    let three = paid(&till, "c", 30_000, "p3").await;
    let [differs, ..]: [Item; 3] = items(&till, ItemFilter::default()).await.try_into().unwrap();
    let wanted = proposed(&till, "match", &differs, Resolution::Match { topup: two.id }).await;
    // By hand and by another file, as the memory of the shard has it.
    let (here, first) = (till.clone(), [HEADING, &line(&order(&one), "p1", "payment", 100_000, 0)].concat());
    let by_others = async move {
        approved(&here, &wanted).await;
        import(&here, first.as_bytes()).await.unwrap();
    };
    let again = |operation: &Operation, reference: &str| {
        line(&order(operation), reference, "payment", operation.amount_minor, 0)
    };
    let text = [HEADING, &again(&two, "p2-again"), &again(&one, "p1"), &again(&one, "p1-again")].concat();
    let (actor, bank) = (Actor::from("operator:finance"), "bank".parse().unwrap());
    let slow = services(&till, Meanwhile::new(&till, by_others));
    let (file, _) = slow.import(&actor, &bank, super::file_of(text.as_bytes())).await.unwrap();
    assert_eq!((file.file.matched.count, file.file.duplicate.count), (0, 3));

    // By so many that memory has not all of it any more.
    let (here, first) = (till.clone(), again(&three, "p3"));
    let by_many = async move {
        for number in 0..10 {
            let text = [HEADING, &first, &line("", &format!("m{number}"), "payment", 100, 0)].concat();
            import(&here, text.as_bytes()).await.unwrap();
        }
    };
    let text = [HEADING, &again(&three, "p3"), &again(&three, "p3-again")].concat();
    let slow = services(&till, Meanwhile::new(&till, by_many));
    let (file, _) = slow.import(&actor, &bank, super::file_of(text.as_bytes())).await.unwrap();
    assert_eq!((file.file.matched.count, file.file.duplicate.count), (0, 2));
    assert_eq!(total(&till, AccountClass::AcquirerReceivable).await, 0);
    must_verify(&*till.world.books.audit).await;
}

on_every_store!(two_persons_resolve_what_does_not_match, resolved);
async fn resolved(books: Books) {
    let till = till(books).await;
    let (one, two) = unmatched(&till).await;
    assert_eq!(suspense(&till).await, [21_000, 120_000, 0, 0]);
    let [differs, unknown, charged]: [Item; 3] = items(&till, ItemFilter::default()).await.try_into().unwrap();

    let wanted = proposed(&till, "match", &differs, Resolution::Match { topup: two.id }).await;
    assert_eq!((wanted.status, wanted.amount_minor), (Status::PendingApproval, 19_000));
    assert_eq!(suspense(&till).await, [21_000, 120_000, 0, 0], "nothing moves before it is approved");
    for ruling in Ruling::ALL {
        let alone = till.world.execute(World::rule(&wanted, MAKER, ruling)).await;
        assert_eq!(alone, Err(LedgerError::Refused(Refusal::SamePerson)));
    }
    let done = approved(&till, &wanted).await;
    assert_eq!((done.status, done.decline), (Status::Approved, None));
    assert_eq!(*done, till.world.books.store.operation(done.id).await.unwrap().unwrap());
    // The top-up is settled in full; what the bank kept of it is written off.
    assert_eq!(suspense(&till).await, [2_000, 100_000, 1_000, 0]);
    let again = till.world.must(World::rule(&wanted, CHECKER, Ruling::Approve)).await;
    assert_eq!(again, Outcome::Replayed(done.clone()));
    assert_eq!(till.world.must(propose(&till, "match", &differs, Resolution::Match { topup: two.id })).await, again);

    // Neither a second resolution nor a file settles it again.
    let late = proposed(&till, "late", &differs, Resolution::WriteOff).await;
    assert_eq!((late.status, late.decline), (Status::Declined, Some(Decline::ItemChanged)));
    let other = proposed(&till, "other", &unknown, Resolution::Match { topup: two.id }).await;
    assert_eq!(other.decline, Some(Decline::ItemChanged));
    let text = [HEADING, &line(&order(&two), "p2-again", "payment", 20_000, 0)].concat();
    let (file, _) = import(&till, text.as_bytes()).await.unwrap();
    assert_eq!((file.file.matched.count, file.file.duplicate.count), (0, 1));

    for (key, item) in [("unknown", &unknown), ("charged", &charged)] {
        let operation = proposed(&till, key, item, Resolution::WriteOff).await;
        assert_eq!(approved(&till, &operation).await.status, Status::Approved);
    }
    assert_eq!(suspense(&till).await, [20_000, 100_000, -1_000, 0]);

    // What no file has: written off, then a late line of it is a duplicate.
    let [missing] = missing_there(&till).await.try_into().unwrap();
    assert_eq!(missing.id, ItemId::Topup(one.id));
    let operation = proposed(&till, "missing", &missing, Resolution::WriteOff).await;
    assert_eq!(approved(&till, &operation).await.status, Status::Approved);
    assert_eq!(suspense(&till).await, [20_000, 0, 99_000, 0]);
    assert!(missing_there(&till).await.is_empty());
    let text = [HEADING, &line(&order(&one), "p1", "payment", 100_000, 0)].concat();
    let (file, _) = import(&till, text.as_bytes()).await.unwrap();
    assert_eq!((file.file.matched.count, file.file.duplicate.count), (0, 1));
    assert_eq!(suspense(&till).await, [120_000, 0, 99_000, 0]);
    must_verify(&*till.world.books.audit).await;
}

on_every_store!(what_does_not_fit_is_declined_and_posts_nothing, unfit);
async fn unfit(books: Books) {
    let till = till(books).await;
    let (one, two) = unmatched(&till).await;
    let text = [HEADING, &line("", "x1", "payment", 7_000, 100)].concat();
    import(&till, text.as_bytes()).await.unwrap();
    let all = items(&till, ItemFilter::default()).await;
    let [differs, unknown, charged, repeated]: [Item; 4] = {
        let mut all = all;
        all.sort_by_key(|item| (item.amount_minor == 0, item.id));
        all.sort_by_key(|item| [19_000, 7_000, -5_000, 0].iter().position(|minor| *minor == item.amount_minor));
        all.try_into().unwrap()
    };
    let before = suspense(&till).await;
    let [missing, _]: [Item; 2] = missing_there(&till).await.try_into().unwrap();
    let refund = till.world.draw(Shard::OPERATOR);
    for (key, item, resolution) in [
        // Nothing of it stands in suspense.
        ("a", &repeated, Resolution::WriteOff),
        ("b", &repeated, Resolution::Match { topup: one.id }),
        // No such top-up; one is matched from the side of the line.
        ("c", &unknown, Resolution::Match { topup: refund }),
        ("d", &missing, Resolution::Match { topup: two.id }),
        ("e", &Item { amount_minor: 1, ..missing.clone() }, Resolution::WriteOff),
        ("f", &Item { acquirer: "other".into(), ..differs.clone() }, Resolution::Match { topup: two.id }),
    ] {
        let operation = proposed(&till, key, item, resolution).await;
        assert_eq!((operation.status, operation.decline), (Status::Declined, Some(Decline::UnfitResolution)), "{key}");
    }
    assert_eq!(suspense(&till).await, before);
    // What the other side is to correct stays where it is, and so does what is refused or expires.
    for (key, item) in [("g", &repeated), ("h", &charged)] {
        let operation = proposed(&till, key, item, Resolution::PeerCorrects).await;
        assert_eq!(approved(&till, &operation).await.status, Status::Approved);
    }
    let no = proposed(&till, "no", &unknown, Resolution::WriteOff).await;
    let no = till.world.must(World::rule(&no, CHECKER, Ruling::Refuse)).await;
    assert_eq!(no.operation().unwrap().status, Status::Refused);
    let slow = proposed(&till, "slow", &unknown, Resolution::WriteOff).await;
    till.world.clock.advance_ms(86_400_000);
    let late = till.world.execute(World::rule(&slow, CHECKER, Ruling::Approve)).await;
    assert_eq!(late, Err(LedgerError::Refused(Refusal::ApprovalExpired)));
    till.world.must(Request::Expire(Expire { operation: slow.id })).await;
    assert_eq!(suspense(&till).await, before);
    let open = ItemFilter { status: Some(ItemStatus::Open), ..ItemFilter::default() };
    let resolved = ItemFilter { status: Some(ItemStatus::Resolved), ..ItemFilter::default() };
    assert_eq!((items(&till, open).await.len(), items(&till, resolved).await.len()), (2, 2));
    must_verify(&*till.world.books.audit).await;
}

on_every_store!(an_item_has_an_owner_and_an_age, owned);
async fn owned(books: Books) {
    let till = till(books).await;
    unmatched(&till).await;
    till.world.clock.advance_ms(5 * 86_400_000);
    let [differs, unknown, _]: [Item; 3] = items(&till, ItemFilter::default()).await.try_into().unwrap();
    let assign = |item: &Item, owner| Request::AssignItem(AssignItem { item: item.clone(), owner });
    let entries = async || super::entries(&till).await;
    till.world.must(assign(&differs, MAKER)).await;
    let written = entries().await;
    till.world.must(assign(&differs, MAKER)).await;
    assert_eq!(entries().await, written, "the same again writes nothing");
    till.world.must(assign(&differs, CHECKER)).await;
    let by = async |owner: ClientId| items(&till, ItemFilter { owner: Some(owner), ..ItemFilter::default() }).await;
    assert_eq!((by(MAKER).await.len(), by(CHECKER).await), (0, vec![differs.clone()]));
    let aged = async |min_age_days| items(&till, ItemFilter { min_age_days, ..ItemFilter::default() }).await.len();
    let services = services(&till, till.world.nodes[0].clone());
    let view = services.item(differs.id).await.unwrap();
    let age = u32::try_from(view.age_days).unwrap();
    assert_eq!((aged(age).await, aged(age + 1).await), (3, 0));

    let operation = proposed(&till, "w", &differs, Resolution::WriteOff).await;
    let waits = ItemFilter { status: Some(ItemStatus::Proposed), ..ItemFilter::default() };
    assert_eq!(items(&till, waits).await, std::slice::from_ref(&differs));
    assert_eq!(services.item(differs.id).await.unwrap().status, ItemStatus::Proposed);
    approved(&till, &operation).await;
    let view = services.item(differs.id).await.unwrap();
    assert_eq!((view.status, view.record.unwrap().proposal()), (ItemStatus::Resolved, Some(operation.id)));
    let late = till.world.execute(assign(&differs, MAKER)).await;
    assert_eq!(late, Err(LedgerError::Refused(Refusal::DecidedAlready { status: Status::Approved })));
    assert!(services.item(ItemId::Line { file: file_of(&unknown), number: 99 }).await.is_err());
    must_verify(&*till.world.books.audit).await;
}

fn file_of(item: &Item) -> taabia::domain::SettlementId {
    match item.id {
        ItemId::Line { file, .. } => file,
        ItemId::Topup(_) => panic!("it is a line"),
    }
}

on_every_store!(of_many_resolutions_at_once_one_takes_effect, raced);
async fn raced(books: Books) {
    let till = till(books).await;
    let (one, two) = unmatched(&till).await;
    let [differs, unknown, _]: [Item; 3] = items(&till, ItemFilter::default()).await.try_into().unwrap();
    let mut waiting = Vec::new();
    for (key, item, resolution) in [
        ("a", &differs, Resolution::WriteOff),
        ("b", &differs, Resolution::Match { topup: one.id }),
        ("c", &differs, Resolution::Match { topup: two.id }),
        ("d", &unknown, Resolution::Match { topup: one.id }),
        ("e", &unknown, Resolution::Match { topup: two.id }),
    ] {
        waiting.push(proposed(&till, key, item, resolution).await);
    }
    // A file settles the first top-up at the same time.
    let text = [HEADING, &line(&order(&one), "p1", "payment", 100_000, 0)].concat();
    let rulings =
        waiting.iter().flat_map(|operation| [operation, operation]).map(|operation| approved(&till, operation));
    let (file, _) = futures::join!(import(&till, text.as_bytes()), join_all(rulings));
    file.unwrap();
    let mut ended = Vec::new();
    for operation in &waiting {
        ended.push(till.world.books.store.operation(operation.id).await.unwrap().unwrap());
    }
    let took = |keys: &[usize]| keys.iter().filter(|at| ended[**at].status == Status::Approved).count();
    assert_eq!(took(&[0, 1, 2]), 1);
    assert!(took(&[3, 4]) <= 1 && took(&[1, 3]) <= 1 && took(&[2, 4]) <= 1);
    assert!(ended.iter().all(|it| it.status == Status::Approved || it.decline == Some(Decline::ItemChanged)));
    let [_, receivable, _, transit] = suspense(&till).await;
    let settled_two = i64::try_from(took(&[2, 4])).unwrap();
    assert_eq!((receivable, transit), (20_000 - 20_000 * settled_two, 0));
    must_verify(&*till.world.books.audit).await;
}

#[tokio::test]
async fn an_item_that_was_changed_is_found() {
    let tampers: [fn(&mut ReconciliationItem); 3] =
        [|item| item.owner = None, |item| item.settled = true, |item| item.resolved = None];
    for tamper in tampers {
        let store = MemoryStore::new(4);
        let till = till(in_memory_on(&store)).await;
        unmatched(&till).await;
        let [differs, ..]: [Item; 3] = items(&till, ItemFilter::default()).await.try_into().unwrap();
        till.world.must(Request::AssignItem(AssignItem { item: differs.clone(), owner: MAKER })).await;
        let operation = proposed(&till, "w", &differs, Resolution::WriteOff).await;
        approved(&till, &operation).await;
        must_verify(&*till.world.books.audit).await;
        store.with_raw(|state| {
            let record = state.books[0].records.get_mut(&differs.id.key()).unwrap();
            let mut body = record.body::<ReconciliationItem>().unwrap().clone();
            tamper(&mut body);
            *record = taabia::domain::Record::new(differs.id.key(), record.version(), body.into());
        });
        verify(&*till.world.books.audit, &Options::default(), &mut |_| {}).await.unwrap_err();
    }
}
