//! Recharges that subscribers pay for by card.

use std::sync::Arc;

use taabia::domain::{
    AccountClass, CardRechargeStage, Channel, Decline, ExternalId, NumberingPlan, Operation, OperationKind, Standing,
    Status,
};
use taabia::ledger::command::Evidence;
use taabia::ports::acquirer::{NotSent, Outcome, RefusalReason};
use taabia::services::care::{Event, Happening};
use taabia::services::topups::{OwnRecharge, TopupOrder};
use taabia::services::{Directory, ServiceError};

use super::disputes::{Lost, standing, tells};
use super::refunds::given;
use super::{stock_of_shop, stored, till, total};
use crate::support::care::care;
use crate::support::topups::{Till, captured, recharges};
use crate::support::webhooks;
use crate::support::world::{Books, World};
use crate::support::{must_verify, on_every_store};

const MINOR: i64 = 10_000;

/// The shop is the house.
fn order(till: &Till, key: &str, msisdn: &str, product: &str) -> TopupOrder {
    let recharge = OwnRecharge {
        msisdn: NumberingPlan::morocco().parse(msisdn).unwrap(),
        product: product.into(),
        channel: Channel::Web,
        allow_repeat: false,
    };
    TopupOrder { recharge: Some(recharge), ..till.order(key, "shop", MINOR) }
}

async fn buy(till: &Till, key: &str, msisdn: &str) -> Operation {
    let answer = till.topups.create(&till.caller("shop"), order(till, key, msisdn, "airtime")).await.unwrap();
    Operation::clone(&answer.operation)
}

fn stage(topup: &Operation) -> CardRechargeStage {
    topup.topup().unwrap().recharge.as_ref().unwrap().stage()
}

async fn by_key(till: &Till, topup: &Operation, suffix: &str) -> Option<Operation> {
    let key: ExternalId = format!("{}{suffix}", OperationKind::Topup.render(topup.id)).parse().unwrap();
    till.world.books.store.operation_by_key(topup.id.shard(), topup.partner, topup.reseller, &key).await.unwrap()
}

on_every_store!(what_a_subscriber_pays_for_is_sold_from_the_stock_that_it_bought, sold);
async fn sold(books: Books) {
    let till = till(books).await;
    till.bank.next_authorisation(captured(MINOR));
    let topup = buy(&till, "a", "+212612345611").await;
    assert_eq!((topup.status, stage(&topup)), (Status::Credited, CardRechargeStage::Completed));
    let recharge = by_key(&till, &topup, "").await.unwrap();
    assert_eq!((recharge.status, recharge.amount_minor), (Status::Completed, MINOR));
    assert_eq!(topup.topup().unwrap().recharge.as_ref().unwrap().operation(), Some(recharge.id));
    // Bought and sold: the house has what it had.
    assert_eq!(stock_of_shop(&till).await, 10_000);
    let again = buy(&till, "a", "+212612345611").await;
    assert_eq!((again.id, till.bank.asked("authorise")), (topup.id, 1));
    let other = till.topups.create(&till.caller("shop"), order(&till, "a", "+212612345612", "airtime")).await;
    assert_eq!(other.unwrap_err(), ServiceError::ExternalIdReused { field: "recharge" });
    till.job.look_at_all().await.unwrap();
    assert_eq!(stored(&till, &topup).await.last_sequence, topup.last_sequence, "nothing is left to be done");
    must_verify(&*till.world.books.audit).await;
}

