//! Nouns of the domain as rows of the books and back. One type per table, used by both dialects in both
//! directions; what a row cannot be read as is [`StoreError::Corrupt`], named by its column, never its value.

use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::domain::{
    Account, AccountClass, AccountNumber, Ancestry, Asset, BusinessDay, Entry, EntryKind, Hold, LevelName, Limits,
    Msisdn, OperationId, Posting, Reseller, ResellerId, Rung, Shard, Standing, Timestamp, Usage,
};
use crate::ledger::merkle::Frontier;
use crate::ledger::{Appended, Changes, Head, Registration};
use crate::ports::StoreError;

/// The error of a column that holds what was never written to it.
pub(super) fn corrupt(column: &str) -> StoreError {
    StoreError::Corrupt(format!("column {column}"))
}

/// How many bytes travel in JSON, for `unhex`.
pub(super) fn hex_bytes<S: Serializer>(bytes: impl AsRef<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(bytes))
}

#[expect(clippy::ref_option, reason = "serde hands a field over as it stands")]
pub(super) fn hex_optional<T: AsRef<[u8]>, S: Serializer>(bytes: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match bytes {
        Some(bytes) => hex_bytes(bytes, serializer),
        None => serializer.serialize_none(),
    }
}

pub(super) fn shard_number(shard: Shard) -> i16 {
    i16::from(shard.number())
}

pub(super) fn read_shard(number: i16) -> Result<Shard, StoreError> {
    u8::try_from(number).map(Shard::new).map_err(|_| corrupt("shard"))
}

/// What an MSISDN is stored as.
pub(super) fn msisdn_column(msisdn: Msisdn) -> i64 {
    i64::try_from(msisdn.digits()).expect("a number of at most 15 digits")
}

pub(super) fn read_at(unix_ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(unix_ms)
}

pub(super) fn read_asset(code: i64) -> Result<Asset, StoreError> {
    i16::try_from(code).ok().and_then(Asset::from_code).ok_or_else(|| corrupt("posting.asset"))
}

#[derive(sqlx::FromRow)]
pub(super) struct HeadRow {
    pub shard: i16,
    pub version: i64,
    pub sequence: i64,
    pub frontier: Vec<u8>,
    pub recorded_at: i64,
    pub next_account: i64,
}

/// A head after a batch, beside what is compared of the head before it.
#[derive(Serialize, sqlx::Type)]
#[sqlx(type_name = "moved_head")]
pub(super) struct MovedHead {
    pub shard: i16,
    pub version: i64,
    pub sequence: i64,
    #[serde(serialize_with = "hex_bytes")]
    pub frontier: Vec<u8>,
    pub recorded_at: i64,
    pub next_account: i64,
    pub version_before: i64,
    pub sequence_before: i64,
    #[serde(serialize_with = "hex_bytes")]
    pub frontier_before: Vec<u8>,
}

impl From<&Changes> for MovedHead {
    fn from(changes: &Changes) -> Self {
        let (before, head) = (&changes.before, HeadRow::from(&changes.head));
        Self {
            shard: head.shard,
            version: head.version,
            sequence: head.sequence,
            frontier: head.frontier,
            recorded_at: head.recorded_at,
            next_account: head.next_account,
            version_before: before.version,
            sequence_before: before.sequence,
            frontier_before: before.frontier.to_bytes(),
        }
    }
}

impl From<&Head> for HeadRow {
    fn from(head: &Head) -> Self {
        Self {
            shard: shard_number(head.shard),
            version: head.version,
            sequence: head.sequence,
            frontier: head.frontier.to_bytes(),
            recorded_at: head.recorded_at.unix_ms(),
            next_account: head.next_account,
        }
    }
}

impl TryFrom<HeadRow> for Head {
    type Error = StoreError;

    fn try_from(row: HeadRow) -> Result<Self, StoreError> {
        let size = u64::try_from(row.sequence).map_err(|_| corrupt("shard.sequence"))?;
        Ok(Self {
            shard: read_shard(row.shard)?,
            version: row.version,
            sequence: row.sequence,
            frontier: Frontier::from_bytes(size, &row.frontier).ok_or_else(|| corrupt("shard.frontier"))?,
            recorded_at: read_at(row.recorded_at),
            next_account: row.next_account,
        })
    }
}

#[derive(Serialize, sqlx::FromRow, sqlx::Type)]
#[sqlx(type_name = "account")]
pub(super) struct AccountRow {
    pub shard: i16,
    pub number: i64,
    pub class: i16,
    #[serde(serialize_with = "hex_optional")]
    pub owner: Option<Uuid>,
    pub posted: i64,
    pub held: i64,
    pub credit_limit: i64,
    pub usage_day: i32,
    pub usage_count: i64,
    pub usage_amount_minor: i64,
}

