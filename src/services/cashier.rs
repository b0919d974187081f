//! Moves top-ups by what acquirers say, whoever asked them.

use std::sync::Arc;

use super::caller::ServiceError;
use super::recharges::Recharges;
use crate::acquiring::{AcquirerName, Acquirers};
use crate::domain::{Currency, Decline, Money, Operation, OperationId, OperationKind, Status, Timestamp, Topup};
use crate::ledger::command::{AdvanceTopup, Command, CreditTopup, Request, TopupEvidence};
use crate::ports::acquirer::{
    Acquirer, AcquirerReference, Authorised, CaptureMode, CustomerAction, Lookup, OrderId, Outcome, PageLanguage,
    Payment, PaymentMethod, PaymentOrder, PaymentStage, RefusalReason,
};
use crate::ports::{Clock, Ledger, LedgerError, Randomness, Reads};

/// Times that tell when silence means something.
#[derive(Clone, Debug)]
pub struct CashierConfig {
    pub currency: Currency,
    /// How long an acquirer may take to answer a step.
    pub acquirer_deadline_ms: i64,
    /// How long after that deadline an acquirer may not know a payment yet that it will know.
    pub lookup_horizon_ms: i64,
    /// Where customers' browsers reach us.
    pub public_url: Box<str>,
}

/// Moves top-ups.
pub struct Cashier {
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn Reads>,
    pub acquirers: Arc<Acquirers>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
    /// Sells what subscribers pay for by card.
    pub recharges: Arc<Recharges>,
    pub config: CashierConfig,
}

/// Who moves top-ups by what an acquirer said, as the journal records it.
const ACTOR: &str = "system:acquirer";

/// Our id of a top-up at acquirers.
///
/// # Panics
/// Never: 40 letters, digits and `_` and `-`.
#[must_use]
pub fn order_id(id: OperationId) -> OrderId {
    OperationKind::Topup.render(id).parse().expect("a rendered id fits")
}

/// The top-up that an order is about.
#[must_use]
pub fn of_order(order: &OrderId) -> Option<OperationId> {
    let id = order.as_str().strip_prefix(OperationKind::Topup.prefix())?;
    id.parse().ok().map(OperationId::from_uuid)
}

impl Cashier {
    /// Writes down that another acquirer is about to be asked than the one that provably was not; false when it must
    /// not be.
    pub async fn asks(&self, operation: &Operation, acquirer: &str) -> bool {
        self.advance(operation, None, TopupEvidence::Asked { acquirer: acquirer.into() }).await.is_ok()
    }

    /// # Errors
    /// [`ServiceError`] when it could not be written down.
    pub async fn advance(
        &self,
        operation: &Operation,
        reference: Option<&AcquirerReference>,
        evidence: TopupEvidence,
    ) -> Result<Arc<Operation>, ServiceError> {
        let reference = reference.map(|reference| reference.as_str().into());
        let (id, reseller) = (operation.id, operation.reseller);
        let request = AdvanceTopup { operation: id, reseller, reference, evidence };
        self.execute(Request::AdvanceTopup(request)).await
    }

