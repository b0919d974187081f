//! One payment and what can happen to it. Pure: times come in, messages to send come out, as part of the payment.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::token::{Answering, Ending, Notifying, Script, Verdict};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    RequiresAction,
    Authorised,
    Captured,
    Voided,
    Declined,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DisputeStatus {
    Open,
    Won,
    Lost,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refund {
    /// The caller's id.
    #[serde(rename = "refund")]
    pub id: String,
    pub reference: String,
    pub amount_minor: i64,
    pub at_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dispute {
    pub reference: String,
    pub amount_minor: i64,
    pub status: DisputeStatus,
    pub opened_ms: i64,
    pub ended_ms: Option<i64>,
}

/// A notification that is to be delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Message {
    pub body: String,
    pub due_ms: i64,
    pub attempts: u32,
    pub delivered: bool,
}

/// What is asked for under an order; it never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    pub order: String,
    pub amount_minor: i64,
    pub currency: String,
    pub token: Option<String>,
    pub manual: bool,
    pub return_url: Option<String>,
    pub language: String,
}

/// A payment as it stands, and as a line of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Payment {
    #[serde(flatten)]
    pub asked: Asked,
    pub reference: String,
    /// What was paid with: the token that was asked for, or the one chosen on the page.
    pub paid_with: Option<String>,
    pub status: Status,
    pub code: Option<String>,
    pub created_ms: i64,
    pub captured_ms: Option<i64>,
    pub captured_minor: i64,
    pub refunds: Vec<Refund>,
    pub dispute: Option<Dispute>,
    /// When the charge-back begins, or ends.
    pub dispute_due_ms: Option<i64>,
    pub messages: Vec<Message>,
}

/// Why a step is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    WrongStage,
    AmountTooLarge,
    OtherContent,
    Failed(&'static str),
}

/// What a step needs to know of the simulator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub now_ms: i64,
    /// How long late notifications take.
    pub late_ms: i64,
    /// Whether anybody is to be told.
    pub notifies: bool,
}

/// An id that is the same for the same parts.
fn id(prefix: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    format!("{prefix}_{}", hex::encode(&hash.finalize()[..12]))
}

impl Payment {
    /// A new payment, with what its token makes of it.
    pub(super) fn new(asked: Asked, moment: Moment) -> Self {
        let mut payment = Self {
            reference: id("pay", &[&asked.order, &moment.now_ms.to_string()]),
            paid_with: asked.token.clone(),
            status: Status::RequiresAction,
            code: None,
            created_ms: moment.now_ms,
            captured_ms: None,
            captured_minor: 0,
            refunds: Vec::new(),
            dispute: None,
            dispute_due_ms: None,
            messages: Vec::new(),
            asked,
        };
        match payment.script().verdict {
            Verdict::Approved => payment.approve(moment),
            Verdict::Declined(code) => payment.decline(code, moment),
            Verdict::NeedsCustomer => {}
        }
        payment
    }

    pub(super) fn script(&self) -> Script {
        self.paid_with.as_deref().map_or(Script::PAGE, Script::of)
    }

    pub(super) fn refunded_minor(&self) -> i64 {
        self.refunds.iter().map(|refund| refund.amount_minor).sum()
    }

    fn approve(&mut self, moment: Moment) {
        self.status = Status::Authorised;
        self.code = None;
        self.tell("payment.authorised", self.asked.amount_minor, &json!({}), moment);
        if !self.asked.manual && self.script().capture != Answering::Refused {
            self.captured(self.asked.amount_minor, moment);
        }
    }

    fn decline(&mut self, code: &str, moment: Moment) {
        self.status = Status::Declined;
        self.code = Some(code.to_owned());
        self.tell("payment.declined", self.asked.amount_minor, &json!({ "code": code }), moment);
    }

    fn captured(&mut self, amount_minor: i64, moment: Moment) {
        self.status = Status::Captured;
        self.captured_ms = Some(moment.now_ms);
        self.captured_minor = amount_minor;
        self.dispute_due_ms =
            self.script().chargeback.map(|chargeback| moment.now_ms + i64::from(chargeback.after_s) * 1_000);
        self.tell("payment.captured", amount_minor, &json!({}), moment);
    }

