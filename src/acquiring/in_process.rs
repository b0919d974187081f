//! Takes every payment at once, inside the process: for load tests, where no card is charged.
//!
//! It is an acquirer whose books are lost with the process. Of what it took it remembers the latest payments in
//! generations, each dropped whole when there are too many: memory is bounded. After something was forgotten, an order
//! that it does not find is `Unknown`, not `NotKnown`: it cannot tell whether it had taken it. It declines the tokens
//! `tok_declined` and `tok_insufficient_funds`, and asks nobody to prove who they are.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{Dependencies, simulator};
use crate::domain::{Money, Timestamp};
use crate::ports::acquirer::{
    AcquirerReference, Authorised, CaptureMode, Done, Lookup, NotSent, NotificationError, NotificationReply,
    NotificationVerdict, Notified, OrderId, Outcome, Payment, PaymentMethod, PaymentOrder, PaymentStage, PaymentState,
    Received, RefundOrder, RefundStage, RefundState, RefusalReason, SettlementProfile,
};
use crate::ports::{Acquirer, Clock};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// At least this many of the latest payments are remembered.
    pub remembered_payments: NonZeroUsize,
}

impl Default for Config {
    fn default() -> Self {
        Self { remembered_payments: NonZeroUsize::new(500_000).expect("it is not zero") }
    }
}

/// What was taken since the process began, refunds subtracted from neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub captured_count: u64,
    pub captured_minor: i128,
    pub refunded_minor: i128,
}

/// The adapter.
pub struct InProcess {
    clock: Arc<dyn Clock>,
    profile: SettlementProfile,
    books: Mutex<Books>,
}

impl InProcess {
    #[must_use]
    pub fn new(config: &Config, dependencies: &Dependencies) -> Self {
        let books = Books::new(config.remembered_payments.get(), GENERATION);
        Self { clock: dependencies.clock.clone(), profile: simulator::settlement_profile(), books: Mutex::new(books) }
    }

    #[must_use]
    pub fn tally(&self) -> Tally {
        self.books().tally
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // Nothing in here panics halfway through a change.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_late<T>(&self, submit_by: Timestamp) -> Option<Outcome<T>> {
        (self.clock.now() > submit_by).then_some(Outcome::NotSent(NotSent::TooLate))
    }
}

#[async_trait]
impl Acquirer for InProcess {
    fn kind(&self) -> &'static str {
        "in_process"
    }

    fn offers(&self, method: &PaymentMethod) -> bool {
        matches!(method, PaymentMethod::Token(_))
    }

    async fn authorise(&self, order: &PaymentOrder) -> Outcome<Authorised> {
        let PaymentMethod::Token(token) = &order.method else { return Outcome::NotSent(NotSent::NotOffered) };
        if let Some(late) = self.is_late(order.submit_by) {
            return late;
        }
        match token.as_str() {
            "tok_declined" => Outcome::refused(RefusalReason::CardDeclined, "card_declined"),
            "tok_insufficient_funds" => Outcome::refused(RefusalReason::InsufficientFunds, "insufficient_funds"),
            _ => self.books().authorise(order),
        }
    }

    async fn capture(&self, payment: &Payment, amount: Money, submit_by: Timestamp) -> Outcome<Done> {
        if let Some(late) = self.is_late(submit_by) {
            return late;
        }
        let mut books = self.books();
        let outcome = books.change(&payment.order, |state| match state.stage {
            PaymentStage::Authorised if amount.minor() <= state.amount.minor() => {
                state.stage = PaymentStage::Captured;
                state.captured = amount;
                Ok(Done { reference: state.reference.clone(), amount, settled: true })
            }
            PaymentStage::Authorised => Err(RefusalReason::AmountOutOfRange),
            _ => Err(RefusalReason::WrongStage),
        });
        if let Outcome::Done(done) = &outcome {
            books.tally.captured_count += 1;
            books.tally.captured_minor += i128::from(done.amount.minor());
        }
        outcome
    }

    async fn void(&self, payment: &Payment, submit_by: Timestamp) -> Outcome<Done> {
        if let Some(late) = self.is_late(submit_by) {
            return late;
        }
        self.books().change(&payment.order, |state| match state.stage {
            PaymentStage::Authorised | PaymentStage::Voided => {
                state.stage = PaymentStage::Voided;
                Ok(Done { reference: state.reference.clone(), amount: state.amount, settled: true })
            }
            _ => Err(RefusalReason::WrongStage),
        })
    }

    async fn refund(&self, order: &RefundOrder) -> Outcome<Done> {
        if let Some(late) = self.is_late(order.submit_by) {
            return late;
        }
        let mut books = self.books();
        let mut repeated = false;
        let outcome = books.change(&order.payment.order, |state| {
            let reference: AcquirerReference =
                format!("in_process_{}", order.refund).parse().expect("an order's id is plain and short");
            let done = Done { reference: reference.clone(), amount: order.amount, settled: true };
            if let Some(known) = state.refunds.iter().find(|refund| refund.refund.as_ref() == Some(&order.refund)) {
                repeated = true;
                return if known.amount == order.amount { Ok(done) } else { Err(RefusalReason::OtherContent) };
            }
            if state.stage != PaymentStage::Captured {
                return Err(RefusalReason::WrongStage);
            }
            let refunded = state.refunded.minor() + order.amount.minor();
            if refunded > state.captured.minor() {
                return Err(RefusalReason::AmountOutOfRange);
            }
            state.refunded = Money::from_minor(refunded, state.amount.currency());
            state.refunds.push(RefundState {
                refund: Some(order.refund.clone()),
                reference,
                amount: order.amount,
                stage: RefundStage::Done,
            });
            Ok(done)
        });
        if let (Outcome::Done(done), false) = (&outcome, repeated) {
            books.tally.refunded_minor += i128::from(done.amount.minor());
        }
        outcome
    }

    async fn lookup(&self, payment: &Payment) -> Lookup {
        self.books().find(&payment.order)
    }

    fn read_notification(&self, _: &Received<'_>) -> Result<Notified, NotificationError> {
        // It never sends one.
        Err(NotificationError::WrongSignature)
    }

    fn reply(&self, verdict: NotificationVerdict) -> NotificationReply {
        simulator::reply(verdict)
    }

    fn settlement_profile(&self) -> &SettlementProfile {
        &self.profile
    }
}

