//! What acquirers tell by themselves: at least once, late, in any order (`domain.md` \[3\], \[10\]).
//!
//! Nothing is told apart by whether it came before: what a top-up has seen already changes nothing by its states, so a
//! repetition can never be mistaken for an effect that failed. A notification is kept after its effect is durable; where
//! either fails, the acquirer is told to send it again.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::caller::ServiceError;
use super::cashier::{Cashier, of_order};
use super::refunds::of_refund;
use super::topups::{TopupDeps, Topups};
use crate::acquiring::AcquirerName;
use crate::domain::dispute::Turn;
use crate::domain::{Decline, DisputeStage, Money, Operation, OperationKind, Status, Timestamp, Topup};
use crate::ledger::command::RefundEvidence;
use crate::ports::acquirer::{
    AcquirerReference, CaptureMode, DisputeState, Event, Notification, NotificationError, NotificationReply,
    NotificationVerdict, Notified, OrderId, Received,
};
use crate::ports::{KeptNotification, NotificationOutcome};

/// What became of a notification, and what the acquirer is told.
type Ending = (NotificationOutcome, NotificationVerdict);

impl Topups {
    /// Takes a notification in, and says how to answer it. `None` when there is no acquirer of the name.
    pub async fn notified(
        &self,
        name: &AcquirerName,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<NotificationReply> {
        let acquirer = self.deps.acquirers.get(name)?;
        let at = self.deps.clock.now();
        let verdict = match acquirer.read_notification(&Received { headers, body, at }) {
            Ok(Notified::Of(notification)) => {
                let desk = Desk { deps: Arc::clone(&self.deps), name: name.clone(), at };
                let digest = Sha256::digest(body).into();
                // Runs to its end whether the acquirer waits or not.
                let task = tokio::spawn(async move { desk.take(&notification, digest).await });
                task.await.unwrap_or(NotificationVerdict::Later)
            }
            Ok(Notified::Irrelevant { .. }) => NotificationVerdict::Keep,
            Err(error) => {
                if error == NotificationError::Unreadable {
                    tracing::warn!(acquirer = %name, "a genuine notification cannot be read");
                }
                NotificationVerdict::Refuse
            }
        };
        Some(acquirer.reply(verdict))
    }
}

/// Notifications that somebody has to match, and whether there are more.
pub type KeptPage = (Vec<KeptNotification>, bool);

impl Topups {
    /// A page of what an acquirer told and nobody has matched, newest first, before the time and the key of `before`.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when there is no acquirer of the name; [`ServiceError`].
    pub async fn kept_notifications(
        &self,
        name: &AcquirerName,
        before: Option<&(Timestamp, Box<str>)>,
        limit: u32,
    ) -> Result<KeptPage, ServiceError> {
        self.deps.acquirers.get(name).ok_or(ServiceError::NotFound)?;
        let log = &self.deps.notifications;
        let mut kept = log.kept_notifications_of(name.as_str(), before, limit + 1).await?;
        let more = kept.len() > limit as usize;
        kept.truncate(limit as usize);
        Ok((kept, more))
    }
}

/// One notification on its way.
struct Desk {
    deps: Arc<TopupDeps>,
    name: AcquirerName,
    at: Timestamp,
}

impl Desk {
    async fn take(&self, notification: &Notification, digest: [u8; 32]) -> NotificationVerdict {
        let (outcome, verdict) = match self.apply(notification).await {
            Ok(ending) => ending,
            Err(error) => {
                tracing::warn!(acquirer = %self.name, ?error, "a notification could not be written down");
                (NotificationOutcome::Failed, NotificationVerdict::Later)
            }
        };
        if outcome.is_kept() {
            let word = kind(&notification.event);
            tracing::warn!(acquirer = %self.name, kind = word, outcome = outcome.name(), "a notification is kept");
        }
        let kept = self.kept(notification, digest, outcome);
        match self.deps.notifications.keep_notification(&kept).await {
            Ok(()) => verdict,
            // What is captured by the answer was booked: it must be.
            Err(_) if verdict == NotificationVerdict::Take => verdict,
            Err(error) => {
                tracing::warn!(acquirer = %self.name, %error, "a notification could not be kept");
                NotificationVerdict::Later
            }
        }
    }

