//! Money that the cardholder's bank takes back, and what becomes of what was bought.

use std::sync::Arc;

use taabia::domain::refund::Share;
use taabia::domain::{AccountClass, Decline, Dispute, DisputeStage, Operation, OperationKind, Standing, Status};
use taabia::ledger::command::{BookDispute, Evidence, Settlement};
use taabia::ledger::{Refusal, Request};
use taabia::ports::acquirer::{DisputeState, Event, Lookup, Outcome, PaymentStage};
use taabia::ports::{LedgerError, NotificationOutcome};

use super::refunds::{given, refund};
use super::{buy_with, stands, stock_of_shop, stored, till, total};
use crate::support::on_every_store;
use crate::support::topups::{Till, captured, known, money};
use crate::support::world::{Books, RELEASE, World};

/// What all the accounts have that a disputed sale touches.
#[derive(Debug, PartialEq, Eq)]
pub struct Sums {
    pub operator: i64,
    pub shop: i64,
    pub set_aside: i64,
    /// Sales, VAT and rounding.
    pub sold: i64,
    pub debt: i64,
    pub taken: i64,
    pub owed: i64,
    pub waits: i64,
}

pub async fn sums(till: &Till) -> Sums {
    let mut sold = 0;
    for class in [AccountClass::StockSales, AccountClass::VatPayable, AccountClass::MoneyRounding] {
        sold += total(till, class).await;
    }
    Sums {
        operator: total(till, AccountClass::OperatorStock).await,
        shop: stock_of_shop(till).await,
        set_aside: total(till, AccountClass::StockReserved).await,
        sold,
        debt: total(till, AccountClass::CapturedNotCredited).await,
        taken: total(till, AccountClass::AcquirerReceivable).await,
        owed: total(till, AccountClass::ResellerReceivable).await,
        waits: total(till, AccountClass::ClawbackStanding).await,
    }
}

pub(super) const BEFORE: Sums =
    Sums { operator: 500_000, shop: 10_000, set_aside: 0, sold: 0, debt: 0, taken: 0, owed: 0, waits: 0 };
pub(super) const BOUGHT: Sums = Sums { operator: 400_000, shop: 110_000, sold: 100_000, taken: 100_000, ..BEFORE };

pub(super) fn told(stage: DisputeStage, minor: i64) -> Event {
    let (dispute, amount) = ("dsp_1".parse().unwrap(), money(minor));
    match stage {
        DisputeStage::Open => Event::DisputeOpened { dispute, amount },
        DisputeStage::Won => Event::DisputeWon { dispute, amount },
        DisputeStage::Lost => Event::DisputeLost { dispute, amount },
    }
}

pub(super) use DisputeStage::{Lost, Open, Won};

/// The acquirer tells how a dispute stands.
pub(super) async fn tells(till: &Till, topup: &Operation, stage: DisputeStage, minor: i64) {
    let id = OperationKind::Topup.render(topup.id);
    let key = format!("evt_{}_{minor}", stage.name());
    assert_eq!(till.tells(&id, "pay_1", &key, told(stage, minor)).await, "keep");
}

pub(super) async fn dispute(till: &Till, topup: &Operation) -> Dispute {
    stored(till, topup).await.topup().unwrap().dispute("dsp_1").unwrap().clone()
}

pub(super) async fn kept(till: &Till) -> Vec<(String, NotificationOutcome)> {
    let kept = till.world.books.notifications.kept_notifications(100).await.unwrap();
    kept.iter().map(|it| (it.key.to_string(), it.outcome)).collect()
}

/// Bought for 1,000.00 by a reseller that had 100.00.
pub(super) async fn bought(till: &Till) -> Operation {
    buy_with(till, "a", 100_000, captured(100_000)).await
}

pub(super) async fn standing(till: &Till) -> Standing {
    let (shard, shop) = (till.world.shard("shop"), till.world.id("shop"));
    till.world.books.store.reseller_state(shard, shop).await.unwrap().unwrap().standing
}