on_every_store!(what_happened_is_told_from_the_card_to_the_line, told);
async fn told(books: Books) {
    let till = till(books).await;
    till.bank.next_authorisation(captured(MINOR));
    let topup = buy(&till, "a", "+212612345611").await;
    let recharge = by_key(&till, &topup, "").await.unwrap();
    let store = &till.world.books.store;
    let directory = Arc::new(Directory::new(till.world.books.registry.clone(), store.shards()));
    let endpoints = Arc::new(webhooks::webhooks(&till.world, webhooks::Receiver::new()));
    let care = care(&till.world, recharges(&till.world, &directory), (endpoints, directory));
    let timeline = care.timeline(&till.caller("shop"), recharge.id).await.unwrap();
    assert_eq!((timeline.topup.map(|topup| topup.id), timeline.complete), (Some(topup.id), true));
    let entry = |event: &Event| match &event.what {
        Happening::Entry(shown) => Some((event.operation, shown.entry.kind.name(), shown.hidden)),
        _ => None,
    };
    let entries: Vec<_> = timeline.events.iter().filter_map(entry).collect();
    let at = |operation, kind| entries.iter().position(|entry| *entry == (operation, kind, 0));
    let places = [
        at(topup.id, "topup.created"),
        at(topup.id, "topup.credited"),
        at(recharge.id, "recharge.reserved"),
        at(recharge.id, "recharge.completed"),
    ];
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{entries:?}");
    // Each state of the top-up is there, and nothing of anybody else.
    assert!(entries.iter().all(|(operation, ..)| [topup.id, recharge.id].contains(operation)), "{entries:?}");
    assert_eq!(entries.last().unwrap().0, topup.id, "{entries:?}");
}

on_every_store!(nobody_is_suspended_for_the_dispute_of_a_subscriber, disputed);
async fn disputed(books: Books) {
    let till = till(books).await;
    till.bank.next_authorisation(captured(MINOR));
    let topup = buy(&till, "a", "+212612345611").await;
    tells(&till, &topup, Lost, MINOR).await;
    assert_eq!((stored(&till, &topup).await.status, standing(&till).await), (Status::ChargedBack, Standing::Active));
    must_verify(&*till.world.books.audit).await;
}

on_every_store!(a_declined_recharge_gives_the_money_back, declined);
async fn declined(books: Books) {
    let till = till(books).await;
    till.bank.next_authorisation(captured(MINOR));
    till.bank.next_refund(given(MINOR));
    let topup = buy(&till, "a", "+212612345602").await;
    assert_eq!((topup.status, stage(&topup)), (Status::Refunded, CardRechargeStage::Declined));
    let recharge = by_key(&till, &topup, "").await.unwrap();
    assert_eq!((recharge.status, recharge.decline), (Status::Declined, Some(Decline::SubscriberUnknown)));
    assert_eq!((stock_of_shop(&till).await, total(&till, AccountClass::OperatorStock).await), (10_000, 500_000));
    assert_eq!(total(&till, AccountClass::AcquirerReceivable).await, 0);
    must_verify(&*till.world.books.audit).await;
}

on_every_store!(money_that_the_acquirer_would_not_give_back_is_asked_back_again, insisted);
async fn insisted(books: Books) {
    let till = till(books).await;
    till.bank.next_authorisation(captured(MINOR));
    till.bank.next_refund(Outcome::refused(RefusalReason::WrongStage, "not now"));
    till.bank.next_refund(Outcome::NotSent(NotSent::Unreachable("test".into())));
    let topup = buy(&till, "a", "+212612345602").await;
    assert_eq!((topup.status, stage(&topup)), (Status::Credited, CardRechargeStage::Waits));
    till.job.look_at_all().await.unwrap();
    assert_eq!(stored(&till, &topup).await.status, Status::Credited);
    till.bank.next_refund(given(MINOR));
    till.job.look_at_all().await.unwrap();
    let after = stored(&till, &topup).await;
    assert_eq!((after.status, stage(&after)), (Status::Refunded, CardRechargeStage::Declined));
    assert_eq!(till.bank.asked("refund"), 3);
    for (suffix, status) in
        [("-refund-1", Status::Declined), ("-refund-2", Status::Declined), ("-refund-3", Status::Refunded)]
    {
        assert_eq!(by_key(&till, &topup, suffix).await.unwrap().status, status, "{suffix}");
    }
    must_verify(&*till.world.books.audit).await;
}

