//! What customer care asks, as columns.

use super::rows::corrupt;
use crate::domain::encoding::Hash;
use crate::domain::{CaseNumbers, CaseStatus, MaskedNumber, Msisdn, ResellerId, Timestamp};
use crate::ports::{CaseQuery, Party, PartyQuery, StoreError};

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

/// The part of a list of cases that both dialects take.
pub(super) struct PageOfCases {
    pub before_ms: i64,
    /// Behind all ids at the beginning.
    pub before_id: String,
    pub status: Option<&'static str>,
    pub owner: Option<String>,
    pub overdue_ms: Option<i64>,
    pub partner: String,
    pub limit: i64,
    /// Whether what is closed is none of it.
    pub unclosed: bool,
}

impl PageOfCases {
    pub(super) fn of(query: &CaseQuery) -> Self {
        let (before_ms, before_id) = match &query.after {
            Some((at, id)) => (at.unix_ms(), id.as_str().to_owned()),
            None => (i64::MAX, String::new()),
        };
        Self {
            before_ms,
            before_id,
            status: query.status.map(CaseStatus::name),
            owner: query.owner.map(|owner| owner.to_string()),
            overdue_ms: query.overdue_at.map(Timestamp::unix_ms),
            partner: query.partner.uuid().to_string(),
            limit: i64::from(query.limit),
            unclosed: query.overdue_at.is_some() || query.status.is_some_and(|status| status != CaseStatus::Closed),
        }
    }
}

/// The numbers of a case, under the digest that they were kept by.
#[derive(sqlx::FromRow)]
pub(super) struct CaseNumberRow {
    digest: Vec<u8>,
    salt: Vec<u8>,
    subscriber: Option<i64>,
    call_back: i64,
}

impl CaseNumberRow {
    pub(super) fn read_all(rows: Vec<Self>) -> Result<Vec<(Hash, CaseNumbers)>, StoreError> {
        rows.into_iter().map(Self::read).collect()
    }

    fn read(self) -> Result<(Hash, CaseNumbers), StoreError> {
        let number = |column: i64| {
            let digits = u64::try_from(column).ok().and_then(Msisdn::from_digits);
            digits.ok_or_else(|| corrupt("case_number.call_back"))
        };
        let numbers = CaseNumbers {
            salt: self.salt.try_into().map_err(|_| corrupt("case_number.salt"))?,
            subscriber: self.subscriber.map(number).transpose()?,
            call_back: number(self.call_back)?,
        };
        Ok((self.digest.try_into().map_err(|_| corrupt("case_number.digest"))?, numbers))
    }
}