on_every_store!(a_dispute_takes_back_what_is_unsold_and_a_win_undoes_it, life);
async fn life(books: Books) {
    let till = till(books).await;
    let topup = bought(&till).await;
    assert_eq!(sums(&till).await, BOUGHT);
    tells(&till, &topup, Open, 100_000).await;
    let taken = Sums { operator: 400_000, set_aside: 100_000, ..BEFORE };
    assert_eq!(sums(&till).await, taken);
    assert_eq!(standing(&till).await, Standing::Suspended);
    assert_eq!(refund(&till, &topup, "r", None).await.decline, Some(Decline::AmountOutOfRange), "nothing is left");
    stands(&till, Status::Credited, &topup).await;
    tells(&till, &topup, Lost, 100_000).await;
    assert_eq!(sums(&till).await, BEFORE);
    assert_eq!(stored(&till, &topup).await.topup().unwrap().payment.charged_back_minor, 100_000);
    stands(&till, Status::ChargedBack, &topup).await;
    tells(&till, &topup, Won, 100_000).await;
    assert_eq!(sums(&till).await, BOUGHT);
    assert_eq!(standing(&till).await, Standing::Suspended, "a person resumes it");
    stands(&till, Status::Credited, &topup).await;
    assert_eq!(kept(&till).await, []);
    // It can be refunded as ever.
    till.bank.next_refund(given(100_000));
    assert_eq!(refund(&till, &topup, "again", None).await.status, Status::Refunded);
    assert_eq!(sums(&till).await, BEFORE);
    stands(&till, Status::Refunded, &topup).await;
}

on_every_store!(what_is_told_in_any_order_comes_to_the_same, any_order);
async fn any_order(books: Books) {
    let till = till(books).await;
    let topup = bought(&till).await;
    for stage in [Lost, Open, Lost, Open] {
        tells(&till, &topup, stage, 100_000).await;
        assert_eq!(sums(&till).await, BEFORE);
        stands(&till, Status::ChargedBack, &topup).await;
    }
    assert_eq!(kept(&till).await, []);
    for stage in [Won, Open, Won, Lost] {
        tells(&till, &topup, stage, 100_000).await;
        assert_eq!(sums(&till).await, BOUGHT);
        stands(&till, Status::Credited, &topup).await;
    }
    // What was won cannot be lost: somebody must look.
    assert_eq!(kept(&till).await, [("evt_lost_100000".to_owned(), NotificationOutcome::Unexpected)]);
}

on_every_store!(what_is_won_before_it_is_told_of_moves_nothing, won_first);
async fn won_first(books: Books) {
    let till = till(books).await;
    let topup = bought(&till).await;
    for stage in [Won, Open, Won] {
        tells(&till, &topup, stage, 100_000).await;
        assert_eq!(sums(&till).await, BOUGHT);
    }
    assert_eq!((standing(&till).await, kept(&till).await), (Standing::Active, Vec::new()));
    stands(&till, Status::Credited, &topup).await;
}

on_every_store!(a_part_is_disputed_after_a_part_was_refunded, parts);
async fn parts(books: Books) {
    let till = till(books).await;
    let topup = bought(&till).await;
    till.bank.next_refund(given(33_333));
    refund(&till, &topup, "1", Some(33_333)).await;
    let refunded = sums(&till).await;
    tells(&till, &topup, Open, 33_334).await;
    assert_eq!(refund(&till, &topup, "2", Some(33_334)).await.decline, Some(Decline::AmountOutOfRange));
    tells(&till, &topup, Lost, 33_334).await;
    let lost = sums(&till).await;
    assert_eq!((lost.taken, lost.sold, lost.shop + lost.operator), (33_333, 33_333, 510_000));
    stands(&till, Status::Credited, &topup).await;
    till.bank.next_refund(given(33_333));
    refund(&till, &topup, "3", None).await;
    assert_eq!(sums(&till).await, BEFORE);
    stands(&till, Status::ChargedBack, &topup).await;
    tells(&till, &topup, Won, 33_334).await;
    let won = sums(&till).await;
    assert_eq!((won.taken, won.sold, won.debt, won.owed), (33_334, 33_334, 0, 0));
    assert_eq!(refunded.shop - lost.shop, won.shop - BEFORE.shop);
    stands(&till, Status::Credited, &topup).await;
    assert_eq!(kept(&till).await, []);
}

