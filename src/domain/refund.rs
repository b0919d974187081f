//! Refunds of top-ups: money that goes back to the card, and what comes back for it (`domain.md` \[12\]).

use serde::{Deserialize, Serialize};

use super::allocation::Price;
use super::encoding::Encoder;
use super::ids::OperationId;

/// A refund that was asked for, and how it stands.
///
/// As with top-ups, each step has this state as a row of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopupRefund {
    /// The top-up, which stands in the same shard.
    topup: Box<str>,
    /// `None` asks for all that is left.
    pub asked_minor: Option<i64>,
    pub reason: Box<str>,
    /// Who took the money and gives it back.
    pub acquirer: Option<Box<str>>,
    /// The acquirer's own id of the refund.
    pub reference: Option<Box<str>>,
    /// Its share of the top-up.
    pub share: Share,
    pub clawed: Clawed,
}

/// A share of what was bought, by the money that is given back. Parts of money sum to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    pub face_minor: i64,
    pub price: Price,
    pub fee_minor: i64,
}

/// What the reseller gave back for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clawed {
    /// Unsold stock; set aside while the refund is under way.
    pub face_minor: i64,
    /// The price of it, by which the sale is reversed.
    pub price: Price,
    pub fee_minor: i64,
    /// What the reseller owes for what it sold.
    pub owed_minor: i64,
}

impl TopupRefund {
    #[must_use]
    pub fn new(topup: OperationId, asked_minor: Option<i64>, reason: &str) -> Self {
        Self {
            topup: topup.uuid().to_string().into(),
            asked_minor,
            reason: reason.into(),
            acquirer: None,
            reference: None,
            share: Share::default(),
            clawed: Clawed::default(),
        }
    }

    /// The top-up that it is of.
    ///
    /// # Errors
    /// When the stored text is no id.
    pub fn topup(&self) -> Result<OperationId, uuid::Error> {
        self.topup.parse().map(OperationId::from_uuid)
    }

    /// The first field in which a later request with the same key differs, by its name in the contract.
    #[must_use]
    pub fn differs_from(&self, other: &Self) -> Option<&'static str> {
        let fields = [
            ("id", self.topup == other.topup),
            ("amount", self.asked_minor == other.asked_minor),
            ("reason", self.reason == other.reason),
        ];
        fields.iter().find(|(_, same)| !same).map(|(name, _)| *name)
    }

    pub(super) fn encode(&self, encoder: &mut Encoder) {
        let text = |e: &mut Encoder, text: &str| {
            e.text(text);
        };
        encoder
            .text(&self.topup)
            .optional(self.asked_minor, |e, minor| {
                e.int(minor);
            })
            .text(&self.reason)
            .optional(self.acquirer.as_deref(), text)
            .optional(self.reference.as_deref(), text);
        self.share.encode(encoder);
        let Clawed { face_minor, price, fee_minor, owed_minor } = &self.clawed;
        encoder.int(*face_minor);
        price.encode(encoder);
        encoder.int(*fee_minor).int(*owed_minor);
    }
}

impl Share {
    pub(super) fn encode(&self, encoder: &mut Encoder) {
        encoder.int(self.face_minor);
        self.price.encode(encoder);
        encoder.int(self.fee_minor);
    }

    /// With another share, or without it.
    #[must_use]
    pub fn plus(&self, other: &Self, sign: i64) -> Self {
        let price = Price {
            net_minor: self.price.net_minor + sign * other.price.net_minor,
            vat_minor: self.price.vat_minor + sign * other.price.vat_minor,
            discount_minor: self.price.discount_minor + sign * other.price.discount_minor,
            residue_minor: self.price.residue_minor + sign * other.price.residue_minor,
            catalogue: self.price.catalogue,
        };
        Self {
            face_minor: self.face_minor + sign * other.face_minor,
            price,
            fee_minor: self.fee_minor + sign * other.fee_minor,
        }
    }

    /// The part of this that `amount` is of `whole`, rounded down; what that leaves over of the money is the residue.
    #[must_use]
    pub fn part(&self, amount_minor: i64, whole_minor: i64) -> Self {
        if amount_minor == whole_minor {
            return *self;
        }
        let of = |minor: i64| {
            let part = i128::from(minor) * i128::from(amount_minor) / i128::from(whole_minor.max(1));
            i64::try_from(part).unwrap_or(minor)
        };
        let (net_minor, vat_minor) = (of(self.price.net_minor), of(self.price.vat_minor));
        let fee_minor = of(self.fee_minor);
        let price = Price {
            net_minor,
            vat_minor,
            discount_minor: of(self.price.discount_minor),
            residue_minor: amount_minor - net_minor - vat_minor - fee_minor,
            catalogue: self.price.catalogue,
        };
        Self { face_minor: of(self.face_minor), price, fee_minor }
    }

    /// The part of it that goes with so much of its face value.
    #[must_use]
    pub fn of_face(&self, face_minor: i64) -> Self {
        if face_minor == self.face_minor {
            return *self;
        }
        let whole_minor = self.money_minor();
        let money = i128::from(whole_minor) * i128::from(face_minor) / i128::from(self.face_minor.max(1));
        let part = self.part(i64::try_from(money).unwrap_or(whole_minor), whole_minor);
        Self { face_minor, ..part }
    }

    /// The money of it.
    #[must_use]
    pub fn money_minor(&self) -> i64 {
        self.price.owed_minor() + self.fee_minor
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shares_sum_to_the_whole(net in 1_i64..1_000_000, vat in 0_i64..200_000, fee in 0_i64..9_999, cuts in prop::collection::vec(1_i64..400_000, 0..6)) {
            let price = Price { net_minor: net, vat_minor: vat, discount_minor: net / 10, residue_minor: 1, catalogue: 3 };
            let mut rest = Share { face_minor: net + vat, price, fee_minor: fee };
            let whole = rest;
            let mut taken = Share::default();
            for cut in cuts {
                let cut = cut.min(rest.money_minor());
                if cut == 0 { break; }
                let share = rest.part(cut, rest.money_minor());
                prop_assert_eq!(share.money_minor(), cut);
                taken = taken.plus(&share, 1);
                rest = rest.plus(&share, -1);
            }
            taken = taken.plus(&rest.part(rest.money_minor(), rest.money_minor()), 1);
            prop_assert_eq!(Share { price: Price { catalogue: 3, ..taken.price }, ..taken }, whole);
        }
    }
}
