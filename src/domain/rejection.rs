//! Business refusals, in order of precedence, in one table.

/// What a client may do after a refusal or an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    /// The same request can never succeed.
    Never,
    /// Send the same request with the same `external_id`.
    SameId,
    /// The answer is final for this `external_id`; a new one may be tried.
    NewId,
}

impl Retry {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::SameId => "same_id",
            Self::NewId => "new_id",
        }
    }
}

/// Why an operation was declined. The order is the order of precedence: the first that applies is given.
/// Stored and final for the key of the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decline {
    Voided,
    SelfTransfer,
    TransferNotPermitted,
    ResellerSuspended,
    ReceiverSuspended,
    TerminalUnknown,
    TerminalBlocked,
    ProductUnknown,
    AmountOutOfRange,
    SimilarRecharge,
    LimitExceeded,
    InsufficientStock,
    SubscriberUnknown,
    SubscriberBarred,
    ChargingDeclined,
    TransferRefused,
    TransferCancelled,
    AcceptanceExpired,
    PaymentNotOffered,
    CardFundsInsufficient,
    PaymentDeclined,
    PaymentAbandoned,
    PaymentNotMade,
    LimitsChanged,
    UnfitLimits,
    ItemChanged,
    UnfitResolution,
    AlreadyReversed,
    NotReversible,
    ReversalWindowOver,
    PartialNotAllowed,
    ReversalUnderWay,
    CreditSpent,
    UnfitStatement,
}

/// A line of the reference of refusals (`api-spec/problems.md` is generated from it).
#[derive(Clone, Copy, Debug)]
pub struct DeclineLine {
    pub decline: Decline,
    pub code: &'static str,
    /// Response code of ISO 8583 (1987), field 39.
    pub iso8583: &'static str,
    pub meaning: &'static str,
}

#[rustfmt::skip]
pub const DECLINES: [DeclineLine; 34] = {
    const fn line(decline: Decline, code: &'static str, iso8583: &'static str, meaning: &'static str) -> DeclineLine {
        DeclineLine { decline, code, iso8583, meaning }
    }
    [
        line(Decline::Voided,            "voided",              "17", "The external_id was voided before the request arrived"),
        line(Decline::SelfTransfer,      "self_transfer",       "12", "Sender and receiver are one"),
        line(Decline::TransferNotPermitted, "transfer_not_permitted", "57", "The operator does not let stock move this way in the network"),
        line(Decline::ResellerSuspended, "reseller_suspended",  "57", "The reseller is suspended or closed and may not sell or send"),
        line(Decline::ReceiverSuspended, "receiver_suspended",  "57", "The receiver is suspended or closed and may not take stock"),
        line(Decline::TerminalUnknown,   "terminal_unknown",    "58", "The partner sells from known terminals only, and this one is not registered at the reseller, or none is named"),
        line(Decline::TerminalBlocked,   "terminal_blocked",    "58", "The partner sells from known terminals only, and this one is blocked"),
        line(Decline::ProductUnknown,    "product_unknown",     "57", "The catalogue has no such product now"),
        line(Decline::AmountOutOfRange,  "amount_out_of_range", "13", "The product does not sell this amount, or less than this is left of what is to be given back"),
        line(Decline::SimilarRecharge,   "similar_recharge",    "94", "Same reseller, number and amount a moment ago; send allow_repeat with a new id if it is meant"),
        line(Decline::LimitExceeded,     "limit_exceeded",      "61", "A limit of the reseller for one operation or for the business day would be exceeded"),
        line(Decline::InsufficientStock, "insufficient_stock",  "51", "The reseller's available stock is smaller than the amount"),
        line(Decline::SubscriberUnknown, "subscriber_unknown",  "14", "The charging system does not know the number"),
        line(Decline::SubscriberBarred,  "subscriber_barred",   "62", "The line is barred from recharging"),
        line(Decline::ChargingDeclined,  "charging_declined",   "05", "The charging system refused, or provably never carried it out"),
        line(Decline::TransferRefused,   "transfer_refused",    "05", "The receiver refused it"),
        line(Decline::TransferCancelled, "transfer_cancelled",  "17", "The sender cancelled it before it was accepted"),
        line(Decline::AcceptanceExpired, "acceptance_expired",  "05", "The receiver did not accept it in time"),
        line(Decline::PaymentNotOffered, "payment_not_offered", "57", "No acquirer takes this amount or this way of paying"),
        line(Decline::CardFundsInsufficient, "card_funds_insufficient", "51", "The card has not enough money"),
        line(Decline::PaymentDeclined,   "payment_declined",    "05", "The card's bank refused, or the acquirer does not know the token"),
        line(Decline::PaymentAbandoned,  "payment_abandoned",   "17", "The customer gave up, was not recognised, or let the time pass"),
        line(Decline::PaymentNotMade,    "payment_not_made",    "91", "The acquirer could not be asked, or provably took nothing"),
        line(Decline::LimitsChanged,     "limits_changed",      "40", "The limits changed after the raise was proposed; propose it anew"),
        line(Decline::UnfitLimits,       "unfit_limits",        "40", "The proposal raises nothing, begins in the past, or there would be too many limits"),
        line(Decline::ItemChanged,       "item_changed",        "40", "The difference was resolved, or settled by a file, after the resolution was proposed"),
        line(Decline::UnfitResolution,   "unfit_resolution",    "40", "The difference cannot be resolved this way: nothing stands in suspense, or the top-up was not paid through this acquirer"),
        line(Decline::AlreadyReversed,   "already_reversed",    "94", "All of the recharge was taken back before"),
        line(Decline::NotReversible,     "not_reversible",      "57", "Neither the catalogue nor the charging system takes this recharge back for whoever asks"),
        line(Decline::ReversalWindowOver, "reversal_window_over", "57", "The time in which this recharge could be taken back is over"),
        line(Decline::PartialNotAllowed, "partial_not_allowed", "57", "The product is taken back as a whole only"),
        line(Decline::ReversalUnderWay,  "reversal_under_way",  "09", "Another reversal of the recharge is under way"),
        line(Decline::CreditSpent,       "credit_spent",        "51", "The line has less credit left than is to be taken back"),
        line(Decline::UnfitStatement,    "unfit_statement",     "40", "The recharge is not in doubt, its promised time is not over, or its charging system lets no statement decide"),
    ]
};

impl Decline {
    #[must_use]
    pub fn line(self) -> &'static DeclineLine {
        &DECLINES[self as usize]
    }

    /// Stable, in snake case.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.line().code
    }

    #[must_use]
    pub fn retry(self) -> Retry {
        Retry::NewId
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        DECLINES.iter().find(|line| line.code == code).map(|line| line.decline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_in_order_of_precedence() {
        for (index, line) in DECLINES.iter().enumerate() {
            assert_eq!(line.decline as usize, index, "{}", line.code);
            assert_eq!(Decline::from_code(line.code), Some(line.decline));
            assert_eq!(line.iso8583.len(), 2, "{}", line.code);
        }
        assert_eq!(Decline::from_code("no_such_code"), None);
    }
}
