//! The journal is append-only, and its codes are those of the program.

use std::collections::BTreeSet;

use taabia::domain::account::CHART;
use taabia::domain::{
    Asset, Channel, Currency, Effect, EntryKind, EvidenceKind, OperationKind, RecordKind, Status, Via,
};
use uuid::Uuid;

use super::samples::{append, changes, head, posting, session, shard, write};
use crate::support::database::{Database, on_both};

on_both! {
    async fn no_statement_changes_the_journal(db: &Database) {
        write(db, shard(1), |changes| {
            append(changes, EntryKind::StockIssued, Uuid::nil(), [1; 32], vec![posting(1, 2, 3)]);
        })
        .await;
        for statement in [
            "UPDATE entry SET actor = 'x'",
            "DELETE FROM entry",
            "UPDATE posting SET amount_minor = 1",
            "DELETE FROM posting",
        ] {
            assert!(db.by_hand(statement).await.is_err(), "{statement}");
        }
        if db.is_postgres() {
            for statement in ["TRUNCATE entry", "TRUNCATE posting", "TRUNCATE entry, posting"] {
                assert!(db.by_hand(statement).await.is_err(), "{statement}");
            }
        }
        let entries = db.storage.audit.entries(shard(1), 0, 1, 10).await.unwrap();
        assert_eq!(entries[0].entry.postings, [posting(1, 2, 3)]);
    }

    async fn a_line_that_moves_nothing_is_written_nowhere(db: &Database) {
        let before = head(db, shard(1)).await;
        let mut session = session(db).await;
        for lines in [1, 2, 4, 5] {
            for (wrong, unsound) in (0..lines).flat_map(|line| [(line, posting(1, 1, 3)), (line, posting(1, 2, 0))]) {
                let mut postings = vec![posting(1, 2, 3); lines];
                postings[wrong] = unsound;
                let mut batch = changes(&before);
                append(&mut batch, EntryKind::StockIssued, Uuid::nil(), [1; 32], postings);
                session.post(&[batch]).await.unwrap_err();
            }
            let mut batch = changes(&head(db, shard(1)).await);
            append(&mut batch, EntryKind::StockIssued, Uuid::nil(), [1; 32], vec![posting(1, 2, 3); lines]);
            session.post(&[batch]).await.unwrap();
            let at = head(db, shard(1)).await.sequence;
            let entries = db.storage.audit.entries(shard(1), at - 1, at, 10).await.unwrap();
            assert_eq!(entries[0].entry.postings, vec![posting(1, 2, 3); lines]);
        }
    }

    async fn the_leaf_of_an_entry_is_read_under_the_lock(db: &Database) {
        let mut leaf = None;
        write(db, shard(1), |changes| {
            leaf = Some(append(changes, EntryKind::StockIssued, Uuid::nil(), [1; 32], vec![]));
        })
        .await;
        let mut session = session(db).await;
        session.lock(&[shard(1)]).await.unwrap();
        assert_eq!(session.leaf(shard(1), 1).await.unwrap(), leaf);
        assert_eq!(session.leaf(shard(1), 2).await.unwrap(), None);
        assert_eq!(session.leaf(shard(2), 1).await.unwrap(), None);
        session.rollback().await.unwrap();
    }

    async fn the_table_of_codes_says_what_the_program_says(db: &Database) {
        let mut known: BTreeSet<(String, i32, String)> = BTreeSet::new();
        let mut know = |domain: &str, number: i16, name: &str| {
            known.insert((domain.into(), number.into(), name.into()));
        };
        for asset in Asset::ALL {
            // The asset of recharge credit is named after the currency it is in.
            let name = asset.name(Currency::MAD);
            know("asset", asset.code(), if name == "MAD" { "money" } else { name.trim_end_matches(":MAD") });
        }
        for line in &CHART {
            know("class", line.class.code(), line.name);
        }
        for kind in &OperationKind::ALL {
            know("kind", kind.code(), kind.name());
        }
        for status in &Status::ALL {
            know("status", status.code(), status.name());
        }
        for channel in &Channel::ALL {
            know("channel", channel.code(), channel.name());
        }
        for kind in EntryKind::ALL {
            know("entry", kind.code(), kind.name());
        }
        for via in Via::ALL {
            know("via", via.code(), via.name());
        }
        for kind in EvidenceKind::ALL {
            know("evidence", kind.code(), kind.name());
        }
        for effect in Effect::ALL {
            know("effect", effect.code(), effect.name());
        }
        for kind in RecordKind::ALL {
            know("record", kind.code(), kind.name());
        }
        assert_eq!(codes(db).await.into_iter().collect::<BTreeSet<_>>(), known);
    }
}

async fn codes(db: &Database) -> Vec<(String, i32, String)> {
    use sqlx::{Connection, PgConnection, SqliteConnection};
    if db.is_postgres() {
        let mut connection = PgConnection::connect(&db.url).await.unwrap();
        let query = sqlx::query_as("SELECT domain, number::integer, name FROM code");
        query.fetch_all(&mut connection).await.unwrap()
    } else {
        let mut connection = SqliteConnection::connect(&db.url).await.unwrap();
        sqlx::query_as("SELECT domain, number, name FROM code").fetch_all(&mut connection).await.unwrap()
    }
}
