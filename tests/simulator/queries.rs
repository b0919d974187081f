//! Named queries and the registry.

use super::*;

#[tokio::test]
async fn queries_find_what_was_written() {
    let store = MemoryStore::new(2);
    let mut scribe = Scribe::new(&store);
    let outlet = scribe.open_reseller(Shard::new(1), "R1").await;
    let other = scribe.open_reseller(ZERO, "R2").await;
    let mut ids = Vec::new();
    for (reseller, amount) in [(outlet, 10), (other, 20), (outlet, 30)] {
        ids.push(scribe.reserve(reseller, amount).await);
    }
    scribe.resolve(ids[0], Status::Declined).await;

    let all = RechargeQuery {
        scope: Scope::Subtrees(vec![outlet, other]),
        msisdn: None,
        status: None,
        from: None,
        to: None,
        after: None,
        limit: 2,
    };
    let list = |query: RechargeQuery| {
        let store = &store;
        async move {
            let found = store.recharges(&query).await.unwrap();
            found.into_iter().map(|operation| operation.id).collect::<Vec<_>>()
        }
    };
    assert_eq!(list(all.clone()).await, [ids[2], ids[1]]);
    assert_eq!(list(RechargeQuery { after: Some(ids[1]), ..all.clone() }).await, [ids[0]]);
    assert_eq!(list(RechargeQuery { status: Some(Status::Declined), ..all.clone() }).await, [ids[0]]);
    let scope = Scope::Resellers(vec![(ZERO, other)]);
    assert_eq!(list(RechargeQuery { scope, ..all.clone() }).await, [ids[1]]);
    let second = store.operation(ids[1]).await.unwrap().unwrap();
    let msisdn = second.recharge().map(|recharge| recharge.msisdn);
    assert_eq!(list(RechargeQuery { msisdn, ..all.clone() }).await, [ids[1]]);
    assert_eq!(list(RechargeQuery { to: Some(second.created_at), ..all.clone() }).await, [ids[0]]);
    assert_eq!(list(RechargeQuery { from: Some(second.created_at), ..all }).await, [ids[2], ids[1]]);

    let end_of_time = Timestamp::from_unix_ms(i64::MAX);
    let due: Vec<_> =
        store.due(end_of_time, None, 9).await.unwrap().into_iter().map(|operation| operation.id).collect();
    assert_eq!(due, [ids[1], ids[2]]);
    assert_eq!(store.doubt(end_of_time).await.unwrap(), (2, Some(second.created_at)));
    assert_eq!(store.doubt(Timestamp::EPOCH).await.unwrap(), (0, None));
    let by_key = store.operation_by_key(ZERO, PARTNER, other, &second.external_id).await.unwrap();
    assert_eq!(by_key, Some(second.clone()));
    let unknown: ExternalId = "never".parse().unwrap();
    assert_eq!(store.operation_by_key(ZERO, PARTNER, other, &unknown).await.unwrap(), None);
    assert_eq!(store.operation(OperationId::from_uuid(uuid::Uuid::max())).await.unwrap(), None);
    assert_eq!(store.stock(ZERO, other).await.unwrap().unwrap().available(), -20);
    assert_eq!(store.stock(ZERO, outlet).await.unwrap(), None);
}

#[tokio::test]
async fn a_similar_recharge_is_one_that_was_not_declined() {
    let store = MemoryStore::new(1);
    let mut scribe = Scribe::new(&store);
    let outlet = scribe.open_reseller(ZERO, "R1").await;
    let id = scribe.reserve(outlet, 10).await;
    let sold = store.operation(id).await.unwrap().unwrap();
    let msisdn = sold.recharge().unwrap().msisdn;
    let since = sold.created_at.plus_ms(-1);
    let ask = RecentRecharge { shard: ZERO, reseller: outlet, msisdn, amount_minor: 10, since };
    let questions = [
        (ask, true),
        (RecentRecharge { since: sold.created_at, ..ask }, false),
        (RecentRecharge { amount_minor: 11, ..ask }, false),
    ];
    let mut session = store.session().await.unwrap();
    for (question, known) in questions {
        session.lock(&[ZERO]).await.unwrap();
        let loaded = session.load(&Wants { recent: vec![question], ..Wants::default() }).await.unwrap();
        assert_eq!(loaded.recent, if known { vec![(question, sold.created_at)] } else { vec![] });
        session.rollback().await.unwrap();
    }
    scribe.resolve(id, Status::Declined).await;
    session.lock(&[ZERO]).await.unwrap();
    assert_eq!(session.load(&Wants { recent: vec![ask], ..Wants::default() }).await.unwrap().recent, []);
}

