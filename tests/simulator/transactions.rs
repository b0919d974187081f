//! Locks, visibility, claims and constraints.

use super::*;

#[tokio::test]
async fn what_is_written_shows_at_commit_only() {
    let store = MemoryStore::new(2);
    let mut session = store.session().await.unwrap();
    write(&mut *session, BALANCE).await.unwrap();
    let wants = Wants { system_accounts: vec![ZERO], ..Wants::default() };
    let issued = session.load(&wants).await.unwrap().accounts[0].1;
    assert_eq!((issued.class, issued.posted), (AccountClass::Issued, BALANCE), "a transaction sees its own rows");
    assert_eq!(balance(&store), 0);
    session.rollback().await.unwrap();
    assert_eq!(balance(&store), 0);

    write(&mut *session, BALANCE).await.unwrap();
    drop(session);
    assert_eq!(balance(&store), 0, "a dropped session leaves nothing");

    let mut session = store.session().await.unwrap();
    write(&mut *session, BALANCE).await.unwrap();
    session.commit().await.unwrap();
    assert_eq!(balance(&store), BALANCE);
    assert_eq!(session.lock(&[ZERO]).await.unwrap()[0].version, 1, "the session is ready for another transaction");
}

#[tokio::test(start_paused = true)]
async fn a_lock_waits_for_every_session_that_holds_one_of_the_shards() {
    let store = MemoryStore::new(3);
    let (one, two) = (Shard::new(1), Shard::new(2));
    let mut first = store.session().await.unwrap();
    let mut second = store.session().await.unwrap();
    let heads = first.lock(&[two, one]).await.unwrap();
    assert_eq!(heads.iter().map(|head| head.shard).collect::<Vec<_>>(), [one, two]);
    second.lock(&[ZERO]).await.unwrap();
    second.rollback().await.unwrap();

    let waiting = tokio::spawn(async move {
        second.lock(&[ZERO, two]).await.unwrap();
        second
    });
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(!waiting.is_finished());
    first.commit().await.unwrap();
    let mut second = waiting.await.unwrap();

    // A lock that is no longer waited for leaves nothing locked.
    let wait = tokio::time::timeout(Duration::from_secs(1), first.lock(&[one, two])).await;
    assert!(wait.is_err());
    second.rollback().await.unwrap();
    second.lock(&[one]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_lock_crosswise_never_stall_and_lose_no_update() {
    let store = MemoryStore::new(4);
    let tasks = (0..8_u8).map(|task| {
        let store = store.clone();
        tokio::spawn(async move {
            for round in 0..80_u8 {
                let mut session = store.session().await.unwrap();
                let shards = [Shard::new((task + round) % 4), Shard::new((task + 3 * round + 1) % 4)];
                let heads = session.lock(&shards).await.unwrap();
                tokio::task::yield_now().await;
                session.persist(&heads.iter().map(changes).collect::<Vec<_>>()).await.unwrap();
                session.commit().await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let expected: i64 = (0..8_u16)
        .flat_map(|task| {
            (0..80_u16).map(move |round| if (task + round) % 4 == (task + 3 * round + 1) % 4 { 1 } else { 2 })
        })
        .sum();
    let versions: i64 = store.with_raw(|state| state.books.iter().map(|books| books.head.version).sum());
    assert_eq!(versions, expected);
}

type Break<'a> = Box<dyn Fn(&mut Changes) + 'a>;

#[tokio::test]
async fn what_no_database_would_take_is_refused_and_aborts_the_transaction() {
    let store = MemoryStore::new(2);
    let mut scribe = Scribe::new(&store);
    let outlet = scribe.open_reseller(ZERO, "R1").await;
    scribe.issue(1_000).await;
    let open = scribe.reserve(outlet, 10).await;
    let rows = |state: &mut taabia::simulator::memory::State| {
        let books = &state.books[0];
        (books.entries[&1].entry.clone(), books.operations[&open].clone(), books.holds[&open])
    };
    let (entry, operation, hold) = store.with_raw(rows);
    let unknown = OperationId::from_uuid(uuid::Uuid::nil());
    let stock = store.stock(ZERO, outlet).await.unwrap().unwrap();
    let mut negative = stock;
    negative.held = -1;
    let mut nobody = stock;
    nobody.number = AccountNumber(5_000);
    let mut other = operation.clone();
    other.id = unknown;
    let taken_code = registration(reseller_in(ZERO, 2, 99), "R1");
    let mut orphan = registration(reseller_in(ZERO, 2, 99), "R9");
    orphan.parent = Some(reseller_in(ZERO, 2, 98));

    let breaks: Vec<(&str, Break<'_>)> = vec![
        ("does not follow", Box::new(|changes| changes.head.version += 1)),
        ("does not follow", Box::new(|changes| changes.entries.push(entry.clone().into()))),
        ("does not stand at the last entry", Box::new(|changes| changes.head.sequence += 1)),
        ("exists", Box::new(|changes| changes.new_accounts.push(stock))),
        ("account 5000 does not exist", Box::new(|changes| changes.updated_accounts.push(nobody))),
        ("negative hold", Box::new(|changes| changes.updated_accounts.push(negative))),
        ("exists", Box::new(|changes| changes.new_operations.push(operation.clone()))),
        ("does not exist", Box::new(|changes| changes.updated_operations.push(other.clone()))),
        ("exists or is empty", Box::new(|changes| changes.placed_holds.push(hold))),
        ("does not exist", Box::new(|changes| changes.removed_holds.push(unknown))),
        ("code R1 is taken", Box::new(|changes| changes.registrations.push(taken_code.clone()))),
        ("is not registered", Box::new(|changes| changes.registrations.push(orphan.clone()))),
        ("is not locked", Box::new(|changes| changes.head.shard = Shard::new(1))),
    ];
    let mut session = store.session().await.unwrap();
    for (expected, break_it) in &breaks {
        let heads = session.lock(&[ZERO]).await.unwrap();
        let mut broken = changes(&heads[0]);
        break_it(&mut broken);
        is_refused(session.persist(&[broken]).await, expected);
        is_refused(session.load(&Wants::default()).await, "aborted");
        is_refused(session.commit().await, "aborted");
        session.rollback().await.unwrap();
    }
    is_refused(session.commit().await, "no transaction is open");

    let heads = session.lock(&[ZERO]).await.unwrap();
    let nul = Changes { registrations: vec![registration(outlet, "R\0")], ..changes(&heads[0]) };
    is_refused(session.persist(&[nul]).await, "NUL");
    drop(session);
    verify(&store, &Options::default(), &mut |_| {}).await.unwrap();
}

#[tokio::test]
async fn two_shards_cannot_write_one_code() {
    let store = MemoryStore::new(2);
    let mut sessions = Vec::new();
    let mut written = Vec::new();
    for shard in [ZERO, Shard::new(1)] {
        let mut session = store.session().await.unwrap();
        let heads = session.lock(&[shard]).await.unwrap();
        let registrations = vec![registration(reseller_in(shard, 2, 1), "R1")];
        written.push(session.persist(&[Changes { registrations, ..changes(&heads[0]) }]).await);
        sessions.push(session);
    }
    assert_eq!(written[0], Ok(()));
    assert!(matches!(written[1], Err(StoreError::Conflict(_))));
    // The first gives up: the code is free again.
    sessions.remove(0);
    sessions[0].rollback().await.unwrap();
    let heads = sessions[0].lock(&[ZERO]).await.unwrap();
    let registrations = vec![registration(reseller_in(ZERO, 2, 1), "R1")];
    sessions[0].persist(&[Changes { registrations, ..changes(&heads[0]) }]).await.unwrap();
    sessions[0].commit().await.unwrap();
    assert_eq!(store.reseller_by_code("R1").await.unwrap().unwrap().id, reseller_in(ZERO, 2, 1));
}
