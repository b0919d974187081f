//! What a poster learns when the database fails it.

use sqlx::{Connection, PgConnection};
use taabia::ports::{StoreError, Wants};

use super::samples::{changes, head, session, shard};
use crate::support::database::{Database, on_both};

/// Ends every connection that stands in a transaction, as an administrator would.
async fn end_transactions(db: &Database) {
    let mut owner = PgConnection::connect(&db.url).await.unwrap();
    let ended: Vec<bool> = sqlx::query_scalar(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
         WHERE datname = current_database() AND state = 'idle in transaction'",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert_eq!(ended, [true]);
}

#[tokio::test]
async fn a_connection_that_ended_is_unavailable() {
    let db = Database::postgres().await;
    let mut session = session(&db).await;
    session.lock(&[shard(1)]).await.unwrap();
    end_transactions(&db).await;
    let wants = Wants { system_accounts: vec![shard(1)], ..Wants::default() };
    let failed = session.load(&wants).await.map(|_| ());
    assert!(matches!(failed, Err(StoreError::Unavailable(_))), "{failed:?}");
    assert!(session.rollback().await.is_err());
}

#[tokio::test]
async fn a_commit_that_is_not_answered_is_unknown() {
    let db = Database::postgres().await;
    let mut session = session(&db).await;
    let heads = session.lock(&[shard(1)]).await.unwrap();
    session.persist(&[changes(&heads[0])]).await.unwrap();
    end_transactions(&db).await;
    let failed = session.commit().await;
    assert!(matches!(failed, Err(StoreError::CommitUnknown(_))), "{failed:?}");
    drop(session);
    // Another connection takes the lock, which waits for the orphan, and sees what became of it.
    assert_eq!(head(&db, shard(1)).await.version, 0);
}

on_both! {
    async fn a_lock_that_takes_too_long_is_a_conflict(db: &Database) {
        let mut holder = session(db).await;
        holder.lock(&[shard(1)]).await.unwrap();
        let mut other = session(db).await;
        let waited = other.lock(&[shard(1)]).await.map(|_| ());
        assert!(matches!(waited, Err(StoreError::Conflict(_))), "{waited:?}");
        other.rollback().await.unwrap();
        holder.rollback().await.unwrap();
        other.lock(&[shard(1)]).await.unwrap();
        other.rollback().await.unwrap();
    }

    async fn reads_go_on_while_a_poster_writes(db: &Database) {
        let mut poster = session(db).await;
        let heads = poster.lock(&[shard(1)]).await.unwrap();
        poster.persist(&[changes(&heads[0])]).await.unwrap();
        let snapshot = db.storage.audit.snapshot().await.unwrap();
        assert_eq!(snapshot.heads[1].version, 0);
        poster.commit().await.unwrap();
        assert_eq!(db.storage.audit.snapshot().await.unwrap().heads[1].version, 1);
    }
}
