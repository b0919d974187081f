//! An acquirer inside the process with books of its own and every fault, drawn by a seed: answers that get lost before or
//! after they took effect, payments that come late, notifications twice and in any order, pages that nobody uses,
//! amounts that differ, refunds that are refused, and disputes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use taabia::domain::{DisputeStage, Timestamp};
use taabia::ports::acquirer::{
    AcquirerReference, Authorised, CustomerAction, DisputeState, Done, Event, Lookup, NotSent, Notification,
    NotificationError, NotificationReply, NotificationVerdict, Notified, Outcome, Payment as Asked, PaymentMethod,
    PaymentOrder, PaymentStage, PaymentState, Received, RefundOrder, RefundStage, RefundState, Refusal, RefusalReason,
    SettlementProfile,
};
use taabia::ports::{Acquirer, Clock};

use super::topups::money;
use super::{ManualClock, SeededRandomness};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// On its way; the customer may not know it.
    Comes(Timestamp),
    OnPage,
    Captured,
    Refused,
    Voided,
}

#[derive(Clone, Debug)]
pub struct Disputed {
    reference: AcquirerReference,
    amount: i64,
    stage: DisputeStage,
}

/// A payment as the acquirer has it.
#[derive(Clone, Debug)]
pub struct Payment {
    amount: i64,
    stage: Stage,
    pub captured: i64,
    refunds: Vec<(String, i64)>,
    disputes: Vec<Disputed>,
}

impl Payment {
    pub fn refunded(&self) -> i64 {
        self.refunds.iter().map(|(_, amount)| amount).sum()
    }

    pub fn charged_back(&self) -> i64 {
        self.disputes.iter().filter(|it| it.stage != DisputeStage::Won).map(|it| it.amount).sum()
    }

    fn rest(&self) -> i64 {
        self.captured - self.refunded() - self.charged_back()
    }
}

#[derive(Default)]
struct State {
    payments: BTreeMap<String, Payment>,
    due: Vec<Notification>,
    sent: Vec<Notification>,
    told: u64,
}

impl State {
    fn tell(&mut self, order: &str, event: Event) {
        self.told += 1;
        self.due.push(Notification {
            key: format!("evt_{}", self.told).into(),
            order: Some(order.parse().unwrap()),
            reference: Some(reference(order)),
            occurred_at: None,
            event,
        });
    }

    fn capture(&mut self, order: &str, amount: i64) {
        let payment = self.payments.get_mut(order).unwrap();
        (payment.stage, payment.captured) = (Stage::Captured, amount);
        self.tell(order, Event::Captured { amount: money(amount) });
    }
}

pub struct Bank {
    random: SeededRandomness,
    clock: Arc<ManualClock>,
    faulty: AtomicBool,
    state: Mutex<State>,
    profile: SettlementProfile,
}

fn reference(order: &str) -> AcquirerReference {
    format!("pm_{order}").parse().unwrap()
}

impl Bank {
    pub fn new(seed: u64, clock: Arc<ManualClock>) -> Self {
        Self {
            random: SeededRandomness::new(seed),
            clock,
            faulty: AtomicBool::new(true),
            state: Mutex::default(),
            profile: taabia::acquiring::simulator::settlement_profile(),
        }
    }

    /// From now on it answers, and answers the truth.
    pub fn heal(&self) {
        self.faulty.store(false, Ordering::SeqCst);
    }

    fn draw(&self, below: u64) -> u64 {
        self.random.next() % below
    }

    fn fails(&self, percent: u64) -> bool {
        self.faulty.load(Ordering::SeqCst) && self.draw(100) < percent
    }

    pub fn payments(&self) -> BTreeMap<String, Payment> {
        self.state.lock().unwrap().payments.clone()
    }

    /// What was on its way arrives.
    pub fn arrive(&self) {
        let now = self.clock.now();
        let mut state = self.state.lock().unwrap();
        let arrives = |payment: &Payment| matches!(payment.stage, Stage::Comes(at) if at <= now);
        let come = state.payments.iter().filter(|(_, payment)| arrives(payment));
        let come: Vec<_> = come.map(|(order, payment)| (order.clone(), payment.amount)).collect();
        for (order, amount) in come {
            state.capture(&order, amount);
        }
    }

    /// Somebody pays on the page, or is refused there.
    pub fn customer(&self) {
        let mut state = self.state.lock().unwrap();
        let Some(order) = self.pick(&state, |payment| payment.stage == Stage::OnPage) else { return };
        if self.draw(3) > 0 {
            let amount = state.payments[&order].amount;
            state.capture(&order, amount);
        } else {
            state.tell(&order, Event::Refused(Refusal::new(RefusalReason::CardDeclined, "05")));
        }
    }