on_every_store!(never_more_is_charged_back_than_is_left, beyond);
async fn beyond(books: Books) {
    let till = till(books).await;
    let topup = bought(&till).await;
    till.bank.next_refund(given(40_000));
    refund(&till, &topup, "1", Some(40_000)).await;
    // The bank takes all of it, what was refunded among it.
    tells(&till, &topup, Open, 100_000).await;
    let stands_at = dispute(&till, &topup).await;
    assert_eq!((stands_at.booked_minor, stands_at.uncovered_minor()), (60_000, 40_000));
    assert_eq!(kept(&till).await, [("evt_open_100000".to_owned(), NotificationOutcome::Unexpected)]);
    // Another amount is another story; nothing is booked by it.
    tells(&till, &topup, Lost, 60_000).await;
    assert_eq!(dispute(&till, &topup).await, stands_at);
    tells(&till, &topup, Lost, 100_000).await;
    till.job.look_at_all().await.unwrap();
    assert_eq!(sums(&till).await, BEFORE);
    stands(&till, Status::ChargedBack, &topup).await;
}

/// The shop sells 300.00 and 400.00, and 200.00 and 100.00 are on their way.
pub(super) async fn sold_and_held(till: &Till) -> [Arc<Operation>; 2] {
    for (key, minor) in [("sold-1", 30_000), ("sold-2", 40_000)] {
        let recharge = till.world.recharge("shop", key, minor).await;
        till.world.must(World::resolve(recharge.id, Evidence::Applied)).await;
    }
    [till.world.recharge("shop", "held-1", 20_000).await, till.world.recharge("shop", "held-2", 10_000).await]
}

on_every_store!(what_is_held_is_taken_when_it_is_released_and_owed_when_it_is_sold, held);
async fn held(books: Books) {
    let till = till(books).await;
    let topup = bought(&till).await;
    let [first, second] = sold_and_held(&till).await;
    // Of 1,100.00 are 100.00 unsold, 300.00 held and 700.00 sold.
    tells(&till, &topup, Open, 100_000).await;
    let opened = Sums {
        operator: 400_000,
        shop: 30_000,
        set_aside: 10_000,
        sold: 90_000,
        owed: 60_000,
        waits: 30_000,
        ..BEFORE
    };
    assert_eq!(sums(&till).await, opened);
    stands(&till, Status::Credited, &topup).await;
    till.world.must(World::resolve(first.id, RELEASE)).await;
    let released = Sums { shop: 10_000, set_aside: 30_000, sold: 70_000, waits: 10_000, ..opened };
    assert_eq!(sums(&till).await, released);
    tells(&till, &topup, Lost, 100_000).await;
    let lost = Sums { operator: 430_000, set_aside: 0, ..released };
    assert_eq!(sums(&till).await, lost);
    stands(&till, Status::ChargedBack, &topup).await;
    till.world.must(World::resolve(second.id, Evidence::Applied)).await;
    let sold = Sums { shop: 0, owed: 70_000, waits: 0, ..lost };
    assert_eq!(sums(&till).await, sold);
    stands(&till, Status::ChargedBack, &topup).await;
    // Won after all: exactly that is undone, and 300.00 of the 1,100.00 are there.
    tells(&till, &topup, Won, 100_000).await;
    assert_eq!(sums(&till).await, Sums { shop: 30_000, ..BOUGHT });
    stands(&till, Status::Credited, &topup).await;
}

on_every_store!(what_is_released_after_a_loss_becomes_the_operator_s, released_late);
async fn released_late(books: Books) {
    let till = till(books).await;
    let topup = bought(&till).await;
    let [first, second] = sold_and_held(&till).await;
    tells(&till, &topup, Lost, 100_000).await;
    for recharge in [first, second] {
        till.world.must(World::resolve(recharge.id, RELEASE)).await;
        stands(&till, Status::ChargedBack, &topup).await;
    }
    assert_eq!(sums(&till).await.set_aside, 30_000);
    till.job.look_at_all().await.unwrap();
    assert_eq!(sums(&till).await, Sums { operator: 440_000, shop: 0, sold: 60_000, owed: 60_000, ..BEFORE });
    stands(&till, Status::ChargedBack, &topup).await;
}

on_every_store!(a_win_lets_go_of_what_is_held, let_go);
async fn let_go(books: Books) {
    let till = till(books).await;
    let topup = bought(&till).await;
    let [first, second] = sold_and_held(&till).await;
    let before = sums(&till).await;
    tells(&till, &topup, Open, 100_000).await;
    tells(&till, &topup, Won, 100_000).await;
    assert_eq!(sums(&till).await, before);
    // What ends now is nobody's but the shop's.
    till.world.must(World::resolve(first.id, RELEASE)).await;
    till.world.must(World::resolve(second.id, Evidence::Applied)).await;
    assert_eq!(sums(&till).await, Sums { shop: 30_000, ..BOUGHT });
    stands(&till, Status::Credited, &topup).await;
}