    fn kept(&self, notification: &Notification, digest: [u8; 32], outcome: NotificationOutcome) -> KeptNotification {
        let amount = amount(&notification.event);
        KeptNotification {
            acquirer: self.name.as_str().into(),
            key: notification.key.clone(),
            received_at: self.at,
            times: 1,
            kind: kind(&notification.event).into(),
            order: notification.order.as_ref().map(|order| order.as_str().into()),
            reference: notification.reference.as_ref().map(|reference| reference.as_str().into()),
            amount_minor: amount.map(Money::minor),
            currency: amount.map(|amount| amount.currency().code().into()),
            digest,
            outcome,
        }
    }

    /// Does what the notification says.
    async fn apply(&self, notification: &Notification) -> Result<Ending, ServiceError> {
        use NotificationOutcome::{OtherCurrency, UnknownOrder};
        use NotificationVerdict::{Keep, Refuse};
        let by_reply = matches!(notification.event, Event::Authorised { captured_by_reply: true, .. });
        let nothing = if by_reply { Refuse } else { Keep };
        let Some(operation) = self.find(notification).await? else { return Ok((UnknownOrder, nothing)) };
        let currency = self.deps.cashier.config.currency;
        if amount(&notification.event).is_some_and(|amount| amount.currency() != currency || amount.minor() <= 0) {
            return Ok((OtherCurrency, nothing));
        }
        let reference = notification.reference.as_ref();
        match &notification.event {
            Event::Captured { amount } => self.captured(&operation, reference, *amount).await,
            Event::Authorised { amount, captured_by_reply: true } => {
                self.captured_by_reply(&operation, reference, *amount).await
            }
            Event::Authorised { .. } => self.authorised(&operation, reference).await,
            Event::Refused(_) | Event::Voided => self.refused(&operation).await,
            Event::Refunded { refund: Some(id), reference, amount: Some(amount), .. } => {
                self.refund(id, reference.as_ref(), Some(*amount), RefundEvidence::Given).await
            }
            Event::RefundFailed { refund: Some(id), reference } => {
                let refused = RefundEvidence::NotGiven(Decline::PaymentDeclined);
                self.refund(id, reference.as_ref(), None, refused).await
            }
            // It tells sums, or its own ids: how our refunds stand is asked when they are looked at.
            Event::Refunded { .. } | Event::RefundFailed { .. } => Ok((NotificationOutcome::NoChange, Keep)),
            Event::DisputeOpened { dispute, amount } => {
                self.dispute(operation, (dispute, *amount, DisputeStage::Open)).await
            }
            Event::DisputeWon { dispute, amount } => {
                self.dispute(operation, (dispute, *amount, DisputeStage::Won)).await
            }
            Event::DisputeLost { dispute, amount } => {
                self.dispute(operation, (dispute, *amount, DisputeStage::Lost)).await
            }
        }
    }

    /// By our own id, or by the acquirer's where that is all it says.
    async fn find(&self, notification: &Notification) -> Result<Option<Operation>, ServiceError> {
        let id = match (&notification.order, &notification.reference) {
            (Some(order), _) => of_order(order),
            (None, Some(reference)) => {
                let log = &self.deps.notifications;
                log.topup_of_reference(self.name.as_str(), reference.as_str()).await?
            }
            (None, None) => None,
        };
        let Some(id) = id else { return Ok(None) };
        let operation = self.deps.reads.operation(id).await?;
        Ok(operation.filter(|operation| operation.topup().is_some()))
    }

    fn cashier(&self) -> &Cashier {
        &self.deps.cashier
    }

    /// Money was taken: credited, or our debt. What the top-up does not account for is somebody's to look at.
    async fn captured(
        &self,
        operation: &Operation,
        reference: Option<&AcquirerReference>,
        amount: Money,
    ) -> Result<Ending, ServiceError> {
        let after = self.cashier().taken(operation, &self.name, reference, amount).await?;
        let outcome = if self.accounts_for(&after, reference, amount) {
            moved(operation, &after)
        } else {
            NotificationOutcome::Unexpected
        };
        Ok((outcome, NotificationVerdict::Keep))
    }