impl AccountRow {
    pub(super) fn of(shard: Shard, account: &Account) -> Self {
        Self {
            shard: shard_number(shard),
            number: account.number.0,
            class: account.class.code(),
            owner: account.owner.map(ResellerId::uuid),
            posted: account.posted,
            held: account.held,
            credit_limit: account.credit_limit,
            usage_day: account.usage.day.0,
            usage_count: account.usage.count,
            usage_amount_minor: account.usage.amount_minor,
        }
    }

    pub(super) fn read(self) -> Result<(Shard, Account), StoreError> {
        let account = Account {
            number: AccountNumber(self.number),
            class: AccountClass::from_code(self.class).ok_or_else(|| corrupt("account.class"))?,
            owner: self.owner.map(ResellerId::from_uuid),
            posted: self.posted,
            held: self.held,
            credit_limit: self.credit_limit,
            usage: Usage {
                day: BusinessDay(self.usage_day),
                count: self.usage_count,
                amount_minor: self.usage_amount_minor,
            },
        };
        Ok((read_shard(self.shard)?, account))
    }
}

#[derive(Serialize, sqlx::FromRow)]
pub(super) struct ResellerRow {
    pub shard: i16,
    #[serde(serialize_with = "hex_bytes")]
    pub reseller: Uuid,
    pub stock_account: i64,
    pub standing: String,
    pub per_operation_minor: Option<i64>,
    pub per_day_count: Option<i64>,
    pub per_day_minor: Option<i64>,
    #[serde(serialize_with = "hex_optional")]
    pub parent: Option<Uuid>,
    pub level: String,
    #[serde(serialize_with = "hex_bytes")]
    pub place: Vec<u8>,
    pub version: i64,
}

impl ResellerRow {
    pub(super) fn of(shard: Shard, reseller: &Reseller) -> Self {
        Self {
            shard: shard_number(shard),
            reseller: reseller.id.uuid(),
            stock_account: reseller.stock_account.0,
            standing: reseller.standing.name().into(),
            per_operation_minor: reseller.limits.per_operation_minor,
            per_day_count: reseller.limits.per_day_count,
            per_day_minor: reseller.limits.per_day_minor,
            parent: reseller.parent.map(ResellerId::uuid),
            level: reseller.level.as_str().into(),
            place: reseller.place.to_vec(),
            version: reseller.version,
        }
    }

    pub(super) fn read(self) -> Result<(Shard, Reseller), StoreError> {
        let reseller = Reseller {
            id: ResellerId::from_uuid(self.reseller),
            stock_account: AccountNumber(self.stock_account),
            standing: Standing::from_name(&self.standing).ok_or_else(|| corrupt("reseller_state.standing"))?,
            limits: Limits {
                per_operation_minor: self.per_operation_minor,
                per_day_count: self.per_day_count,
                per_day_minor: self.per_day_minor,
            },
            parent: self.parent.map(ResellerId::from_uuid),
            level: read_level(&self.level, "reseller_state.level")?,
            place: self.place.try_into().map_err(|_| corrupt("reseller_state.place"))?,
            version: self.version,
        };
        Ok((read_shard(self.shard)?, reseller))
    }
}

#[derive(Serialize, sqlx::FromRow, sqlx::Type)]
#[sqlx(type_name = "hold")]
pub(super) struct HoldRow {
    pub shard: i16,
    #[serde(serialize_with = "hex_bytes")]
    pub operation: Uuid,
    pub account: i64,
    pub amount_minor: i64,
    pub placed_at: i64,
    pub due_at: i64,
}

impl HoldRow {
    pub(super) fn of(shard: Shard, hold: &Hold) -> Self {
        Self {
            shard: shard_number(shard),
            operation: hold.operation.uuid(),
            account: hold.account.0,
            amount_minor: hold.amount_minor,
            placed_at: hold.placed_at.unix_ms(),
            due_at: hold.due_at.unix_ms(),
        }
    }

    pub(super) fn read(self) -> Result<(Shard, Hold), StoreError> {
        let hold = Hold {
            operation: OperationId::from_uuid(self.operation),
            account: AccountNumber(self.account),
            amount_minor: self.amount_minor,
            placed_at: read_at(self.placed_at),
            due_at: read_at(self.due_at),
        };
        Ok((read_shard(self.shard)?, hold))
    }
}

#[derive(Serialize, sqlx::Type)]
#[sqlx(type_name = "entry")]
pub(super) struct EntryRow {
    pub shard: i16,
    pub sequence: i64,
    pub kind: i16,
    #[serde(serialize_with = "hex_bytes")]
    pub subject: Uuid,
    #[serde(serialize_with = "hex_bytes")]
    pub digest: [u8; 32],
    pub actor: std::sync::Arc<str>,
    pub recorded_at: i64,
    #[serde(serialize_with = "hex_bytes")]
    pub leaf: [u8; 32],
    /// Its postings one after the other, each as six numbers: debit, credit, asset, amount, and the balance of both legs
    /// after it; nothing when there are none. Where postings are rows of their own these are [`PostingRow`]s.
    #[serde(skip)]
    pub lines: Option<Vec<i64>>,
}