#[tokio::test]
async fn the_registry_knows_the_tree_and_the_clients() {
    let store = MemoryStore::new(1);
    let id = |number| ResellerId::from_uuid(uuid::Uuid::from_u128(number));
    let mut session = store.session().await.unwrap();
    let heads = session.lock(&[ZERO]).await.unwrap();
    let place = |number: u128, parent: Option<u128>| {
        let mut place = registration(id(number), &number.to_string());
        place.parent = parent.map(id);
        place
    };
    let registrations = vec![place(5, None), place(3, Some(5)), place(4, Some(3)), place(9, None)];
    session.persist(&[Changes { registrations, ..changes(&heads[0]) }]).await.unwrap();
    session.commit().await.unwrap();
    assert_eq!(store.ancestors(id(4)).await.unwrap(), [id(4), id(3), id(5)]);
    assert_eq!(store.ancestors(id(77)).await.unwrap(), []);
    let below = |roots: Vec<ResellerId>, after, limit| {
        let store = &store;
        async move {
            let found = store.subtree(&roots, after, limit).await.unwrap();
            found.into_iter().map(|place| place.id).collect::<Vec<_>>()
        }
    };
    assert_eq!(below(vec![id(5), id(3)], None, 9).await, [id(3), id(4), id(5)]);
    assert_eq!(below(vec![id(5)], Some(id(3)), 1).await, [id(4)]);
    assert_eq!(below(vec![id(77)], None, 9).await, []);

    let at = Timestamp::from_unix_ms;
    let secret = |hash: &str| Secret { hash: hash.into(), created_at: at(1), expires_at: None };
    let client = Client {
        id: ClientId::from_uuid(uuid::Uuid::from_u128(1)),
        partner: PARTNER,
        name: "atm".into(),
        scopes: vec!["recharges:write".into()],
        roots: vec![id(5)],
        secrets: vec![secret("first")],
        rate_limit_per_s: None,
        created_at: at(1),
        revoked_at: None,
    };
    store.add_client(&client, "Bank").await.unwrap();
    is_refused(store.add_client(&client, "Bank").await, "client atm exists");
    let rival = Client { id: ClientId::from_uuid(uuid::Uuid::from_u128(2)), name: "pos".into(), ..client.clone() };
    let elsewhere = Client { partner: PartnerId::from_uuid(uuid::Uuid::max()), ..rival.clone() };
    is_refused(store.add_client(&elsewhere, "Bank").await, "another partner");
    is_refused(store.add_client(&Client { roots: vec![id(77)], ..rival }, "Bank").await, "not registered");
    store.rotate_secret(client.id, &secret("second"), at(50)).await.unwrap();
    store.rotate_secret(client.id, &secret("third"), at(40)).await.unwrap();
    store.revoke_client(client.id, at(9)).await.unwrap();
    store.revoke_client(client.id, at(10)).await.unwrap();
    let found = store.client(client.id).await.unwrap().unwrap();
    let ends: Vec<_> = found.secrets.iter().map(|secret| secret.expires_at).collect();
    assert_eq!(ends, [Some(at(40)), Some(at(40)), None]);
    assert_eq!((found.revoked_at, store.clients().await.unwrap()), (Some(at(9)), vec![found.clone()]));
}