    /// The customer pays on the page. A declined card leaves the page open for another one.
    pub(super) fn pay(&mut self, token: Option<String>, moment: Moment) -> Result<(), Refused> {
        if self.status != Status::RequiresAction {
            return Err(Refused::WrongStage);
        }
        match token {
            // The holder of a card that was given before proves to be it.
            None if self.asked.token.is_some() => self.approve(moment),
            None => return Err(Refused::WrongStage),
            Some(token) => match Script::of(&token).verdict {
                Verdict::Approved | Verdict::NeedsCustomer => {
                    self.paid_with = Some(token);
                    self.approve(moment);
                }
                Verdict::Declined(code) => {
                    self.code = Some(code.to_owned());
                    self.tell("payment.declined", self.asked.amount_minor, &json!({ "code": code }), moment);
                }
            },
        }
        Ok(())
    }

    /// The customer gives up.
    pub(super) fn give_up(&mut self, moment: Moment) -> Result<(), Refused> {
        if self.status != Status::RequiresAction {
            return Err(Refused::WrongStage);
        }
        self.decline("authentication_failed", moment);
        Ok(())
    }

    pub(super) fn capture(&mut self, amount_minor: i64, moment: Moment) -> Result<(), Refused> {
        match self.status {
            Status::Captured if self.captured_minor == amount_minor => Ok(()),
            Status::Captured => Err(Refused::OtherContent),
            Status::Authorised if self.script().capture == Answering::Refused => Err(Refused::Failed("capture_failed")),
            Status::Authorised if amount_minor > self.asked.amount_minor => Err(Refused::AmountTooLarge),
            Status::Authorised => {
                self.captured(amount_minor, moment);
                Ok(())
            }
            Status::RequiresAction | Status::Voided | Status::Declined => Err(Refused::WrongStage),
        }
    }

    pub(super) fn void(&mut self, moment: Moment) -> Result<(), Refused> {
        match self.status {
            Status::Voided => Ok(()),
            Status::Authorised | Status::RequiresAction => {
                self.status = Status::Voided;
                self.tell("payment.voided", self.asked.amount_minor, &json!({}), moment);
                Ok(())
            }
            Status::Captured | Status::Declined => Err(Refused::WrongStage),
        }
    }

    pub(super) fn refund(&mut self, refund: &str, amount_minor: i64, moment: Moment) -> Result<(), Refused> {
        if let Some(known) = self.refunds.iter().find(|known| known.id == refund) {
            return if known.amount_minor == amount_minor { Ok(()) } else { Err(Refused::OtherContent) };
        }
        if self.status != Status::Captured {
            return Err(Refused::WrongStage);
        }
        if self.script().refund == Answering::Refused {
            return Err(Refused::Failed("refund_failed"));
        }
        // What the cardholder's bank has is not there to be given back.
        let disputed = self.dispute.as_ref().filter(|dispute| dispute.status != DisputeStatus::Won);
        let taken = disputed.map_or(0, |dispute| dispute.amount_minor);
        let rest = self.captured_minor - self.refunded_minor() - taken;
        if amount_minor > rest {
            return Err(Refused::AmountTooLarge);
        }
        let reference = id("rf", &[&self.reference, refund]);
        self.refunds.push(Refund {
            id: refund.to_owned(),
            reference: reference.clone(),
            amount_minor,
            at_ms: moment.now_ms,
        });
        let more = json!({ "refund": refund, "refund_reference": reference, "refunded_minor": self.refunded_minor() });
        self.tell("refund.done", amount_minor, &more, moment);
        Ok(())
    }