    /// The acquirer takes the money when it is told so. That is said only after the money is in the books, and again to
    /// every repetition; of what is not due, or not waited for any more, nothing is taken.
    async fn captured_by_reply(
        &self,
        operation: &Operation,
        reference: Option<&AcquirerReference>,
        amount: Money,
    ) -> Result<Ending, ServiceError> {
        let refused = Ok((NotificationOutcome::Unexpected, NotificationVerdict::Refuse));
        let topup = operation.topup().ok_or(ServiceError::Internal)?;
        let due = Money::from_minor(topup.due_minor(), self.cashier().config.currency);
        let waits = operation.waits_for_payment() && operation.status != Status::Captured;
        if amount != due || !self.is_ours(operation) {
            return refused;
        }
        if !waits {
            let taken = matches!(operation.status, Status::Captured | Status::Credited);
            let again = taken && self.accounts_for(operation, reference, amount);
            return if again { Ok((NotificationOutcome::NoChange, NotificationVerdict::Take)) } else { refused };
        }
        let after = self.cashier().taken(operation, &self.name, reference, amount).await?;
        if self.accounts_for(&after, reference, amount) {
            Ok((moved(operation, &after), NotificationVerdict::Take))
        } else {
            refused
        }
    }

    /// Money is set aside: taken by us where it is not taken by itself.
    async fn authorised(
        &self,
        operation: &Operation,
        reference: Option<&AcquirerReference>,
    ) -> Result<Ending, ServiceError> {
        if !operation.waits_for_payment() || operation.status == Status::Captured {
            return Ok((NotificationOutcome::NoChange, NotificationVerdict::Keep));
        }
        if !self.is_ours(operation) {
            return Ok((NotificationOutcome::Unexpected, NotificationVerdict::Keep));
        }
        if self.cashier().is_being_asked(operation) {
            return Ok((NotificationOutcome::NoChange, NotificationVerdict::Keep));
        }
        let after = self.cashier().set_aside(operation, reference).await?;
        if self.deps.acquirers.capture_mode(&self.name) == Some(CaptureMode::Manual) {
            self.cashier().capture(&after, &self.name).await?;
        }
        Ok((NotificationOutcome::Applied, NotificationVerdict::Keep))
    }

    /// The acquirer says that nothing was taken. On a page the customer may try again, so that alone ends nothing: what
    /// the acquirer says when it is asked does.
    async fn refused(&self, operation: &Operation) -> Result<Ending, ServiceError> {
        let waits = operation.waits_for_payment() && operation.status != Status::Captured;
        if !waits || !self.is_ours(operation) || self.cashier().is_being_asked(operation) {
            return Ok((NotificationOutcome::NoChange, NotificationVerdict::Keep));
        }
        self.cashier().look(operation).await?;
        let after = self.deps.reads.operation(operation.id).await?.ok_or(ServiceError::Internal)?;
        Ok((moved(operation, &after), NotificationVerdict::Keep))
    }

    /// What became of a refund of ours. One that is not was made at the acquirer by hand: somebody must look.
    async fn refund(
        &self,
        id: &OrderId,
        reference: Option<&AcquirerReference>,
        amount: Option<Money>,
        evidence: RefundEvidence,
    ) -> Result<Ending, ServiceError> {
        let unexpected = Ok((NotificationOutcome::Unexpected, NotificationVerdict::Keep));
        let Some(id) = of_refund(id) else { return unexpected };
        let Some(refund) = self.deps.reads.operation(id).await? else { return unexpected };
        let ours = refund.refund().is_some_and(|it| it.acquirer.as_deref() == Some(self.name.as_str()));
        if !ours || amount.is_some_and(|amount| amount.minor() != refund.amount_minor) {
            return unexpected;
        }
        let after = self.cashier().settle_refund(&refund, reference, evidence).await?;
        let contradicts = match evidence {
            RefundEvidence::Given => after.status != Status::Refunded,
            _ => after.status != Status::Declined,
        };
        if contradicts { unexpected } else { Ok((moved(&refund, &after), NotificationVerdict::Keep)) }
    }

