//! Injected faults.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_scripted_commit_is_applied_and_its_answer_lost() {
    for (fault, applied) in [(Fault::LostApplied, true), (Fault::LostNotApplied, false)] {
        for delay_up_to_ms in [0, 5_000] {
            let store = MemoryStore::new(1);
            let faulty = FaultyStore::new(
                std::sync::Arc::new(store.clone()),
                1,
                FaultRates { delay_up_to_ms, ..FaultRates::default() },
            );
            faulty.script(Point::Commit, 2, fault);
            let mut session = faulty.session().await.unwrap();
            write(&mut *session, 1).await.unwrap();
            session.commit().await.unwrap();
            write(&mut *session, BALANCE).await.unwrap();
            assert!(matches!(session.commit().await, Err(StoreError::CommitUnknown(_))));
            assert!(matches!(session.lock(&[ZERO]).await, Err(StoreError::Unavailable(_))), "the session is gone");
            // A new connection's lock waits for the orphan, then sees what became of it.
            let mut session = faulty.session().await.unwrap();
            let heads = session.lock(&[ZERO]).await.unwrap();
            assert_eq!((balance(&store), heads[0].version), if applied { (BALANCE, 2) } else { (1, 1) });
            assert_eq!(faulty.struck(Point::Commit, fault), 1);
        }
    }
}

#[tokio::test]
async fn a_refused_statement_leaves_the_session_usable_and_a_broken_one_does_not() {
    let store = MemoryStore::new(1);
    let faulty = FaultyStore::new(std::sync::Arc::new(store.clone()), 1, FaultRates::default());
    faulty.script(Point::Persist, 1, Fault::Refused);
    faulty.script(Point::Lock, 2, Fault::Conflict);
    faulty.script(Point::Load, 1, Fault::Unavailable);
    let mut session = faulty.session().await.unwrap();
    is_refused(write(&mut *session, BALANCE).await, "injected");
    is_refused(session.commit().await, "aborted");
    session.rollback().await.unwrap();
    assert!(matches!(session.lock(&[ZERO]).await, Err(StoreError::Conflict(_))));
    session.rollback().await.unwrap();
    session.lock(&[ZERO]).await.unwrap();
    assert!(matches!(session.load(&Wants::default()).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(session.rollback().await, Err(StoreError::Unavailable(_))));
    let mut fresh = faulty.session().await.unwrap();
    write(&mut *fresh, BALANCE).await.unwrap();
    fresh.commit().await.unwrap();
    assert_eq!(balance(&store), BALANCE, "a broken session holds no lock");
}

/// A thousand transactions under faults of every kind: how each ended.
async fn storm(seed: u64) -> (Vec<&'static str>, i64) {
    let rates = FaultRates {
        session_unavailable_permille: 30,
        lock_conflict_permille: 30,
        unavailable_permille: 30,
        refused_permille: 30,
        commit_lost_applied_permille: 30,
        commit_lost_not_applied_permille: 30,
        read_unavailable_permille: 500,
        delay_permille: 100,
        delay_up_to_ms: 50,
    };
    let store = MemoryStore::new(1);
    let faulty = FaultyStore::new(std::sync::Arc::new(store.clone()), seed, rates);
    let mut ends = Vec::new();
    for _ in 0..1_000 {
        let attempt = async {
            let mut session = faulty.session().await?;
            write(&mut *session, BALANCE).await?;
            session.commit().await
        };
        ends.push(match attempt.await {
            Ok(()) => "ok",
            Err(StoreError::Unavailable(_)) => "unavailable",
            Err(StoreError::Conflict(_)) => "conflict",
            Err(StoreError::Refused(_)) => "refused",
            Err(StoreError::CommitUnknown(_)) => "unknown",
            Err(StoreError::KeyTaken(_)) => "key taken",
            Err(StoreError::Stale(_)) => "stale",
            Err(StoreError::Corrupt(_)) => "corrupt",
        });
    }
    faulty.end_faults();
    let mut session = faulty.session().await.unwrap();
    let version = session.lock(&[ZERO]).await.unwrap()[0].version;
    for _ in 0..100 {
        faulty.check().await.unwrap();
    }
    let count = |end| i64::try_from(ends.iter().filter(|known| **known == end).count()).unwrap();
    let applied = i64::try_from(faulty.struck(Point::Commit, Fault::LostApplied)).unwrap();
    assert_eq!(version, count("ok") + applied, "a commit takes effect exactly when it says so or its answer is lost");
    for end in ["unavailable", "conflict", "refused", "unknown"] {
        assert!(count(end) > 0, "{end}");
    }
    (ends, version)
}

#[tokio::test(start_paused = true)]
async fn faults_are_drawn_from_the_seed() {
    let first = storm(42).await;
    assert_eq!(storm(42).await, first);
    assert_ne!(storm(43).await.0, first.0);
}