    /// A charge-back begins or ends, if it is time.
    pub(super) fn advance_dispute(&mut self, moment: Moment) {
        if self.dispute_due_ms.is_none_or(|due| due > moment.now_ms) {
            return;
        }
        let Some(chargeback) = self.script().chargeback else { return };
        self.dispute_due_ms = None;
        let amount_minor = self.captured_minor - self.refunded_minor();
        match (&mut self.dispute, chargeback.ending) {
            (None, ending) => {
                let reference = id("dsp", &[&self.reference]);
                self.dispute = Some(Dispute {
                    reference: reference.clone(),
                    amount_minor,
                    status: DisputeStatus::Open,
                    opened_ms: moment.now_ms,
                    ended_ms: None,
                });
                self.dispute_due_ms = ending.map(|_| moment.now_ms + i64::from(chargeback.after_s) * 1_000);
                self.tell("dispute.opened", amount_minor, &json!({ "dispute": reference }), moment);
            }
            (Some(dispute), Some(ending)) => {
                let (status, kind) = match ending {
                    Ending::Won => (DisputeStatus::Won, "dispute.won"),
                    Ending::Lost => (DisputeStatus::Lost, "dispute.lost"),
                };
                dispute.status = status;
                dispute.ended_ms = Some(moment.now_ms);
                let (amount_minor, more) = (dispute.amount_minor, json!({ "dispute": dispute.reference }));
                self.tell(kind, amount_minor, &more, moment);
            }
            (Some(_), None) => {}
        }
    }

