//! API clients in the registry: whatever is done to their rows behind the program's back is named.

use std::sync::Arc;

use taabia::ports::Ledger;
use taabia::services::Scope;
use taabia::services::access::ClientError;

use super::assert_names;
use crate::support::api::Access;
use crate::support::database::on_both;
use crate::support::world::World;

on_both! {
    async fn a_client_that_the_journal_does_not_tell_of_is_named(db: &Database) {
        let world = World::new(crate::support::books_of(db)).await;
        for name in ["R1", "R2"] {
            world.reseller(name, 0).await;
        }
        let ledger: Arc<dyn Ledger> = world.nodes[0].clone();
        let access = Access::new(&world.books, ledger, world.clock.clone());
        let (atm, _) = access.client("atm", &[Scope::RechargesRead], &[world.id("R1")]).await;
        let (gone, _) = access.client("gone", &[Scope::RechargesRead], &[world.id("R1")]).await;
        access.clients.rotate(atm).await.unwrap();
        let revoked_at = access.clients.revoke(gone).await.unwrap();
        let verify = async || {
            let options = taabia::reports::verify::Options::default();
            let done = taabia::reports::verify::verify(&*world.books.audit, &options, &mut |_| {}).await;
            done.map(|_| ()).map_err(|error| error.to_string())
        };
        verify().await.unwrap();
        let intruder = if db.is_postgres() {
            "INSERT INTO client SELECT gen_random_uuid(), partner, 'intruder', scopes, NULL, 1, NULL FROM client \
             WHERE name = 'atm'"
        } else {
            "INSERT INTO client SELECT randomblob(16), partner, 'intruder', scopes, NULL, 1, NULL FROM client \
             WHERE name = 'atm'"
        };
        for (edit, back, says) in [
            ("UPDATE client SET name = 'atm2' WHERE name = 'atm'", "UPDATE client SET name = 'atm' WHERE name = 'atm2'", "name"),
            (
                "UPDATE client SET scopes = 'recharges:read stock:issue' WHERE name = 'atm'",
                "UPDATE client SET scopes = 'recharges:read' WHERE name = 'atm'",
                "set of scopes",
            ),
            (
                "UPDATE client SET rate_limit_per_s = 9 WHERE name = 'atm'",
                "UPDATE client SET rate_limit_per_s = NULL WHERE name = 'atm'",
                "rate limit",
            ),
            (
                "INSERT INTO client_root SELECT c.id, r.id FROM client c, reseller r WHERE c.name = 'atm' AND r.code = 'R2'",
                "DELETE FROM client_root WHERE reseller = (SELECT id FROM reseller WHERE code = 'R2')",
                "set of resellers",
            ),
            (
                "INSERT INTO client_secret SELECT id, 'known to me', 1, NULL FROM client WHERE name = 'atm'",
                "DELETE FROM client_secret WHERE hash = 'known to me'",
                "set of secrets",
            ),
            (intruder, "DELETE FROM client WHERE name = 'intruder'", "no journal entry tells of it"),
        ] {
            assert_eq!(db.by_hand(edit).await.unwrap(), 1, "{edit}");
            let found = verify().await.expect_err(edit);
            assert_names(&found, says);
            assert!(found.contains(&format!("client {atm}")) || edit == intruder, "{edit}: {found}");
            db.by_hand(back).await.unwrap();
            verify().await.unwrap();
        }
        db.by_hand("UPDATE client SET revoked_at = NULL WHERE name = 'gone'").await.unwrap();
        let found = verify().await.unwrap_err();
        assert_names(&found, &format!("client {gone}: its row has another time of revocation"));
        world.books.registry.revoke_client(gone, revoked_at).await.unwrap();

        for table in [
            "DELETE FROM client_root WHERE client IN (SELECT id FROM client WHERE name = 'atm')",
            "DELETE FROM client_secret WHERE client IN (SELECT id FROM client WHERE name = 'atm')",
            "DELETE FROM client WHERE name = 'atm'",
        ] {
            assert!(db.by_hand(table).await.unwrap() > 0, "{table}");
        }
        let found = verify().await.unwrap_err();
        assert_names(&found, &format!("client {atm}: the journal tells of it, but its row does not exist"));
        // As after adding one was cut off: it ends on the log.
        access.clients.revoke(atm).await.unwrap();
        assert_eq!(access.clients.revoke(atm).await, Err(ClientError::UnknownClient));
        world.close().await;
    }
}