on_every_store!(stock_that_waits_for_its_receiver_is_held_too, transferred);
async fn transferred(books: Books) {
    let till = till(books).await;
    let topup = bought(&till).await;
    till.world.reseller_below("shop", "outlet", 0).await;
    let first = till.world.offer("one", "shop", "outlet", 55_000).await;
    let second = till.world.offer("two", "shop", "outlet", 55_000).await;
    assert_eq!((first.status, second.status), (Status::PendingAcceptance, Status::PendingAcceptance));
    tells(&till, &topup, Open, 100_000).await;
    assert_eq!(sums(&till).await.waits, 100_000);
    let settle = |id, settlement| till.world.settle(id, "shop", "outlet", settlement);
    till.world.must(settle(first.id, Settlement::Cancel)).await;
    assert_eq!((sums(&till).await.waits, sums(&till).await.set_aside), (45_000, 55_000));
    till.world.must(till.world.standing("shop", Standing::Active)).await;
    till.world.must(settle(second.id, Settlement::Accept)).await;
    let after = sums(&till).await;
    assert_eq!((after.waits, after.set_aside, after.owed, after.shop), (0, 55_000, 45_000, 0));
    stands(&till, Status::Credited, &topup).await;
}

on_every_store!(money_that_was_never_credited_is_not_credited_while_it_is_disputed, our_debt);
async fn our_debt(books: Books) {
    let till = till(books).await;
    let topup = buy_with(&till, "a", 100_000, captured(99_999)).await;
    assert_eq!(topup.status, Status::Captured);
    tells(&till, &topup, Open, 99_999).await;
    assert_eq!(sums(&till).await, Sums { operator: 400_000, set_aside: 100_000, ..BEFORE });
    till.job.look_at_all().await.unwrap();
    stands(&till, Status::Captured, &topup).await;
    tells(&till, &topup, Lost, 99_999).await;
    assert_eq!(sums(&till).await, BEFORE);
    stands(&till, Status::ChargedBack, &topup).await;
    tells(&till, &topup, Won, 99_999).await;
    assert_eq!(sums(&till).await, Sums { debt: 99_999, taken: 99_999, ..BEFORE });
    stands(&till, Status::Captured, &topup).await;
}

on_every_store!(a_dispute_told_before_its_payment_waits_for_it, early);
async fn early(books: Books) {
    let till = till(books).await;
    let topup = buy_with(&till, "a", 100_000, Outcome::unknown("no answer")).await;
    till.bank.next_lookup(Lookup::Unknown("500".into()));
    tells(&till, &topup, Lost, 100_000).await;
    assert_eq!(stored(&till, &topup).await.status, Status::InDoubt);
    let id = OperationKind::Topup.render(topup.id);
    assert_eq!(till.tells(&id, "pay_1", "evt_1", Event::Captured { amount: money(100_000) }).await, "keep");
    // Never credited: it is gone already.
    assert_eq!(
        sums(&till).await,
        Sums { operator: 400_000, set_aside: 100_000, debt: 100_000, taken: 100_000, ..BEFORE }
    );
    till.job.look_at_all().await.unwrap();
    assert_eq!(sums(&till).await, BEFORE);
    assert_eq!(kept(&till).await, []);
    stands(&till, Status::ChargedBack, &topup).await;
}

on_every_store!(a_look_finds_payment_and_dispute, looked_up);
async fn looked_up(books: Books) {
    let till = till(books).await;
    let topup = buy_with(&till, "a", 100_000, Outcome::unknown("no answer")).await;
    let state = |stage| {
        let id = OperationKind::Topup.render(topup.id);
        let Lookup::Known(mut state) = known(&id, PaymentStage::Captured, 100_000) else { unreachable!("it is known") };
        state.dispute = Some(DisputeState { reference: "dsp_1".parse().unwrap(), amount: money(100_000), stage });
        Lookup::Known(state)
    };
    till.bank.next_lookup(state(Open));
    till.job.look_at_all().await.unwrap();
    assert_eq!(sums(&till).await, Sums { operator: 400_000, set_aside: 100_000, ..BEFORE });
    // Nothing new; then an end that nobody told.
    for (stage, expected) in [(Open, Status::Credited), (Lost, Status::ChargedBack)] {
        till.bank.next_lookup(state(stage));
        till.job.look_at_all().await.unwrap();
        stands(&till, expected, &topup).await;
    }
    assert_eq!(sums(&till).await, BEFORE);
    let asked = till.bank.asked("lookup");
    till.job.look_at_all().await.unwrap();
    assert_eq!(till.bank.asked("lookup"), asked, "it is at its end");
}