    /// Tries to credit what was taken and could not be credited.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn credit(&self, operation: &Operation) -> Result<Arc<Operation>, ServiceError> {
        let request = CreditTopup { operation: operation.id, reseller: operation.reseller };
        self.execute(Request::CreditTopup(request)).await
    }

    pub(super) async fn execute(&self, request: Request) -> Result<Arc<Operation>, ServiceError> {
        let outcome = self.ledger.execute(Command { actor: ACTOR.into(), request }).await;
        match outcome {
            Ok(outcome) => outcome.operation().cloned().ok_or(ServiceError::Internal),
            Err(error) => {
                if !matches!(error, LedgerError::Refused(_)) {
                    tracing::warn!(%error, "a top-up was not moved on");
                }
                Err(error.into())
            }
        }
    }

    #[must_use]
    pub fn money(&self, minor: i64) -> Money {
        Money::from_minor(minor, self.config.currency)
    }

    /// What became of an authorisation.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn authorised(
        &self,
        operation: &Operation,
        acquirer: &AcquirerName,
        outcome: Outcome<Authorised>,
    ) -> Result<Arc<Operation>, ServiceError> {
        match outcome {
            Outcome::Done(Authorised::Captured { reference, amount }) => {
                self.taken(operation, acquirer, Some(&reference), amount).await
            }
            Outcome::Done(Authorised::Held { reference, .. }) => {
                let operation = self.advance(operation, Some(&reference), TopupEvidence::Pending).await?;
                self.capture(&operation, acquirer).await
            }
            Outcome::Done(Authorised::NeedsCustomer { reference, action }) => {
                let action_url = Some(self.action_url(operation, action));
                self.advance(operation, reference.as_ref(), TopupEvidence::NeedsCustomer { action_url }).await
            }
            Outcome::Done(Authorised::Pending { reference }) => {
                self.advance(operation, Some(&reference), TopupEvidence::Pending).await
            }
            Outcome::Refused(refusal) => {
                let evidence = TopupEvidence::NotTaken(decline_of(refusal.reason));
                self.advance(operation, None, evidence).await
            }
            Outcome::Unknown { reference, reason } => {
                tracing::info!(topup.id = %OperationKind::Topup.render(operation.id), reason, "top-up in doubt");
                self.advance(operation, reference.as_ref(), TopupEvidence::Unknown).await
            }
            Outcome::NotSent(_) => {
                self.advance(operation, None, TopupEvidence::NotTaken(Decline::PaymentNotMade)).await
            }
        }
    }

    /// A form needs a page that posts it: our own.
    fn action_url(&self, operation: &Operation, action: CustomerAction) -> Box<str> {
        match action {
            CustomerAction::Redirect { url } => url,
            CustomerAction::Form { .. } => self.page_url(operation.id),
        }
    }

    /// Our own page of a top-up.
    #[must_use]
    pub fn page_url(&self, id: OperationId) -> Box<str> {
        format!("{}/pay/{}", self.config.public_url, OperationKind::Topup.render(id)).into()
    }

    /// The money was taken.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn taken(
        &self,
        operation: &Operation,
        acquirer: &AcquirerName,
        reference: Option<&AcquirerReference>,
        amount: Money,
    ) -> Result<Arc<Operation>, ServiceError> {
        if amount.currency() != self.config.currency {
            let id = OperationKind::Topup.render(operation.id);
            tracing::error!(topup.id = id, %acquirer, "money was taken in another currency: somebody must look at it");
            return self.advance(operation, reference, TopupEvidence::Unknown).await;
        }
        let evidence = TopupEvidence::Taken { acquirer: acquirer.as_str().into(), amount_minor: amount.minor() };
        self.advance(operation, reference, evidence).await
    }

    /// Takes money that was set aside.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn capture(
        &self,
        operation: &Operation,
        acquirer: &AcquirerName,
    ) -> Result<Arc<Operation>, ServiceError> {
        let (peer, payment) = self.payment(operation, acquirer)?;
        match peer.capture(&payment, payment.amount, self.deadline()).await {
            Outcome::Done(done) if done.settled => {
                self.taken(operation, acquirer, Some(&done.reference), done.amount).await
            }
            Outcome::Done(done) => self.advance(operation, Some(&done.reference), TopupEvidence::Pending).await,
            // Refused, not sent or unknown: only how the payment stands says what is next.
            _ => self.advance(operation, None, TopupEvidence::Unknown).await,
        }
    }

    /// What is asked of an acquirer for a top-up; the same again for the same one.
    pub(super) fn order(&self, operation: &Operation, topup: &Topup, method: PaymentMethod) -> PaymentOrder {
        // Without an address of the seller's the customer comes back to our page.
        let return_url =
            topup.return_url.clone().unwrap_or_else(|| format!("{}?returned", self.page_url(operation.id)).into());
        PaymentOrder {
            order: order_id(operation.id),
            amount: Money::from_minor(topup.due_minor(), self.config.currency),
            method,
            // Each acquirer has its own.
            capture: CaptureMode::Automatic,
            return_url: Some(return_url),
            language: PageLanguage::default(),
            submit_by: operation.created_at.plus_ms(self.config.acquirer_deadline_ms),
        }
    }

    /// Whether the time to pay is over.
    #[must_use]
    pub fn is_expired(&self, topup: &Topup) -> bool {
        self.clock.now() >= Timestamp::from_unix_ms(topup.quote_until_ms)
    }

    /// What the customer must do, while it can be done. A form is not kept, since it is signed: the same order again gets
    /// it again.
    pub async fn action(&self, operation: &Operation, language: PageLanguage) -> Option<CustomerAction> {
        let topup = operation.topup().filter(|topup| !self.is_expired(topup))?;
        let url = topup.payment.action_url.as_ref().filter(|_| operation.status == Status::RequiresAction)?;
        let our_page = format!("/pay/{}", OperationKind::Topup.render(operation.id));
        if !url.ends_with(&our_page) {
            return Some(CustomerAction::Redirect { url: url.clone() });
        }
        let peer = self.acquirers.get(&topup.payment.acquirer.as_deref()?.parse().ok()?)?;
        let order = self.order(operation, topup, PaymentMethod::HostedPage);
        match peer.authorise(&PaymentOrder { language, submit_by: self.deadline(), ..order }).await {
            Outcome::Done(Authorised::NeedsCustomer { action: form @ CustomerAction::Form { .. }, .. }) => Some(form),
            _ => None,
        }
    }

    /// The acquirer says that money is set aside.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn set_aside(
        &self,
        operation: &Operation,
        reference: Option<&AcquirerReference>,
    ) -> Result<Arc<Operation>, ServiceError> {
        self.advance(operation, reference, TopupEvidence::Pending).await
    }

    /// Whether an acquirer was asked and may still answer: whoever asked waits for it.
    #[must_use]
    pub fn is_being_asked(&self, operation: &Operation) -> bool {
        let answered_by = operation.created_at.plus_ms(self.config.acquirer_deadline_ms);
        let answered = operation.topup().is_none_or(|topup| topup.payment.reference.is_some());
        operation.status == Status::Processing && !answered && self.clock.now() <= answered_by
    }

    pub(super) fn payment(
        &self,
        operation: &Operation,
        acquirer: &AcquirerName,
    ) -> Result<(Arc<dyn Acquirer>, Payment), ServiceError> {
        let topup = operation.topup().ok_or(ServiceError::Internal)?;
        let peer = self.acquirers.get(acquirer).ok_or(ServiceError::Internal)?;
        let reference = topup.payment.reference.as_deref().and_then(|reference| reference.parse().ok());
        let amount = Money::from_minor(topup.due_minor(), self.config.currency);
        Ok((peer, Payment { order: order_id(operation.id), reference, amount }))
    }

    fn deadline(&self) -> Timestamp {
        self.clock.now().plus_ms(self.config.acquirer_deadline_ms)
    }

    /// Looks how a top-up that is not at its end stands, and moves it on where that says something.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn look(&self, operation: &Operation) -> Result<(), ServiceError> {
        if operation.refund().is_some() {
            return self.look_at_refund(operation).await;
        }
        let topup = operation.topup().ok_or(ServiceError::Internal)?;
        if topup.outcome().is_some() {
            return self.look_after(operation).await;
        }
        let now = self.clock.now();
        let answered_by = operation.created_at.plus_ms(self.config.acquirer_deadline_ms);
        let known_by = answered_by.plus_ms(self.config.lookup_horizon_ms);
        let given_up_by = Timestamp::from_unix_ms(topup.quote_until_ms).plus_ms(self.config.lookup_horizon_ms);
        let Some(acquirer) = topup.payment.acquirer.as_deref().and_then(|name| name.parse::<AcquirerName>().ok())
        else {
            // Whom to ask is written down before anybody is asked, and nobody is after this.
            if now > answered_by {
                self.advance(operation, None, TopupEvidence::NotTaken(Decline::PaymentNotMade)).await?;
            }
            return Ok(());
        };
        if self.is_being_asked(operation) {
            return Ok(());
        }
        let (peer, payment) = self.payment(operation, &acquirer)?;
        let state = match peer.lookup(&payment).await {
            Lookup::Known(state) => state,
            // A page that nobody has used is not known anywhere.
            Lookup::NotKnown if now > known_by && (topup.method.is_some() || now > given_up_by) => {
                self.advance(operation, None, TopupEvidence::NotTaken(Decline::PaymentNotMade)).await?;
                return Ok(());
            }
            Lookup::NotOffered if now > given_up_by && topup.method.is_none() => {
                self.advance(operation, None, TopupEvidence::NotTaken(Decline::PaymentAbandoned)).await?;
                return Ok(());
            }
            Lookup::NotKnown | Lookup::NotOffered | Lookup::Unknown(_) => return Ok(()),
        };
        let reference = Some(&state.reference);
        match state.stage {
            PaymentStage::Captured => {
                let after = self.taken(operation, &acquirer, reference, state.captured).await?;
                if let Some(told) = &state.dispute {
                    self.book_dispute(&after, &acquirer, told).await?;
                }
            }
            PaymentStage::Authorised if now > given_up_by => self.give_up(operation, &acquirer).await?,
            PaymentStage::Authorised => {
                let operation = self.advance(operation, reference, TopupEvidence::Pending).await?;
                self.capture(&operation, &acquirer).await?;
            }
            PaymentStage::Refused(refusal) => {
                let evidence = TopupEvidence::NotTaken(decline_of(refusal.reason));
                self.advance(operation, reference, evidence).await?;
            }
            PaymentStage::Voided => {
                let evidence = TopupEvidence::NotTaken(Decline::PaymentAbandoned);
                self.advance(operation, reference, evidence).await?;
            }
            PaymentStage::NeedsCustomer(_) | PaymentStage::Pending if now > given_up_by => {
                self.give_up(operation, &acquirer).await?;
            }
            PaymentStage::NeedsCustomer(action) => {
                let action_url = action.map(|action| self.action_url(operation, action));
                self.advance(operation, reference, TopupEvidence::NeedsCustomer { action_url }).await?;
            }
            PaymentStage::Pending => drop(self.advance(operation, reference, TopupEvidence::Pending).await?),
        }
        Ok(())
    }

    /// Ends a payment that nobody made: the stock is free again only once the acquirer has ended it.
    async fn give_up(&self, operation: &Operation, acquirer: &AcquirerName) -> Result<(), ServiceError> {
        let (peer, payment) = self.payment(operation, acquirer)?;
        if let Outcome::Done(_) = peer.void(&payment, self.deadline()).await {
            self.advance(operation, None, TopupEvidence::NotTaken(Decline::PaymentAbandoned)).await?;
        }
        Ok(())
    }
}

/// Why a top-up is declined, as its buyer can act on it.
fn decline_of(reason: RefusalReason) -> Decline {
    match reason {
        RefusalReason::InsufficientFunds => Decline::CardFundsInsufficient,
        RefusalReason::AuthenticationFailed | RefusalReason::Cancelled => Decline::PaymentAbandoned,
        RefusalReason::MethodNotOffered | RefusalReason::AmountOutOfRange => Decline::PaymentNotOffered,
        RefusalReason::Misconfigured
        | RefusalReason::AcquirerError
        | RefusalReason::OtherContent
        | RefusalReason::PaymentUnknown
        | RefusalReason::WrongStage => Decline::PaymentNotMade,
        RefusalReason::CardDeclined | RefusalReason::CardExpired | RefusalReason::TokenUnknown => {
            Decline::PaymentDeclined
        }
    }
}