on_every_store!(a_recharge_in_doubt_is_waited_for, doubted_and_done);
async fn doubted_and_done(books: Books) {
    doubted(books, Evidence::Applied, (Status::Credited, CardRechargeStage::Completed)).await;
}

on_every_store!(a_recharge_in_doubt_that_was_not_done_gives_the_money_back, doubted_and_not_done);
async fn doubted_and_not_done(books: Books) {
    let evidence = Evidence::NotApplied(Decline::ChargingDeclined);
    doubted(books, evidence, (Status::Refunded, CardRechargeStage::Declined)).await;
}

async fn doubted(books: Books, evidence: Evidence, end: (Status, CardRechargeStage)) {
    let till = till(books).await;
    till.bank.next_authorisation(captured(MINOR));
    let topup = buy(&till, "a", "+212612345600").await;
    assert_eq!((topup.status, stage(&topup)), (Status::Credited, CardRechargeStage::Waits));
    till.job.look_at_all().await.unwrap();
    assert_eq!(stage(&stored(&till, &topup).await), CardRechargeStage::Waits, "unknown is not failure");
    assert_eq!(till.bank.asked("refund"), 0);
    let recharge = by_key(&till, &topup, "").await.unwrap();
    till.world.must(World::resolve(recharge.id, evidence)).await;
    till.bank.next_refund(given(MINOR));
    till.job.look_at_all().await.unwrap();
    let after = stored(&till, &topup).await;
    assert_eq!((after.status, stage(&after)), end);
    must_verify(&*till.world.books.audit).await;
}

on_every_store!(what_was_paid_before_a_crash_is_sold_after_it_once, crashed);
async fn crashed(books: Books) {
    let till = till(books).await;
    // The acquirer answers nothing that could be understood; what it did is told later, and nobody waits any more.
    let topup = buy(&till, "a", "+212612345611").await;
    assert_eq!(topup.status, Status::InDoubt);
    let bank = crate::support::topups::bank();
    let paid = till.cashier.taken(&topup, &bank, None, crate::support::topups::money(MINOR)).await.unwrap();
    assert_eq!((paid.status, stage(&paid)), (Status::Credited, CardRechargeStage::Waits));
    let (one, other) = (till.cashier.recharge(paid.clone()), till.cashier.recharge(Arc::clone(&paid)));
    let (one, other) = tokio::join!(one, other);
    assert!(one.is_ok() && other.is_ok());
    till.job.look_at_all().await.unwrap();
    assert_eq!(stage(&stored(&till, &topup).await), CardRechargeStage::Completed);
    assert_eq!(stock_of_shop(&till).await, 10_000, "sold once");
    must_verify(&*till.world.books.audit).await;
}

on_every_store!(what_is_not_sold_is_declined_before_the_card_is_asked, not_sold);
async fn not_sold(books: Books) {
    let till = till(books).await;
    let caller = till.caller("shop");
    let unknown = till.topups.create(&caller, order(&till, "a", "+212612345611", "no-such")).await.unwrap();
    assert_eq!(unknown.operation.decline, Some(Decline::ProductUnknown));
    let dear = TopupOrder { stock_minor: 5_000_000, ..order(&till, "b", "+212612345611", "airtime") };
    let dear = till.topups.create(&caller, dear).await.unwrap();
    assert_eq!(dear.operation.decline, Some(Decline::AmountOutOfRange));
    let elsewhere =
        TopupOrder { reseller: till.world.id("elsewhere"), ..order(&till, "c", "+212612345611", "airtime") };
    let refused = till.topups.create(&till.caller("elsewhere"), elsewhere).await.unwrap_err();
    assert_eq!(refused, ServiceError::NotTheHouse);
    assert_eq!(till.bank.asked("authorise"), 0);
    must_verify(&*till.world.books.audit).await;
}