const GENERATION: usize = 57_344;

struct Books {
    tally: Tally,
    generation: usize,
    max_generations: usize,
    /// Oldest first.
    generations: VecDeque<HashMap<OrderId, PaymentState>>,
    forgot: bool,
}

impl Books {
    fn new(remembered: usize, generation: usize) -> Self {
        // One more than needed: the newest is still filling when the oldest goes.
        let max_generations = remembered.div_ceil(generation) + 1;
        Self { tally: Tally::default(), generation, max_generations, generations: VecDeque::new(), forgot: false }
    }

    fn authorise(&mut self, order: &PaymentOrder) -> Outcome<Authorised> {
        if let Some(known) = self.state(&order.order) {
            return match known.stage {
                _ if known.amount != order.amount => Outcome::refused(RefusalReason::OtherContent, "order_reused"),
                PaymentStage::Voided => Outcome::refused(RefusalReason::Cancelled, "voided"),
                _ => Outcome::Done(authorised(known)),
            };
        }
        let reference = format!("in_process_{}", order.order).parse().expect("an order's id is plain and short");
        let nothing = Money::from_minor(0, order.amount.currency());
        let captured = order.capture == CaptureMode::Automatic;
        let state = PaymentState {
            order: order.order.clone(),
            reference,
            stage: if captured { PaymentStage::Captured } else { PaymentStage::Authorised },
            amount: order.amount,
            captured: if captured { order.amount } else { nothing },
            refunded: nothing,
            refunds: Vec::new(),
            dispute: None,
        };
        if captured {
            self.tally.captured_count += 1;
            self.tally.captured_minor += i128::from(order.amount.minor());
        }
        let answer = authorised(&state);
        self.keep(state);
        Outcome::Done(answer)
    }

    fn keep(&mut self, state: PaymentState) {
        if self.generations.back().is_none_or(|newest| newest.len() >= self.generation) {
            if self.generations.len() >= self.max_generations {
                self.generations.pop_front();
                self.forgot = true;
            }
            self.generations.push_back(HashMap::with_capacity(self.generation));
        }
        let newest = self.generations.back_mut().expect("one was just made sure of");
        newest.insert(state.order.clone(), state);
    }

    fn state(&mut self, order: &OrderId) -> Option<&mut PaymentState> {
        self.generations.iter_mut().rev().find_map(|generation| generation.get_mut(order))
    }

    fn change(
        &mut self,
        order: &OrderId,
        change: impl FnOnce(&mut PaymentState) -> Result<Done, RefusalReason>,
    ) -> Outcome<Done> {
        let forgot = self.forgot;
        match self.state(order).map(change) {
            Some(Ok(done)) => Outcome::Done(done),
            Some(Err(reason)) => Outcome::refused(reason, "in_process"),
            None if forgot => Outcome::unknown(FORGOTTEN),
            None => Outcome::refused(RefusalReason::PaymentUnknown, "not_known"),
        }
    }

    fn find(&mut self, order: &OrderId) -> Lookup {
        let forgot = self.forgot;
        match self.state(order) {
            Some(state) => Lookup::Known(state.clone()),
            None if forgot => Lookup::Unknown(FORGOTTEN.into()),
            None => Lookup::NotKnown,
        }
    }
}

const FORGOTTEN: &str = "not among the latest payments, which are all that is remembered";

fn authorised(state: &PaymentState) -> Authorised {
    let (reference, amount) = (state.reference.clone(), state.amount);
    if state.stage == PaymentStage::Authorised {
        Authorised::Held { reference, amount }
    } else {
        Authorised::Captured { reference, amount: state.captured }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Currency;
    use crate::ports::acquirer::PageLanguage;

    fn order(number: usize) -> PaymentOrder {
        PaymentOrder {
            order: format!("o{number}").parse().unwrap(),
            amount: Money::from_minor(1_000, Currency::MAD),
            method: PaymentMethod::Token("tok_visa".parse().unwrap()),
            capture: CaptureMode::Automatic,
            return_url: None,
            language: PageLanguage::French,
            submit_by: Timestamp::EPOCH,
        }
    }

    #[test]
    fn what_was_forgotten_is_unknown_and_memory_is_bounded() {
        let mut books = Books::new(20, 10);
        assert_eq!(books.find(&order(0).order), Lookup::NotKnown);
        for number in 0..100 {
            assert!(matches!(books.authorise(&order(number)), Outcome::Done(Authorised::Captured { .. })));
        }
        assert!(books.generations.iter().map(HashMap::len).sum::<usize>() <= 30);
        assert!(matches!(books.find(&order(0).order), Lookup::Unknown(_)));
        assert!((80..100).all(|number| matches!(books.find(&order(number).order), Lookup::Known(_))));
        assert_eq!(books.tally, Tally { captured_count: 100, captured_minor: 100_000, refunded_minor: 0 });
        books.authorise(&order(99));
        assert_eq!(books.tally.captured_count, 100, "the same order again is the same payment");
    }
}
