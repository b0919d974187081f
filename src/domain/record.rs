//! Records: versioned configuration that decisions read and auditors ask for. Each is a typed struct, kept as JSON
//! text, put by an engine command with the version it replaces, and compared by `verify` with its last entry.
//!
//! A kind is added by a struct in [`super::records`] and one line in `record_kinds!` below.

use std::borrow::Borrow;

use uuid::Uuid;

use super::catalogue::Catalogue;
use super::encoding::{Encoder, Hash};
use super::ids::ResellerId;
use super::records::{
    BusinessDayClosing, CareCase, CareSearch, Client, LimitSet, PartnerPolicy, PinPolicy, ReconciliationItem, Recovery,
    SettlementFile, StandingClawback, StockAlert, StockWatch, Terminal, User, WebhookEndpoint,
};
use super::shard::Shard;
use super::text::RecordId;

/// Where the records of a kind stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A copy in every shard, written in one transaction, so that each decision reads its own shard alone. For kinds
    /// of which there are few and which change seldom.
    EveryShard,
    /// In the operator's shard: what no decision about a reseller reads.
    Operator,
    /// In the shard of the reseller that owns the record.
    Owner,
    /// Each shard has one of its own, which it writes itself; no command puts it.
    OwnShard,
}

/// What the body of a record is: a struct of one kind.
pub trait RecordBody: Sized {
    const KIND: RecordKind;

    fn of(content: &Content) -> Option<&Self>;
}

/// One line per kind: the struct, its number, its name, and where its records stand.
macro_rules! record_kinds {
    ($($(#[$doc:meta])* $kind:ident = $code:literal, $name:literal, $place:ident;)+) => {
        /// What a record is about. The number is what the store keeps and is never used again.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        pub enum RecordKind {
            $($(#[$doc])* $kind = $code,)+
        }

        impl RecordKind {
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];

            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }

            #[must_use]
            pub fn place(self) -> Place {
                match self {
                    $(Self::$kind => Place::$place,)+
                }
            }
        }

        /// The body of a record of any kind.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Content {
            $($kind($kind),)+
        }

        impl Content {
            #[must_use]
            pub fn kind(&self) -> RecordKind {
                match self {
                    $(Self::$kind(_) => RecordKind::$kind,)+
                }
            }

            fn text(&self) -> Result<String, serde_json::Error> {
                match self {
                    $(Self::$kind(body) => serde_json::to_string(body),)+
                }
            }

            fn read(kind: RecordKind, text: &str) -> Result<Self, serde_json::Error> {
                Ok(match kind {
                    $(RecordKind::$kind => Self::$kind(serde_json::from_str(text)?),)+
                })
            }
        }

        $(
            impl RecordBody for $kind {
                const KIND: RecordKind = RecordKind::$kind;

                fn of(content: &Content) -> Option<&Self> {
                    if let Content::$kind(body) = content { Some(body) } else { None }
                }
            }

            impl From<$kind> for Content {
                fn from(body: $kind) -> Self {
                    Self::$kind(body)
                }
            }
        )+
    };
}

record_kinds! {
    /// What a partner is held to.
    PartnerPolicy = 20, "partner_policy", EveryShard;
    /// A device of a partner at a reseller.
    Terminal = 21, "terminal", Owner;
    /// An API client, as the log keeps it.
    Client = 30, "client", Operator;
    /// What a reseller may sell.
    LimitSet = 50, "limits", Owner;
    /// What is sold, what stock costs, and what sales earn; its one record has the id `catalogue`.
    Catalogue = 60, "catalogue", EveryShard;
    /// A business day that a shard has closed.
    BusinessDayClosing = 70, "business_day_closing", OwnShard;
    /// What a reseller's stock is watched for.
    StockWatch = 71, "stock_watch", Owner;
    /// Whether a reseller's stock is low.
    StockAlert = 72, "stock_alert", Owner;
    /// How wrong PINs lock a user out.
    PinPolicy = 80, "pin_policy", EveryShard;
    /// A person of an outlet, with a PIN.
    User = 81, "user", Owner;
    /// An acquirer's settlement file, as far as it is booked.
    SettlementFile = 105, "settlement_file", Operator;
    /// What charge-backs wait for at a reseller.
    StandingClawback = 110, "standing_clawback", Owner;
    /// That the store came back from a backup, until the books agree; its one record has the id `recovery`.
    Recovery = 160, "recovery", Operator;
    /// What two books do not have in common, once somebody looks after it.
    ReconciliationItem = 106, "reconciliation_item", Operator;
    /// For whom customer care looked last.
    CareSearch = 126, "care_search", Operator;
    /// The case of a subscriber who complains.
    CareCase = 127, "case", Operator;
    /// Where a partner wants to be told of events.
    WebhookEndpoint = 150, "webhook_endpoint", Operator;
}

