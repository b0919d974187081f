//! What needs two persons, as rows beside their operations.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::rows::{corrupt, hex_bytes, hex_optional, read_at, shard_number};
use crate::domain::records::{Bounds, LimitChange};
use crate::domain::{
    BusinessDay, ClientId, Direction, FourEyes, Item, ItemResolution, LimitRaise, Operation, OperationId,
    OperationKind, Proposal, ResellerId, Resolution, Ruling, SettledKind, Statement, Timestamp, Verdict,
};
use crate::ports::StoreError;

#[derive(Clone, Serialize, sqlx::FromRow)]
pub(super) struct FourEyesRow {
    pub shard: i16,
    #[serde(serialize_with = "hex_bytes")]
    pub id: Uuid,
    #[serde(serialize_with = "hex_bytes")]
    pub maker: Uuid,
    pub reason: String,
    pub document: String,
    pub expires_at: i64,
    #[serde(serialize_with = "hex_optional")]
    pub reseller: Option<Uuid>,
    pub direction: Option<String>,
    /// Of limits that are to be raised: [`RaiseText`] as JSON.
    pub limits: Option<String>,
    /// Of what two books do not have in common: [`ResolutionText`] as JSON.
    pub resolution: Option<String>,
    /// Of a statement: the recharge, and what is said of it.
    #[serde(serialize_with = "hex_optional")]
    pub recharge: Option<Uuid>,
    pub stated: Option<String>,
    #[serde(serialize_with = "hex_optional")]
    pub checker: Option<Uuid>,
    pub ruling: Option<i16>,
    pub ruling_reason: Option<String>,
    pub ruled_at: Option<i64>,
}

/// Limits that are to be raised, as a column keeps them; whose they are says another.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RaiseText {
    effective_from_ms: Option<i64>,
    terminal: Option<String>,
    bounds: Bounds,
    credit_limit_minor: Option<i64>,
    version: i64,
}

impl RaiseText {
    fn of(raise: &LimitRaise) -> String {
        let LimitChange { effective_from, terminal, bounds, credit_limit_minor, .. } = &raise.change;
        let text = Self {
            effective_from_ms: effective_from.map(Timestamp::unix_ms),
            terminal: terminal.as_ref().map(|terminal| terminal.as_str().to_owned()),
            bounds: *bounds,
            credit_limit_minor: *credit_limit_minor,
            version: raise.version,
        };
        serde_json::to_string(&text).expect("it is a plain struct")
    }

    fn read(reseller: ResellerId, text: &str) -> Option<LimitRaise> {
        let text: Self = serde_json::from_str(text).ok()?;
        let terminal = match text.terminal {
            Some(terminal) => Some(terminal.parse().ok()?),
            None => None,
        };
        let change = LimitChange {
            reseller,
            effective_from: text.effective_from_ms.map(read_at),
            terminal,
            bounds: text.bounds,
            credit_limit_minor: text.credit_limit_minor,
        };
        Some(LimitRaise { change, version: text.version })
    }
}

/// What becomes of an item, as a column keeps it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResolutionText {
    item: String,
    acquirer: Box<str>,
    kind: i16,
    amount_minor: i64,
    since_day: i32,
    resolution: String,
    topup: Option<String>,
}

impl ResolutionText {
    fn of(asked: &ItemResolution) -> String {
        let Item { id, acquirer, kind, amount_minor, since } = &asked.item;
        let text = Self {
            item: id.to_string(),
            acquirer: acquirer.clone(),
            kind: kind.code(),
            amount_minor: *amount_minor,
            since_day: since.0,
            resolution: asked.resolution.name().into(),
            topup: asked.resolution.named().map(|topup| topup.uuid().simple().to_string()),
        };
        serde_json::to_string(&text).expect("it is a plain struct")
    }

    fn read(text: &str) -> Option<ItemResolution> {
        let text: Self = serde_json::from_str(text).ok()?;
        let item = Item {
            id: text.item.parse().ok()?,
            acquirer: text.acquirer,
            kind: SettledKind::from_code(text.kind)?,
            amount_minor: text.amount_minor,
            since: BusinessDay(text.since_day),
        };
        let topup = match text.topup {
            Some(topup) => Some(OperationId::from_uuid(Uuid::try_parse(&topup).ok()?)),
            None => None,
        };
        let resolution = Resolution::from_parts(&text.resolution, topup)?;
        Some(ItemResolution { item, resolution })
    }
}