on_every_store!(a_refund_that_stands_in_front_gives_way, in_front);
async fn in_front(books: Books) {
    let till = till(books).await;
    let topup = bought(&till).await;
    till.bank.next_refund(Outcome::unknown("no answer"));
    let under_way = refund(&till, &topup, "r", Some(40_000)).await;
    tells(&till, &topup, Open, 100_000).await;
    assert_eq!(dispute(&till, &topup).await.booked_minor, 60_000);
    assert_eq!(kept(&till).await, []);
    // The acquirer does not give back what the bank has.
    let refused = taabia::ledger::command::RefundEvidence::NotGiven(Decline::PaymentDeclined);
    till.cashier.settle_refund(&under_way, None, refused).await.unwrap();
    stands(&till, Status::Credited, &topup).await;
    till.job.look_at_all().await.unwrap();
    assert_eq!(sums(&till).await, Sums { operator: 400_000, set_aside: 100_000, ..BEFORE });
    tells(&till, &topup, Lost, 100_000).await;
    assert_eq!(sums(&till).await, BEFORE);
    stands(&till, Status::ChargedBack, &topup).await;
}

on_every_store!(stock_that_the_operator_lacks_after_a_win_is_our_debt, awaited);
async fn awaited(books: Books) {
    let till = till(books).await;
    let topup = bought(&till).await;
    tells(&till, &topup, Lost, 100_000).await;
    till.world.must(till.world.allocate("all of it", "elsewhere", 450_000)).await;
    tells(&till, &topup, Won, 100_000).await;
    let owed = Sums { operator: 50_000, debt: 100_000, taken: 100_000, ..BEFORE };
    assert_eq!(sums(&till).await, owed);
    stands(&till, Status::Credited, &topup).await;
    assert_eq!(dispute(&till, &topup).await.awaited.face_minor, 100_000);
    till.job.look_at_all().await.unwrap();
    assert_eq!(sums(&till).await, owed);
    assert_eq!(refund(&till, &topup, "r", None).await.decline, Some(Decline::AmountOutOfRange));
    till.world.issue("more", 50_000).await;
    till.job.look_at_all().await.unwrap();
    assert_eq!(sums(&till).await, Sums { operator: 0, ..BOUGHT });
    assert_eq!(dispute(&till, &topup).await.awaited, Share::default());
    stands(&till, Status::Credited, &topup).await;
}

on_every_store!(a_dispute_of_nothing_that_we_know_is_kept, strange);
async fn strange(books: Books) {
    let till = till(books).await;
    let topup = bought(&till).await;
    let stranger = OperationKind::Topup.render(till.world.draw(till.world.shard("shop")));
    assert_eq!(till.tells(&stranger, "pay_9", "evt_order", told(Open, 1)).await, "keep");
    let euros = taabia::domain::Money::from_minor(100_000, "EUR".parse().unwrap());
    let dispute = || "dsp_1".parse().unwrap();
    let id = OperationKind::Topup.render(topup.id);
    let in_euros = Event::DisputeOpened { dispute: dispute(), amount: euros };
    assert_eq!(till.tells(&id, "pay_1", "evt_euro", in_euros).await, "keep");
    let expected = [("evt_euro", NotificationOutcome::OtherCurrency), ("evt_order", NotificationOutcome::UnknownOrder)];
    assert_eq!(kept(&till).await, expected.map(|(key, outcome)| (key.to_owned(), outcome)));
    // Forged: nobody signed it.
    assert_eq!(till.topups.notified(&"bank".parse().unwrap(), &[], b"forged").await.unwrap().body, "refuse");
    // Of an acquirer that never took the money.
    let book = BookDispute {
        operation: topup.id,
        reseller: topup.reseller,
        acquirer: "other".into(),
        dispute: "dsp_1".into(),
        amount_minor: 100_000,
        stage: Open,
    };
    let refused = till.world.execute(Request::BookDispute(book)).await;
    assert_eq!(refused, Err(LedgerError::Refused(Refusal::UnknownOperation)));
    assert_eq!(sums(&till).await, BOUGHT);
    stands(&till, Status::Credited, &topup).await;
}
