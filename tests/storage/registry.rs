//! The network's tree, and the API's clients.

use taabia::domain::{ClientId, ResellerId};
use taabia::ports::{Client, Secret, StoreError};
use uuid::Uuid;

use super::samples::{at, changes, partner_id, registration, reseller_id, session, shard, write};
use crate::support::database::{Database, on_both};

/// 1 above 2 above 3 above 4; 5 below 1.
async fn tree(db: &Database) {
    write(db, shard(1), |changes| {
        // Children stand before their parents on purpose.
        let places = [(2, Some(1)), (1, None)];
        changes.registrations =
            places.map(|(id, parent)| registration(reseller_id(id), parent.map(reseller_id))).into();
    })
    .await;
    write(db, shard(2), |changes| {
        let places = [(4, 3), (3, 2), (5, 1)];
        changes.registrations =
            places.map(|(id, parent)| registration(reseller_id(id), Some(reseller_id(parent)))).into();
    })
    .await;
}

fn client(number: u128, name: &str) -> Client {
    Client {
        id: ClientId::from_uuid(Uuid::from_u128(number)),
        partner: partner_id(1),
        name: name.into(),
        scopes: vec!["recharges:write".into(), "recharges:read".into()],
        roots: vec![reseller_id(1), reseller_id(5)],
        secrets: vec![secret("first", Some(500))],
        rate_limit_per_s: Some(50),
        created_at: at(1),
        revoked_at: None,
    }
}

fn secret(hash: &str, expires_ms: Option<i64>) -> Secret {
    Secret { hash: format!("$argon2id${hash}"), created_at: at(2), expires_at: expires_ms.map(at) }
}

on_both! {
    async fn resellers_are_found_by_id_and_by_code(db: &Database) {
        tree(db).await;
        let registry = &db.storage.registry;
        let expected = registration(reseller_id(4), Some(reseller_id(3)));
        assert_eq!(registry.reseller(reseller_id(4)).await.unwrap(), Some(expected.clone()));
        assert_eq!(registry.reseller_by_code(&expected.code).await.unwrap(), Some(expected));
        assert_eq!(registry.reseller(reseller_id(9)).await.unwrap(), None);
        assert_eq!(registry.reseller_by_code("R").await.unwrap(), None);
    }

    async fn ancestors_stand_from_the_bottom_up(db: &Database) {
        tree(db).await;
        let above = async |id| db.storage.registry.ancestors(reseller_id(id)).await.unwrap();
        assert_eq!(above(4).await, [4, 3, 2, 1].map(reseller_id));
        assert_eq!(above(5).await, [5, 1].map(reseller_id));
        assert_eq!(above(1).await, [1].map(reseller_id));
        assert_eq!(above(9).await, [] as [ResellerId; 0]);
    }

    async fn a_subtree_comes_in_pages_each_reseller_once(db: &Database) {
        tree(db).await;
        let page = async |roots: &[u128], after: Option<u128>, limit| -> Vec<ResellerId> {
            let roots: Vec<ResellerId> = roots.iter().copied().map(reseller_id).collect();
            let found = db.storage.registry.subtree(&roots, after.map(reseller_id), limit).await.unwrap();
            found.iter().map(|registration| registration.id).collect()
        };
        assert_eq!(page(&[1], None, 10).await, [1, 2, 3, 4, 5].map(reseller_id));
        assert_eq!(page(&[1, 2, 3], None, 3).await, [1, 2, 3].map(reseller_id));
        assert_eq!(page(&[3, 2, 1], Some(3), 3).await, [4, 5].map(reseller_id));
        assert_eq!(page(&[5, 3], None, 10).await, [3, 4, 5].map(reseller_id));
        assert_eq!(page(&[], None, 10).await, [] as [ResellerId; 0]);
    }

    async fn a_code_belongs_to_one_reseller_and_the_tree_has_no_cycle(db: &Database) {
        tree(db).await;
        let mut taken = registration(reseller_id(6), None);
        taken.code = registration(reseller_id(1), None).code;
        let orphan = registration(reseller_id(6), Some(reseller_id(99)));
        let own_parent = registration(reseller_id(6), Some(reseller_id(6)));
        let mut session = session(db).await;
        for bad in [
            vec![taken],
            vec![orphan],
            vec![own_parent],
            vec![
                registration(reseller_id(6), Some(reseller_id(7))),
                registration(reseller_id(7), Some(reseller_id(6))),
            ],
        ] {
            let heads = session.lock(&[shard(1)]).await.unwrap();
            let mut batch = changes(&heads[0]);
            batch.registrations = bad;
            let refused = session.persist(&[batch]).await;
            assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
        }
    }

    async fn clients_read_back(db: &Database) {
        tree(db).await;
        let registry = &db.storage.registry;
        let full = client(1, "bank ✓");
        let bare = Client {
            scopes: Vec::new(),
            roots: Vec::new(),
            secrets: vec![secret("other", None)],
            rate_limit_per_s: None,
            ..client(2, "a terminal park")
        };
        registry.add_client(&full, "Bank").await.unwrap();
        registry.add_client(&bare, "Bank").await.unwrap();
        assert_eq!(registry.client(full.id).await.unwrap(), Some(full.clone()));
        assert_eq!(registry.clients().await.unwrap(), [bare, full.clone()]);
        assert_eq!(registry.client(client(3, "").id).await.unwrap(), None);

        let same_name = client(3, &full.name);
        assert!(matches!(registry.add_client(&same_name, "Bank").await, Err(StoreError::Refused(_))));
        let unknown_root = Client { roots: vec![reseller_id(99)], ..client(3, "third") };
        assert!(matches!(registry.add_client(&unknown_root, "Bank").await, Err(StoreError::Refused(_))));
        assert_eq!(registry.clients().await.unwrap().len(), 2, "all or nothing");
    }

    async fn a_rotated_secret_leaves_the_others_a_while(db: &Database) {
        tree(db).await;
        let registry = &db.storage.registry;
        let mut known = client(1, "bank");
        known.secrets = vec![secret("early", Some(50)), secret("late", None)];
        registry.add_client(&known, "Bank").await.unwrap();
        let new = Secret { created_at: at(90), ..secret("new", None) };
        registry.rotate_secret(known.id, &new, at(100)).await.unwrap();
        let found = registry.client(known.id).await.unwrap().unwrap();
        assert_eq!(found.secrets, [secret("early", Some(50)), secret("late", Some(100)), new.clone()]);
        let unknown = client(9, "nobody").id;
        assert!(matches!(registry.rotate_secret(unknown, &new, at(100)).await, Err(StoreError::Refused(_))));
    }

    async fn a_client_is_revoked_once(db: &Database) {
        tree(db).await;
        let registry = &db.storage.registry;
        let known = client(1, "bank");
        registry.add_client(&known, "Bank").await.unwrap();
        registry.revoke_client(known.id, at(10)).await.unwrap();
        registry.revoke_client(known.id, at(20)).await.unwrap();
        assert_eq!(registry.client(known.id).await.unwrap().unwrap().revoked_at, Some(at(10)));
        assert!(matches!(registry.revoke_client(client(9, "").id, at(1)).await, Err(StoreError::Refused(_))));
    }
}
