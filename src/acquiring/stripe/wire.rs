//! What we read of Stripe's objects; they hold more.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::order_in;
use crate::domain::{Currency, Money};
use crate::exchange::Answer;
use crate::ports::acquirer::{
    AcquirerReference, CustomerAction, DisputeStage, DisputeState, Done, OrderId, Outcome, PaymentStage, PaymentState,
    RefundOrder, RefundStage, RefundState, Refusal, RefusalReason,
};

/// Our ids.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Metadata {
    pub order: Option<String>,
    pub refund: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Intent {
    pub id: String,
    status: String,
    amount: i64,
    /// What was taken. localstripe leaves it out.
    amount_received: Option<i64>,
    currency: String,
    #[serde(default)]
    pub metadata: Metadata,
    next_action: Option<NextAction>,
    last_payment_error: Option<ErrorBody>,
    latest_charge: Option<ExpandedCharge>,
}

#[derive(Debug, Deserialize)]
struct NextAction {
    redirect_to_url: Option<RedirectToUrl>,
}

#[derive(Debug, Deserialize)]
struct RedirectToUrl {
    url: Option<String>,
}

/// The charge itself where it was asked for, else its id.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum ExpandedCharge {
    Charge(Charge),
    Id(serde::de::IgnoredAny),
}

#[derive(Debug, Deserialize)]
pub(super) struct Charge {
    #[serde(default)]
    pub amount_refunded: i64,
    pub currency: String,
    pub payment_intent: Option<String>,
    #[serde(default)]
    pub metadata: Metadata,
    #[serde(default)]
    disputed: bool,
}

#[derive(Debug, Deserialize)]
struct ErrorAnswer {
    error: ErrorBody,
}

#[derive(Debug, Deserialize)]
struct ErrorBody {
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<String>,
    decline_code: Option<String>,
}

fn parse<T: DeserializeOwned>(answer: &Answer) -> Result<T, String> {
    if answer.status != 200 {
        return Err(unlisted(answer));
    }
    // The parser's message would quote the answer.
    serde_json::from_slice(&answer.body).map_err(|_| "HTTP status 200 with an unreadable answer".into())
}

pub(super) fn unlisted(answer: &Answer) -> String {
    format!("HTTP status {} with an unlisted answer", answer.status)
}

fn currency(text: &str) -> Option<Currency> {
    text.to_ascii_uppercase().parse().ok()
}

/// An amount, which is never negative here.
pub(super) fn money(minor: i64, code: &str) -> Option<Money> {
    (minor >= 0).then_some(Money::from_minor(minor, currency(code)?))
}

impl Intent {
    pub(super) fn parse(answer: &Answer) -> Result<Self, String> {
        parse(answer)
    }

    pub(super) fn amount(&self) -> Option<Money> {
        money(self.amount, &self.currency)
    }

    /// What was taken, once it was.
    pub(super) fn received(&self) -> Option<Money> {
        money(self.amount_received.unwrap_or(self.amount), &self.currency)
    }

    fn charge(&self) -> Option<&Charge> {
        match &self.latest_charge {
            Some(ExpandedCharge::Charge(charge)) => Some(charge),
            Some(ExpandedCharge::Id(_)) | None => None,
        }
    }

    /// There is, or was, a dispute or an inquiry.
    pub(super) fn is_disputed(&self) -> bool {
        self.charge().is_some_and(|charge| charge.disputed)
    }

    /// How it stands, if it is the payment of this order and amount.
    pub(super) fn state(self, order: &OrderId, amount: Money) -> Result<PaymentState, String> {
        if order_in(&self.metadata).as_ref() != Some(order) || self.amount() != Some(amount) {
            return Err("the answer is about another payment, or another amount".into());
        }
        let nothing = Money::from_minor(0, amount.currency());
        let stage = self.stage()?;
        let captured = if stage == PaymentStage::Captured {
            self.received().filter(|taken| taken.minor() <= amount.minor()).ok_or("took more than was asked for")?
        } else {
            nothing
        };
        let refunded = self.charge().map_or(0, |charge| charge.amount_refunded);
        Ok(PaymentState {
            order: order.clone(),
            reference: self.id.parse().map_err(|_| "an id that is none".to_owned())?,
            stage,
            amount,
            captured,
            refunded: Money::from_minor(if captured == nothing { 0 } else { refunded }, amount.currency()),
            refunds: Vec::new(),
            dispute: None,
        })
    }