/// Numbers of a posting in [`EntryRow::lines`].
const LINE: usize = 6;

fn lines_of(entry: &Entry) -> Option<Vec<i64>> {
    let mut lines = Vec::with_capacity(entry.postings.len() * LINE);
    for it in &entry.postings {
        let asset = i64::from(it.asset.code());
        lines.extend([it.debit.0, it.credit.0, asset, it.amount_minor, it.debit_after, it.credit_after]);
    }
    (!lines.is_empty()).then_some(lines)
}

impl From<&Appended> for EntryRow {
    fn from(Appended { entry, leaf }: &Appended) -> Self {
        Self {
            shard: shard_number(entry.shard),
            sequence: entry.sequence,
            kind: entry.kind.code(),
            subject: entry.subject,
            digest: entry.digest,
            actor: entry.actor.clone(),
            recorded_at: entry.recorded_at.unix_ms(),
            leaf: *leaf,
            lines: lines_of(entry),
        }
    }
}

#[derive(Clone, Copy, Serialize, sqlx::FromRow)]
pub(super) struct PostingRow {
    pub shard: i16,
    pub sequence: i64,
    pub line: i16,
    pub debit: i64,
    pub credit: i64,
    pub asset: i64,
    pub amount_minor: i64,
    pub debit_after: i64,
    pub credit_after: i64,
}

impl PostingRow {
    pub(super) fn all_of(entry: &EntryRow) -> impl Iterator<Item = Self> {
        let (lines, _) = entry.lines.as_deref().unwrap_or_default().as_chunks::<LINE>();
        lines.iter().zip(1..).map(|(&[debit, credit, asset, amount_minor, debit_after, credit_after], line)| Self {
            shard: entry.shard,
            sequence: entry.sequence,
            line,
            debit,
            credit,
            asset,
            amount_minor,
            debit_after,
            credit_after,
        })
    }

    pub(super) fn read(self) -> Result<Posting, StoreError> {
        Ok(Posting {
            debit: AccountNumber(self.debit),
            credit: AccountNumber(self.credit),
            asset: read_asset(self.asset)?,
            amount_minor: self.amount_minor,
            debit_after: self.debit_after,
            credit_after: self.credit_after,
        })
    }
}

#[derive(Serialize, sqlx::FromRow)]
pub(super) struct RegistrationRow {
    #[serde(serialize_with = "hex_bytes")]
    pub id: Uuid,
    pub code: String,
    pub name: String,
    pub level: String,
    #[serde(serialize_with = "hex_optional")]
    pub parent: Option<Uuid>,
    pub created_at: i64,
}

impl From<&Registration> for RegistrationRow {
    fn from(registration: &Registration) -> Self {
        Self {
            id: registration.id.uuid(),
            code: registration.code.clone(),
            name: registration.name.clone(),
            level: registration.level.as_str().into(),
            parent: registration.parent.map(ResellerId::uuid),
            created_at: registration.created_at.unix_ms(),
        }
    }
}

impl TryFrom<RegistrationRow> for Registration {
    type Error = StoreError;

    fn try_from(row: RegistrationRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: ResellerId::from_uuid(row.id),
            code: row.code,
            name: row.name,
            level: read_level(&row.level, "reseller.level")?,
            parent: row.parent.map(ResellerId::from_uuid),
            created_at: read_at(row.created_at),
        })
    }
}

pub(super) fn read_level(text: &str, column: &str) -> Result<LevelName, StoreError> {
    text.parse().map_err(|_| corrupt(column))
}

pub(super) fn read_entry_kind(code: i16) -> Result<EntryKind, StoreError> {
    EntryKind::from_code(code).ok_or_else(|| corrupt("entry.kind"))
}

/// A reseller above another, or the other itself.
#[derive(sqlx::FromRow)]
pub(super) struct RungRow {
    shard: i16,
    reseller: Uuid,
    ancestor: Uuid,
    level: String,
}

impl RungRow {
    /// Rows that come ordered by shard, reseller, and from the bottom up.
    pub(super) fn read_all(rows: Vec<Self>) -> Result<Vec<(Shard, Ancestry)>, StoreError> {
        let lines = rows.chunk_by(|one, other| (one.shard, one.reseller) == (other.shard, other.reseller));
        let read = |line: &[Self]| {
            let rungs = line.iter().map(|row| {
                let level = row.level.parse().map_err(|_| corrupt("reseller.level"))?;
                Ok(Rung { reseller: ResellerId::from_uuid(row.ancestor), level })
            });
            Ok((read_shard(line[0].shard)?, rungs.collect::<Result<Ancestry, StoreError>>()?))
        };
        lines.map(read).collect()
    }
}