impl RecordKind {
    #[must_use]
    pub fn code(self) -> i16 {
        self as i16
    }

    #[must_use]
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// What names a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    kind: RecordKind,
    owner: ResellerId,
    id: RecordId,
}

impl RecordKey {
    /// `owner` is the reseller for kinds that belong to one, and [`ResellerId::OPERATOR`] for all others.
    ///
    /// # Errors
    /// When the kind and the owner do not fit.
    pub fn new(kind: RecordKind, owner: ResellerId, id: RecordId) -> Result<Self, &'static str> {
        if (kind.place() == Place::Owner) == (owner == ResellerId::OPERATOR) {
            return Err("expected an owner for a record of a reseller, and none for any other");
        }
        Ok(Self { kind, owner, id })
    }

    /// The key of a record of the operator.
    ///
    /// # Panics
    /// For a kind that belongs to resellers.
    #[must_use]
    pub fn of_operator(kind: RecordKind, id: RecordId) -> Self {
        Self::new(kind, ResellerId::OPERATOR, id).expect("the kind belongs to the operator")
    }

    /// The key of a record of a reseller.
    ///
    /// # Panics
    /// For a kind that belongs to the operator.
    #[must_use]
    pub fn of_reseller(kind: RecordKind, owner: ResellerId, id: RecordId) -> Self {
        Self::new(kind, owner, id).expect("the kind belongs to resellers")
    }

    #[must_use]
    pub fn kind(&self) -> RecordKind {
        self.kind
    }

    #[must_use]
    pub fn owner(&self) -> ResellerId {
        self.owner
    }

    #[must_use]
    pub fn id(&self) -> &RecordId {
        &self.id
    }

    /// The shard whose entry records a command about it.
    #[must_use]
    pub fn home(&self, count: u16) -> Shard {
        match self.kind.place() {
            Place::EveryShard | Place::Operator | Place::OwnShard => Shard::OPERATOR,
            Place::Owner => Shard::of(self.owner.uuid(), count),
        }
    }

    /// The other shards that hold a copy.
    #[must_use]
    pub fn copies(&self, count: u16) -> Vec<Shard> {
        match self.kind.place() {
            Place::EveryShard => Shard::all(count).filter(|shard| *shard != Shard::OPERATOR).collect(),
            Place::Operator | Place::Owner | Place::OwnShard => Vec::new(),
        }
    }

    /// What stands for the record in the journal: a hash of its key as a UUID of version 8 (RFC 9562 §5.8).
    #[must_use]
    pub fn subject(&self) -> Uuid {
        let mut encoder = Encoder::new("taabia/record-key/1");
        encoder.text(self.kind.name()).bytes(self.owner.uuid().as_bytes()).text(self.id.as_str());
        let digest = encoder.sha256();
        uuid::Builder::from_custom_bytes(*digest.first_chunk().expect("a SHA-256 has 32 bytes")).into_uuid()
    }
}

impl std::fmt::Display for RecordKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.id)?;
        if self.owner == ResellerId::OPERATOR { Ok(()) } else { write!(f, " of {}", self.owner) }
    }
}

/// A record in one of its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    key: RecordKey,
    version: i64,
    content: Content,
    /// As it is stored and hashed; an older program may have written it with fewer fields than `content` has.
    text: Box<str>,
}

impl Record {
    /// # Panics
    /// When the key is of another kind, or the body has something that JSON cannot say, such as a map whose keys
    /// are not text.
    #[must_use]
    pub fn new(key: RecordKey, version: i64, content: Content) -> Self {
        assert_eq!(key.kind, content.kind(), "a record's key and body are of one kind");
        let text = content.text().expect("bodies of records are plain structs").into();
        Self { key, version, content, text }
    }