    /// The cardholder's bank takes money back, or has lost it again. What the top-up cannot account for is somebody's to
    /// look at.
    async fn dispute(
        &self,
        operation: Operation,
        (reference, amount, stage): (&AcquirerReference, Money, DisputeStage),
    ) -> Result<Ending, ServiceError> {
        let keep = |outcome| Ok((outcome, NotificationVerdict::Keep));
        let before = operation.last_sequence;
        // It may be told of before the payment is.
        let operation = match operation.topup().and_then(Topup::outcome) {
            Some(_) => operation,
            None => {
                self.cashier().look(&operation).await?;
                self.deps.reads.operation(operation.id).await?.ok_or(ServiceError::Internal)?
            }
        };
        if !self.is_ours(&operation) {
            return keep(NotificationOutcome::Unexpected);
        }
        let told = DisputeState { reference: reference.clone(), amount, stage };
        let after = self.cashier().book_dispute(&operation, &self.name, &told).await?;
        let topup = after.topup().ok_or(ServiceError::Internal)?;
        let stands = topup.dispute(reference.as_str()).is_some_and(|dispute| {
            // A refund under way, or a payment that is not known yet, stands in front of the rest.
            let waits = dispute.uncovered_minor() <= topup.payment.refunding_minor || topup.outcome().is_none();
            let known = DisputeStage::turn(Some(dispute.stage), stage) == Turn::Known;
            known && waits && dispute.asked_minor == amount.minor()
        });
        match (stands, before == after.last_sequence) {
            (false, _) => keep(NotificationOutcome::Unexpected),
            (true, true) => keep(NotificationOutcome::NoChange),
            (true, false) => keep(NotificationOutcome::Applied),
        }
    }

    /// Whether the money was asked for here.
    fn is_ours(&self, operation: &Operation) -> bool {
        operation.topup().is_some_and(|topup| topup.payment.acquirer.as_deref() == Some(self.name.as_str()))
    }

    /// Whether this is the money that the top-up has in its books.
    fn accounts_for(&self, operation: &Operation, reference: Option<&AcquirerReference>, amount: Money) -> bool {
        let Some(topup) = operation.topup() else { return false };
        let known = topup.payment.reference.as_deref();
        let same = reference.is_none_or(|told| known.is_none_or(|known| known == told.as_str()));
        let accounts = self.is_ours(operation) && same && topup.payment.captured_minor == amount.minor();
        if !accounts {
            let id = OperationKind::Topup.render(operation.id);
            tracing::warn!(topup.id = id, acquirer = %self.name, "told of money that the top-up does not account for");
        }
        accounts
    }
}

/// Whether something changed by it.
fn moved(before: &Operation, after: &Operation) -> NotificationOutcome {
    if before.last_sequence == after.last_sequence {
        NotificationOutcome::NoChange
    } else {
        NotificationOutcome::Applied
    }
}

/// Word for an event.
fn kind(event: &Event) -> &'static str {
    match event {
        Event::Authorised { .. } => "authorised",
        Event::Captured { .. } => "captured",
        Event::Refused(_) => "refused",
        Event::Voided => "voided",
        Event::Refunded { .. } => "refunded",
        Event::RefundFailed { .. } => "refund_failed",
        Event::DisputeOpened { .. } => "dispute_opened",
        Event::DisputeWon { .. } => "dispute_won",
        Event::DisputeLost { .. } => "dispute_lost",
    }
}

/// The money that an event is about.
fn amount(event: &Event) -> Option<Money> {
    match event {
        Event::Authorised { amount, .. }
        | Event::Captured { amount }
        | Event::DisputeOpened { amount, .. }
        | Event::DisputeWon { amount, .. }
        | Event::DisputeLost { amount, .. } => Some(*amount),
        Event::Refunded { amount, total, .. } => amount.or(*total),
        Event::Refused(_) | Event::Voided | Event::RefundFailed { .. } => None,
    }
}