    fn stage(&self) -> Result<PaymentStage, String> {
        Ok(match &*self.status {
            // An intent before its confirmation, or after a refused one.
            "requires_payment_method" => match &self.last_payment_error {
                Some(error) => PaymentStage::Refused(declined(error)),
                None => PaymentStage::Pending,
            },
            "requires_confirmation" | "processing" => PaymentStage::Pending,
            "requires_action" => {
                let redirect = self.next_action.as_ref().and_then(|action| action.redirect_to_url.as_ref());
                let url = redirect.and_then(|redirect| redirect.url.as_deref()).filter(|url| url.starts_with("http"));
                PaymentStage::NeedsCustomer(url.map(|url| CustomerAction::Redirect { url: url.into() }))
            }
            "requires_capture" => PaymentStage::Authorised,
            "succeeded" => PaymentStage::Captured,
            "canceled" => PaymentStage::Voided,
            _ => return Err("an unlisted status".into()),
        })
    }

    /// Why the last attempt failed, if it did.
    pub(super) fn failure(&self) -> Refusal {
        match &self.last_payment_error {
            Some(error) => declined(error),
            None => Refusal::new(RefusalReason::CardDeclined, "not_told"),
        }
    }
}

fn declined(error: &ErrorBody) -> Refusal {
    let code = error.decline_code.as_deref().or(error.code.as_deref()).unwrap_or("not_told");
    Refusal::new(reason_of(code).unwrap_or(RefusalReason::CardDeclined), code)
}

/// The codes that Stripe documents and that people can act on differently.
fn reason_of(code: &str) -> Option<RefusalReason> {
    Some(match code {
        "insufficient_funds" | "withdrawal_count_limit_exceeded" | "card_velocity_exceeded" => {
            RefusalReason::InsufficientFunds
        }
        "expired_card" | "invalid_expiry_month" | "invalid_expiry_year" => RefusalReason::CardExpired,
        "authentication_required" | "payment_intent_authentication_failure" => RefusalReason::AuthenticationFailed,
        "amount_too_large" | "amount_too_small" | "charge_exceeds_source_limit" => RefusalReason::AmountOutOfRange,
        "payment_intent_unexpected_state"
        | "charge_already_captured"
        | "charge_already_refunded"
        | "charge_expired_for_capture"
        | "charge_disputed"
        | "charge_not_refundable" => RefusalReason::WrongStage,
        "card_declined" | "generic_decline" | "do_not_honor" => RefusalReason::CardDeclined,
        _ => return None,
    })
}

fn error_of(answer: &Answer) -> Option<ErrorBody> {
    serde_json::from_slice::<ErrorAnswer>(&answer.body).ok().map(|answer| answer.error)
}

/// The intent may stand otherwise than the request expects: confirmed before, by a request whose answer was lost.
pub(super) fn may_be_in_another_stage(answer: &Answer) -> bool {
    let Some(error) = error_of(answer) else { return false };
    let reason = error.code.as_deref().map(reason_of);
    answer.status == 400
        && error.kind.as_deref() == Some("invalid_request_error")
        && matches!(reason, None | Some(None | Some(RefusalReason::WrongStage)))
}

pub(super) fn is_missing(answer: &Answer) -> bool {
    error_of(answer).is_some_and(|error| error.kind.as_deref() == Some("invalid_request_error"))
}

/// The listed refusals: Stripe carried nothing out.
pub(super) fn refusal(answer: &Answer) -> Option<Refusal> {
    let error = error_of(answer)?;
    let code = error.decline_code.as_deref().or(error.code.as_deref());
    let kind = error.kind.as_deref()?;
    let reason = match (answer.status, kind) {
        (400, "idempotency_error") => RefusalReason::OtherContent,
        (400 | 402, _) if code.and_then(reason_of).is_some() => reason_of(code?)?,
        (402, _) => RefusalReason::CardDeclined,
        (401 | 403, _) => RefusalReason::Misconfigured,
        (400 | 404, "invalid_request_error") if code == Some("resource_missing") => RefusalReason::PaymentUnknown,
        (404, "invalid_request_error") if code.is_none() => RefusalReason::PaymentUnknown,
        // Whatever Stripe finds wrong with a request, it finds before it does anything.
        (400, "invalid_request_error") => RefusalReason::WrongStage,
        _ => return None,
    };
    Some(Refusal::new(reason, code.unwrap_or(kind)))
}