    fn tell(&mut self, kind: &str, amount_minor: i64, more: &Value, moment: Moment) {
        let script = self.script();
        if !moment.notifies || script.notify == Notifying::Never {
            return;
        }
        let mut body = json!({
            "id": id("evt", &[&self.reference, kind, &self.messages.len().to_string()]),
            "type": kind,
            "order": self.asked.order,
            "reference": self.reference,
            "occurred_ms": moment.now_ms,
            "amount_minor": amount_minor,
            "currency": self.asked.currency,
        });
        let fields = body.as_object_mut().expect("it was made as an object");
        fields.extend(more.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
        let delayed = match script.notify {
            Notifying::Late => true,
            Notifying::Reordered => kind == "payment.authorised",
            _ => false,
        };
        let due_ms = moment.now_ms + if delayed { moment.late_ms } else { 0 };
        let copies = if script.notify == Notifying::Duplicate { 3 } else { 1 };
        let message = Message { body: body.to_string(), due_ms, attempts: 0, delivered: false };
        self.messages.extend(std::iter::repeat_n(message, copies));
    }

    /// When something is next to be done by itself.
    pub(super) fn due_ms(&self) -> Option<i64> {
        let messages = self.messages.iter().filter(|message| !message.delivered).map(|message| message.due_ms);
        messages.chain(self.dispute_due_ms).min()
    }

    /// As it is told over HTTP.
    pub(super) fn shown(&self, page: &str) -> Value {
        let refunds: Vec<Value> = self
            .refunds
            .iter()
            .map(|refund| {
                let Refund { id, reference, amount_minor, .. } = refund;
                json!({ "refund": id, "reference": reference, "amount_minor": amount_minor })
            })
            .collect();
        let dispute = self.dispute.as_ref().map(|dispute| {
            json!({ "reference": dispute.reference, "amount_minor": dispute.amount_minor, "status": dispute.status })
        });
        json!({
            "order": self.asked.order,
            "reference": self.reference,
            "status": self.status,
            "amount_minor": self.asked.amount_minor,
            "currency": self.asked.currency,
            "captured_minor": self.captured_minor,
            "refunded_minor": self.refunded_minor(),
            "code": self.code,
            "redirect_url": (self.status == Status::RequiresAction).then(|| format!("{page}/pay/{}", self.reference)),
            "refunds": refunds,
            "dispute": dispute,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(now_ms: i64) -> Moment {
        Moment { now_ms, late_ms: 500, notifies: true }
    }

    fn payment(token: Option<&str>, manual: bool) -> Payment {
        let asked = Asked {
            order: "o1".into(),
            amount_minor: 1_000,
            currency: "MAD".into(),
            token: token.map(Into::into),
            manual,
            return_url: None,
            language: "fr".into(),
        };
        Payment::new(asked, moment(0))
    }

    fn kinds(payment: &Payment) -> Vec<String> {
        let kind = |message: &Message| {
            let body: Value = serde_json::from_str(&message.body).unwrap();
            body["type"].as_str().unwrap().to_owned()
        };
        payment.messages.iter().map(kind).collect()
    }

    #[test]
    fn money_is_taken_once_and_given_back_once() {
        let mut payment = payment(Some("tok_approved"), true);
        assert_eq!((payment.status, payment.captured_minor), (Status::Authorised, 0));
        assert_eq!(payment.refund("r1", 1, moment(1)), Err(Refused::WrongStage));
        assert_eq!(payment.capture(1_001, moment(1)), Err(Refused::AmountTooLarge));
        assert_eq!(payment.capture(900, moment(1)), Ok(()));
        assert_eq!(payment.capture(900, moment(2)), Ok(()), "again, without effect");
        assert_eq!(payment.capture(800, moment(2)), Err(Refused::OtherContent));
        assert_eq!(payment.void(moment(2)), Err(Refused::WrongStage));
        assert_eq!(payment.refund("r1", 500, moment(3)), Ok(()));
        assert_eq!(payment.refund("r1", 500, moment(3)), Ok(()), "again, without effect");
        assert_eq!(payment.refund("r1", 400, moment(3)), Err(Refused::OtherContent));
        assert_eq!(payment.refund("r2", 401, moment(3)), Err(Refused::AmountTooLarge));
        assert_eq!(payment.refund("r2", 400, moment(3)), Ok(()));
        assert_eq!((payment.captured_minor, payment.refunded_minor()), (900, 900));
        assert_eq!(kinds(&payment), ["payment.authorised", "payment.captured", "refund.done", "refund.done"]);
    }

    #[test]
    fn a_declined_card_leaves_the_page_open() {
        let mut payment = payment(None, false);
        assert_eq!(payment.pay(Some("tok_declined".into()), moment(1)), Ok(()));
        assert_eq!(payment.status, Status::RequiresAction);
        assert_eq!(payment.pay(Some("tok_approved".into()), moment(2)), Ok(()));
        assert_eq!(payment.status, Status::Captured);
        assert_eq!(payment.pay(Some("tok_approved".into()), moment(3)), Err(Refused::WrongStage));
        assert_eq!(kinds(&payment), ["payment.declined", "payment.authorised", "payment.captured"]);
    }

    #[test]
    fn a_charge_back_begins_and_ends_in_its_time() {
        let mut payment = payment(Some("tok_chargeback_won_after_5"), false);
        payment.advance_dispute(moment(4_999));
        assert_eq!(payment.dispute, None);
        payment.advance_dispute(moment(5_000));
        assert_eq!(payment.dispute.as_ref().unwrap().status, DisputeStatus::Open);
        assert_eq!(payment.dispute_due_ms, Some(10_000));
        payment.advance_dispute(moment(10_000));
        assert_eq!(payment.dispute.as_ref().unwrap().status, DisputeStatus::Won);
        assert_eq!(payment.dispute_due_ms, None);
    }

    #[test]
    fn notifications_go_as_the_token_says() {
        let due = |token| payment(Some(token), false).messages.iter().map(|message| message.due_ms).collect::<Vec<_>>();
        assert_eq!(due("tok_approved"), [0, 0]);
        assert_eq!(due("tok_late_notifications"), [500, 500]);
        assert_eq!(due("tok_reordered_notifications"), [500, 0]);
        assert_eq!(due("tok_duplicate_notifications").len(), 6);
        assert!(due("tok_no_notifications").is_empty());
    }

    #[test]
    fn the_record_s_line_reads_back() {
        let mut payment = payment(Some("tok_chargeback_after_5"), false);
        payment.refund("r1", 100, moment(1)).unwrap();
        payment.advance_dispute(moment(6_000));
        let line = serde_json::to_string(&payment).unwrap();
        assert_eq!(serde_json::from_str::<Payment>(&line).unwrap(), payment);
    }
}