    /// A record as it was stored.
    ///
    /// # Errors
    /// When `text` is not what a body of the kind is written as.
    pub fn read(key: RecordKey, version: i64, text: &str) -> Result<Self, serde_json::Error> {
        let content = Content::read(key.kind, text)?;
        Ok(Self { key, version, content, text: text.into() })
    }

    #[must_use]
    pub fn key(&self) -> &RecordKey {
        &self.key
    }

    /// From 1; one more with each change.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.version
    }

    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// The body as a struct of its kind; `None` when `T` is of another.
    #[must_use]
    pub fn body<T: RecordBody>(&self) -> Option<&T> {
        T::of(&self.content)
    }

    /// The JSON text of the body.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The body for people to read: what a field named `…_secret` holds is not shown.
    #[must_use]
    pub fn shown(&self) -> serde_json::Value {
        let mut body = serde_json::from_str(&self.text).unwrap_or(serde_json::Value::Null);
        hide_secrets(&mut body);
        body
    }

    /// What the journal keeps of it.
    #[must_use]
    pub fn digest(&self) -> Hash {
        let mut encoder = Encoder::new("taabia/record/1");
        encoder.text(self.key.kind.name()).bytes(self.key.owner.uuid().as_bytes()).text(self.key.id.as_str());
        encoder.int(self.version).text(&self.text).sha256()
    }
}

fn hide_secrets(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                if name.ends_with("_secret") && !value.is_null() {
                    *value = "…".into();
                } else {
                    hide_secrets(value);
                }
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(hide_secrets),
        _ => {}
    }
}

/// Which records a command reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RecordWant {
    One(RecordKey),
    /// All of a kind that one reseller owns.
    Owned(RecordKind, ResellerId),
    /// All of a kind that stand in the shard; for kinds of which there are few, because they stay in memory.
    Kind(RecordKind),
}

impl Borrow<str> for RecordId {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_read_back_and_have_numbers_of_their_own() {
        for &kind in RecordKind::ALL {
            assert_eq!(RecordKind::from_code(kind.code()), Some(kind));
            assert_eq!(RecordKind::from_name(kind.name()), Some(kind));
        }
    }

    #[test]
    fn a_key_has_an_owner_where_its_kind_has_one() {
        let id: RecordId = "x".parse().unwrap();
        let reseller = ResellerId::from_uuid(Uuid::from_u128(1));
        assert!(RecordKey::new(RecordKind::User, ResellerId::OPERATOR, id.clone()).is_err());
        assert!(RecordKey::new(RecordKind::PinPolicy, reseller, id.clone()).is_err());
        let user = RecordKey::new(RecordKind::User, reseller, id.clone()).unwrap();
        let policy = RecordKey::new(RecordKind::PinPolicy, ResellerId::OPERATOR, id).unwrap();
        assert_eq!((user.home(8), user.copies(8)), (Shard::of(reseller.uuid(), 8), vec![]));
        assert_eq!((policy.home(3), policy.copies(3)), (Shard::OPERATOR, vec![Shard::new(1), Shard::new(2)]));
        assert_ne!(user.subject(), policy.subject());
        assert_eq!(user.subject().get_version_num(), 8);
    }

    #[test]
    fn a_record_keeps_its_text_and_every_part_of_it_is_hashed() {
        let key = RecordKey::of_operator(RecordKind::PinPolicy, "default".parse().unwrap());
        let record = Record::new(key.clone(), 3, PinPolicy::default().into());
        let again = Record::read(key.clone(), 3, record.text()).unwrap();
        assert_eq!(again, record);
        assert_eq!(record.body(), Some(&PinPolicy::default()));
        assert_eq!(record.body::<User>(), None);
        let spaced = Record::read(key.clone(), 3, &record.text().replace(',', ", ")).unwrap();
        assert_ne!(spaced.digest(), record.digest());
        assert_ne!(Record::new(key.clone(), 4, PinPolicy::default().into()).digest(), record.digest());
        assert!(Record::read(key, 3, "{}").is_err());
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut body =
            serde_json::json!({ "pin_secret": "a", "old_secret": null, "name": "b", "list": [{ "x_secret": [1] }] });
        hide_secrets(&mut body);
        let shown =
            serde_json::json!({ "pin_secret": "…", "old_secret": null, "name": "b", "list": [{ "x_secret": "…" }] });
        assert_eq!(body, shown);
    }
}