#[derive(Deserialize)]
struct List<T> {
    data: Vec<T>,
}

/// The one intent that a search found.
pub(super) fn found(answer: &Answer) -> Result<Option<AcquirerReference>, String> {
    let list: List<Intent> = parse(answer)?;
    match list.data.as_slice() {
        [] => Ok(None),
        [intent] => intent.id.parse().map(Some).map_err(|_| "an id that is none".into()),
        _ => Err("more than one intent carries this order".into()),
    }
}

#[derive(Deserialize)]
pub(super) struct Refund {
    pub id: String,
    pub amount: i64,
    pub currency: String,
    pub status: Option<String>,
    pub payment_intent: Option<String>,
    #[serde(default)]
    pub metadata: Metadata,
}

impl Refund {
    pub(super) fn stage(&self) -> Option<RefundStage> {
        Some(match self.status.as_deref()? {
            "succeeded" => RefundStage::Done,
            "pending" | "requires_action" => RefundStage::Pending,
            "failed" | "canceled" => RefundStage::Failed,
            _ => return None,
        })
    }

    pub(super) fn ours(&self) -> Option<OrderId> {
        self.metadata.refund.as_deref()?.parse().ok()
    }

    fn state(&self, of: Currency) -> Option<RefundState> {
        Some(RefundState {
            refund: self.ours(),
            reference: self.id.parse().ok()?,
            amount: money(self.amount, &self.currency).filter(|amount| amount.currency() == of)?,
            stage: self.stage()?,
        })
    }
}

pub(super) fn refunds(answer: &Answer, of: Currency) -> Result<Vec<RefundState>, String> {
    let list: List<Refund> = parse(answer)?;
    list.data.iter().map(|refund| refund.state(of)).collect::<Option<_>>().ok_or("an unlisted refund".into())
}

#[derive(Deserialize)]
pub(super) struct Dispute {
    id: String,
    amount: i64,
    currency: String,
    status: String,
    pub payment_intent: Option<String>,
    #[serde(default)]
    pub metadata: Metadata,
}

impl Dispute {
    /// `Some(None)`: an inquiry before a charge-back: no money moves, and most go away.
    pub(super) fn state(&self) -> Option<Option<DisputeState>> {
        let stage = match &*self.status {
            "needs_response" | "under_review" => DisputeStage::Open,
            "won" => DisputeStage::Won,
            "lost" => DisputeStage::Lost,
            "warning_needs_response" | "warning_under_review" | "warning_closed" => return Some(None),
            _ => return None,
        };
        let amount = money(self.amount, &self.currency)?;
        Some(Some(DisputeState { reference: self.id.parse().ok()?, amount, stage }))
    }
}

/// The latest charge-back of an intent.
pub(super) fn dispute(answer: &Answer) -> Result<Option<DisputeState>, String> {
    let list: List<Dispute> = parse(answer)?;
    let states: Option<Vec<_>> = list.data.iter().map(Dispute::state).collect();
    Ok(states.ok_or("an unlisted dispute")?.into_iter().flatten().next())
}

/// The answer to a refund.
pub(super) fn read_refund(answer: &Answer, order: &RefundOrder) -> Outcome<Done> {
    match parse::<Refund>(answer).map(|refund| refund.state(order.amount.currency())) {
        Ok(Some(found)) if found.refund.as_ref() == Some(&order.refund) && found.amount == order.amount => {
            match found.stage {
                RefundStage::Failed => Outcome::refused(RefusalReason::AcquirerError, "refund_failed"),
                stage => Outcome::Done(Done {
                    reference: found.reference,
                    amount: found.amount,
                    settled: stage == RefundStage::Done,
                }),
            }
        }
        Ok(_) => Outcome::unknown("the answer is about another refund, or unlisted"),
        Err(reason) => Outcome::unknown(reason),
    }
}
