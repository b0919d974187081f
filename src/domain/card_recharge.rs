//! A subscriber's own recharge by card: what a top-up of the house reseller is for.

use serde::{Deserialize, Serialize};

use super::coded::coded;
use super::encoding::Encoder;
use super::ids::OperationId;
use super::msisdn::Msisdn;
use super::operation::Channel;

coded! {
    /// What became of the recharge that a card pays for.
    CardRechargeStage {
        /// Not at its end: the money is on its way, the recharge is, or the refund.
        Waits = 1, "pending";
        Completed = 2, "completed";
        /// Declined, and the money given back.
        Declined = 3, "declined";
    }
}

/// The recharge that is sold from the stock that a card pays for: an ordinary one of the same reseller, whose
/// `external_id` is the id of the top-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardRecharge {
    msisdn: u64,
    /// Hashes are over a digest salted with it, so that the number can be erased later (`domain.md` \[26\]).
    salt: Box<str>,
    pub product: Box<str>,
    channel: Box<str>,
    pub allow_repeat: bool,
    /// The recharge, drawn with the top-up.
    operation: Box<str>,
    stage: i16,
}

impl CardRecharge {
    #[must_use]
    pub fn new(
        operation: OperationId,
        (msisdn, salt): (Msisdn, [u8; 16]),
        product: &str,
        channel: Channel,
        allow_repeat: bool,
    ) -> Self {
        Self {
            msisdn: msisdn.digits(),
            salt: hex::encode(salt).into(),
            product: product.into(),
            channel: channel.name().into(),
            allow_repeat,
            operation: operation.uuid().to_string().into(),
            stage: CardRechargeStage::Waits.code(),
        }
    }

    /// Who gets the credit, and the salt of its digest. `None` when what is stored is no number.
    #[must_use]
    pub fn subscriber(&self) -> Option<(Msisdn, [u8; 16])> {
        let salt = hex::decode(&*self.salt).ok()?.try_into().ok()?;
        Some((Msisdn::from_digits(self.msisdn)?, salt))
    }

    /// `None` when what is stored is none.
    #[must_use]
    pub fn channel(&self) -> Option<Channel> {
        Channel::from_name(&self.channel)
    }

    /// `None` when what is stored is no id.
    #[must_use]
    pub fn operation(&self) -> Option<OperationId> {
        self.operation.parse().ok().map(OperationId::from_uuid)
    }

    /// What is stored otherwise is not at its end.
    #[must_use]
    pub fn stage(&self) -> CardRechargeStage {
        CardRechargeStage::from_code(self.stage).unwrap_or(CardRechargeStage::Waits)
    }

    #[must_use]
    pub fn at(&self, stage: CardRechargeStage) -> Self {
        Self { stage: stage.code(), ..self.clone() }
    }

    /// Whether another request asks for the same; what the server itself chose is not compared.
    #[must_use]
    pub fn asks_the_same(&self, other: &Self) -> bool {
        let said = |it: &Self| (it.msisdn, it.product.clone(), it.channel.clone(), it.allow_repeat);
        said(self) == said(other)
    }

    pub(super) fn encode(&self, encoder: &mut Encoder) {
        encoder
            .text("recharge")
            .optional(self.subscriber(), |e, (msisdn, salt)| {
                e.bytes(&msisdn.digest(&salt));
            })
            .text(&self.product)
            .text(&self.channel)
            .flag(self.allow_repeat)
            .text(&self.operation)
            .int(i64::from(self.stage));
    }
}