    fn pick(&self, state: &State, fits: impl Fn(&Payment) -> bool) -> Option<String> {
        let orders: Vec<_> =
            state.payments.iter().filter(|(_, payment)| fits(payment)).map(|(order, _)| order).collect();
        let place = usize::try_from(self.draw(orders.len().max(1) as u64)).unwrap();
        orders.get(place).map(|order| (*order).clone())
    }

    /// Opens a dispute, ends one, or gives one that was lost back.
    pub fn dispute(&self) {
        let mut state = self.state.lock().unwrap();
        let moving = |it: &Disputed| it.stage != DisputeStage::Won;
        if self.draw(2) == 0 {
            let Some(order) = self.pick(&state, |payment| payment.disputes.iter().any(moving)) else { return };
            let wins = self.draw(2) == 0;
            let disputes = &mut state.payments.get_mut(&order).unwrap().disputes;
            let dispute = disputes.iter_mut().find(|dispute| moving(dispute)).unwrap();
            let (reference, amount) = (dispute.reference.clone(), money(dispute.amount));
            if wins {
                dispute.stage = DisputeStage::Won;
                state.tell(&order, Event::DisputeWon { dispute: reference, amount });
            } else if dispute.stage == DisputeStage::Open {
                dispute.stage = DisputeStage::Lost;
                state.tell(&order, Event::DisputeLost { dispute: reference, amount });
            }
            return;
        }
        let Some(order) = self.pick(&state, |it| it.rest() > 0 && it.charged_back() == 0) else { return };
        let payment = state.payments.get_mut(&order).unwrap();
        let rest = payment.rest();
        let amount = if self.draw(3) == 0 { 1 + i64::try_from(self.draw(rest.unsigned_abs())).unwrap() } else { rest };
        let reference: AcquirerReference = format!("dsp_{}_{order}", payment.disputes.len()).parse().unwrap();
        payment.disputes.push(Disputed { reference: reference.clone(), amount, stage: DisputeStage::Open });
        state.tell(&order, Event::DisputeOpened { dispute: reference, amount: money(amount) });
    }

    /// Puts some notification on its way: the body to be sent, and its place.
    pub fn next_notification(&self) -> Option<String> {
        let mut state = self.state.lock().unwrap();
        if state.due.is_empty() {
            return None;
        }
        let place = usize::try_from(self.draw(state.due.len() as u64)).unwrap();
        let twice = self.fails(20);
        let notification = if twice { state.due[place].clone() } else { state.due.swap_remove(place) };
        state.sent.push(notification);
        Some((state.sent.len() - 1).to_string())
    }

    /// It was not taken: to be sent again.
    pub fn again(&self, body: &str) {
        let mut state = self.state.lock().unwrap();
        let notification = state.sent[body.parse::<usize>().unwrap()].clone();
        state.due.push(notification);
    }

    fn lost<T>() -> Outcome<T> {
        Outcome::unknown("the answer got lost")
    }
}

