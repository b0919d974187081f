//! What customer care asks, as columns.

use crate::domain::{MaskedNumber, ResellerId};
use crate::ports::{Party, PartyQuery};

/// A masked number as parameters of a statement.
pub(super) struct MaskedColumns {
    pub least: i64,
    pub most: i64,
    pub modulus: i64,
    pub remainder: i64,
}

impl MaskedColumns {
    pub(super) fn of(number: &MaskedNumber) -> Self {
        let column = |digits: u64| i64::try_from(digits).expect("a number of at most 15 digits");
        let MaskedNumber { least, most, modulus, remainder } = *number;
        Self { least: column(least), most: column(most), modulus: column(modulus), remainder: column(remainder) }
    }
}

/// The subtrees of a query; a single reseller is one.
pub(super) fn roots_of(query: &PartyQuery) -> &[ResellerId] {
    match &query.party {
        Party::Below(roots) => roots,
        Party::Reseller(reseller) => std::slice::from_ref(reseller),
    }
}