impl FourEyesRow {
    /// The row of an operation, where it has one.
    pub(super) fn of(operation: &Operation) -> Option<Self> {
        let eyes = operation.four_eyes()?;
        let (direction, limits, resolution) = match &eyes.proposal {
            Proposal::Adjustment { direction, .. } => (Some(direction.name().to_owned()), None, None),
            Proposal::LimitRaise(raise) => (None, Some(RaiseText::of(raise)), None),
            Proposal::Resolution(asked) => (None, None, Some(ResolutionText::of(asked))),
            Proposal::Issue | Proposal::Destruction | Proposal::Statement(_) => (None, None, None),
        };
        let verdict = eyes.verdict.as_ref();
        Some(Self {
            shard: shard_number(operation.id.shard()),
            id: operation.id.uuid(),
            maker: eyes.maker.uuid(),
            reason: eyes.reason.to_string(),
            document: eyes.document.to_string(),
            expires_at: eyes.expires_at.unix_ms(),
            reseller: eyes.proposal.reseller().map(ResellerId::uuid),
            direction,
            limits,
            resolution,
            recharge: eyes.proposal.statement().map(|statement| statement.recharge.uuid()),
            stated: eyes.proposal.statement().map(|statement| statement.name().to_owned()),
            checker: verdict.map(|verdict| verdict.checker.uuid()),
            ruling: verdict.map(|verdict| verdict.ruling.code()),
            ruling_reason: verdict.map(|verdict| verdict.reason.to_string()),
            ruled_at: verdict.map(|verdict| verdict.at.unix_ms()),
        })
    }

    pub(super) fn read(self, kind: OperationKind) -> Result<FourEyes, StoreError> {
        let direction = || self.direction.as_deref().and_then(Direction::from_name);
        let proposal = match kind {
            OperationKind::Issue => Proposal::Issue,
            OperationKind::Destruction => Proposal::Destruction,
            OperationKind::Adjustment => Proposal::Adjustment {
                reseller: self.reseller.map(ResellerId::from_uuid),
                direction: direction().ok_or_else(|| corrupt("four_eyes.direction"))?,
            },
            OperationKind::LimitRaise => {
                let reseller = self.reseller.map(ResellerId::from_uuid);
                let raise = reseller.zip(self.limits.as_deref()).and_then(|(id, text)| RaiseText::read(id, text));
                Proposal::LimitRaise(Box::new(raise.ok_or_else(|| corrupt("four_eyes.limits"))?))
            }
            OperationKind::Resolution => {
                let asked = self.resolution.as_deref().and_then(ResolutionText::read);
                Proposal::Resolution(Box::new(asked.ok_or_else(|| corrupt("four_eyes.resolution"))?))
            }
            OperationKind::Statement => {
                let (recharge, reseller) =
                    self.recharge.zip(self.reseller).ok_or_else(|| corrupt("four_eyes.recharge"))?;
                let applied = self.stated.as_deref().and_then(Statement::applied_of);
                Proposal::Statement(Statement {
                    recharge: OperationId::from_uuid(recharge),
                    reseller: ResellerId::from_uuid(reseller),
                    applied: applied.ok_or_else(|| corrupt("four_eyes.stated"))?,
                })
            }
            _ => return Err(corrupt("operation.kind")),
        };
        let verdict = match (self.checker, self.ruling, self.ruling_reason, self.ruled_at) {
            (None, None, None, None) => None,
            (Some(checker), Some(ruling), Some(reason), Some(at)) => Some(Verdict {
                checker: ClientId::from_uuid(checker),
                ruling: Ruling::from_code(ruling).ok_or_else(|| corrupt("four_eyes.ruling"))?,
                reason: reason.parse().map_err(|_| corrupt("four_eyes.ruling_reason"))?,
                at: read_at(at),
            }),
            _ => return Err(corrupt("four_eyes.checker")),
        };
        Ok(FourEyes {
            proposal,
            maker: ClientId::from_uuid(self.maker),
            reason: self.reason.parse().map_err(|_| corrupt("four_eyes.reason"))?,
            document: self.document.parse().map_err(|_| corrupt("four_eyes.document"))?,
            expires_at: read_at(self.expires_at),
            verdict,
        })
    }
}