#[async_trait]
impl Acquirer for Bank {
    fn kind(&self) -> &'static str {
        "bank"
    }

    fn offers(&self, _: &PaymentMethod) -> bool {
        true
    }

    async fn authorise(&self, order: &PaymentOrder) -> Outcome<Authorised> {
        let (id, asked) = (order.order.as_str(), order.amount.minor());
        let fate = if self.faulty.load(Ordering::SeqCst) { self.draw(100) } else { 0 };
        let mut state = self.state.lock().unwrap();
        let payment = |stage| Payment { amount: asked, stage, captured: 0, refunds: Vec::new(), disputes: Vec::new() };
        if (85..90).contains(&fate) {
            return if fate < 87 { Outcome::NotSent(NotSent::Unreachable("down".into())) } else { Self::lost() };
        }
        state.payments.insert(id.into(), payment(Stage::Refused));
        if order.method == PaymentMethod::HostedPage || (90..95).contains(&fate) {
            state.payments.insert(id.into(), payment(Stage::OnPage));
            let action = CustomerAction::Redirect { url: "https://bank.example/page".into() };
            return Outcome::Done(Authorised::NeedsCustomer { reference: Some(reference(id)), action });
        }
        match fate {
            0..60 => {
                state.capture(id, asked);
                Outcome::Done(Authorised::Captured { reference: reference(id), amount: money(asked) })
            }
            60..70 => {
                state.capture(id, asked);
                Self::lost()
            }
            70..76 => {
                let later = i64::try_from(self.draw(200_000)).unwrap();
                state.payments.insert(id.into(), payment(Stage::Comes(self.clock.now().plus_ms(later))));
                Self::lost()
            }
            76..80 => {
                state.capture(id, asked);
                Outcome::Done(Authorised::Pending { reference: reference(id) })
            }
            80..85 => {
                state.capture(id, asked - 1);
                Outcome::Done(Authorised::Captured { reference: reference(id), amount: money(asked - 1) })
            }
            _ => Outcome::refused(RefusalReason::CardDeclined, "05"),
        }
    }

    async fn capture(&self, _: &Asked, _: taabia::domain::Money, _: Timestamp) -> Outcome<Done> {
        unreachable!("it captures by itself")
    }

    async fn void(&self, payment: &Asked, _: Timestamp) -> Outcome<Done> {
        let mut state = self.state.lock().unwrap();
        let Some(known) = state.payments.get_mut(payment.order.as_str()) else { return Self::lost() };
        if known.stage != Stage::OnPage {
            return Outcome::refused(RefusalReason::WrongStage, "stage");
        }
        known.stage = Stage::Voided;
        Outcome::Done(Done { reference: reference(payment.order.as_str()), amount: payment.amount, settled: true })
    }

    async fn refund(&self, order: &RefundOrder) -> Outcome<Done> {
        let fate = if self.faulty.load(Ordering::SeqCst) { self.draw(10) } else { 0 };
        let id = order.payment.order.as_str();
        let mut state = self.state.lock().unwrap();
        let payment = state.payments.get_mut(id).unwrap();
        let amount = order.amount.minor();
        if fate == 8 || amount > payment.rest() {
            return Outcome::refused(RefusalReason::WrongStage, "rest");
        }
        if fate == 9 {
            return Self::lost();
        }
        payment.refunds.push((order.refund.as_str().into(), amount));
        let (own, refund) = (format!("rf_{}", order.refund.as_str()), order.refund.clone());
        let own: AcquirerReference = own.parse().unwrap();
        let (reference, amount) = (Some(own.clone()), Some(order.amount));
        state.tell(id, Event::Refunded { refund: Some(refund), reference, amount, total: None });
        if fate >= 6 {
            Self::lost()
        } else {
            Outcome::Done(Done { reference: own, amount: order.amount, settled: true })
        }
    }

    async fn lookup(&self, payment: &Asked) -> Lookup {
        if self.fails(25) {
            return Lookup::Unknown("no answer".into());
        }
        let books = self.state.lock().unwrap();
        let Some(known) = books.payments.get(payment.order.as_str()) else { return Lookup::NotKnown };
        let stage = match known.stage {
            Stage::Comes(_) => return Lookup::NotKnown,
            Stage::OnPage => PaymentStage::NeedsCustomer(None),
            Stage::Captured => PaymentStage::Captured,
            Stage::Refused => PaymentStage::Refused(Refusal::new(RefusalReason::CardDeclined, "05")),
            Stage::Voided => PaymentStage::Voided,
        };
        let refunds = known.refunds.iter().map(|(refund, amount)| RefundState {
            refund: Some(refund.parse().unwrap()),
            reference: format!("rf_{refund}").parse().unwrap(),
            amount: money(*amount),
            stage: RefundStage::Done,
        });
        Lookup::Known(PaymentState {
            order: payment.order.clone(),
            reference: reference(payment.order.as_str()),
            stage,
            amount: money(known.amount),
            captured: money(known.captured),
            refunded: money(known.refunded()),
            refunds: refunds.collect(),
            dispute: known.disputes.last().map(|it| DisputeState {
                reference: it.reference.clone(),
                amount: money(it.amount),
                stage: it.stage,
            }),
        })
    }

    fn read_notification(&self, received: &Received<'_>) -> Result<Notified, NotificationError> {
        let place = std::str::from_utf8(received.body).ok().and_then(|text| text.parse::<usize>().ok());
        let state = self.state.lock().unwrap();
        let sent = place.and_then(|place| state.sent.get(place).cloned());
        sent.map(Notified::Of).ok_or(NotificationError::Unsigned)
    }

    fn reply(&self, verdict: NotificationVerdict) -> NotificationReply {
        let body = if verdict == NotificationVerdict::Later { "later" } else { "taken" };
        NotificationReply { status: 200, content_type: "text/plain", body }
    }

    fn settlement_profile(&self) -> &SettlementProfile {
        &self.profile
    }
}
