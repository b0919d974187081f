//! `GET /v1/recharges/{id}/certificate`: how a recharge stands and what proves it, signed.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::evidence::EvidenceJson;
use crate::domain::{Decline, Money, OperationKind};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::{Api, ApiState};
use crate::http::v1::operations;
use crate::services::{Caller, Standing};

/// The recharge as a certificate names it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CertifiedRecharge {
    #[schema(example = "atm7-000123")]
    external_id: String,
    #[schema(example = "rsl_01939f3e-7c00-7000-8000-00000000000a")]
    reseller_id: String,
    /// Masked.
    #[schema(example = "2126••••78", required)]
    msisdn: Option<String>,
    #[schema(example = "20.00")]
    amount: String,
    #[schema(example = "MAD")]
    currency: &'static str,
    #[schema(example = "completed")]
    status: &'static str,
    /// No change without a new, visible operation.
    #[schema(example = true)]
    r#final: bool,
    #[schema(example = json!(null), required)]
    decline: Option<&'static str>,
    /// The system that was asked last, and our reference towards it; null when none was asked.
    #[schema(example = "main", required)]
    charging_system: Option<String>,
    #[schema(example = "1763799000001000042", required)]
    charging_reference: Option<String>,
    #[schema(example = "2026-11-22T08:30:00.000Z", format = DateTime)]
    created_at: String,
    /// When the charging system's time to answer was over.
    #[schema(example = "2026-11-22T08:30:04.000Z", format = DateTime, required)]
    submit_by: Option<String>,
    #[schema(example = "2026-11-22T08:30:15.350Z", format = DateTime)]
    updated_at: String,
}

/// Where the journal says so: RFC 6962 §2.1 defines leaf and root.
#[derive(Debug, Serialize, ToSchema)]
pub struct CertifiedEntry {
    #[schema(example = 3)]
    shard: u8,
    #[schema(example = 4711)]
    sequence: i64,
    #[schema(example = "recharge.completed")]
    kind: &'static str,
    #[schema(example = "2026-11-22T08:30:15.350Z", format = DateTime)]
    recorded_at: String,
    /// SHA-256, in hexadecimal digits.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    leaf: String,
    /// Entries of the shard's journal when this was signed, and the root of its Merkle tree then.
    #[schema(example = 4722)]
    size: i64,
    #[schema(example = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752")]
    root: String,
}

/// What is signed.
#[derive(Debug, Serialize, ToSchema)]
pub struct CertificateClaims {
    /// Who signs.
    #[schema(example = "https://recharge.example")]
    iss: String,
    /// The recharge.
    #[schema(example = "rch_01939f3e-7c00-7000-8000-000000000001")]
    sub: String,
    /// When it was signed, in seconds since 1970.
    #[schema(example = 1_795_336_216)]
    iat: i64,
    recharge: CertifiedRecharge,
    /// In its order; empty when the answer came in time.
    evidence: Vec<EvidenceJson>,
    journal: CertifiedEntry,
}

/// A certificate, readable and signed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Certificate {
    /// For reading; only `jws` proves anything.
    certificate: CertificateClaims,
    /// The same as a JWS (RFC 7515), signed with EdDSA by a key of `/.well-known/jwks.json`.
    #[schema(example = "eyJ0eXAiOiJ0YWFiaWEtY2VydGlmaWNhdGUrand0Iiwi…")]
    jws: String,
}

/// A certificate of how a recharge stands
///
/// Names the outcome, every item of evidence with its digest, and the journal entry that holds them. Each request signs what stands
/// now with the present key, so fetch it again when the keys have changed.
#[utoipa::path(
    get, path = "/v1/recharges/{id}/certificate", operation_id = "get_certificate", tag = "recharges",
    params(("id" = String, Path, description = "The recharge", example = "rch_01939f3e-7c00-7000-8000-000000000001")),
    responses(
        (status = 200, description = "Its certificate", body = Certificate),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_certificate(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Certificate>, Problem> {
    let id = operations::id_of(&id, OperationKind::Recharge)?;
    let standing = state.certificates.standing(&caller, id).await?;
    let certificate = claims(&state, &standing);
    let jws = state.tokens.certify(&certificate).await?;
    Ok(Json(Certificate { certificate, jws }))
}

fn claims(api: &Api, standing: &Standing) -> CertificateClaims {
    let Standing { operation, evidence, entry, head } = standing;
    let sent = operation.recharge();
    let asked = sent.and_then(|recharge| Some((recharge.asked.last(), recharge.charging_reference?)));
    CertificateClaims {
        iss: api.tokens.issuer().into(),
        sub: OperationKind::Recharge.render(operation.id),
        iat: api.clock.now().unix_s(),
        recharge: CertifiedRecharge {
            external_id: operation.external_id.to_string(),
            reseller_id: operation.reseller.to_string(),
            msisdn: sent.map(|recharge| recharge.msisdn.to_string()),
            amount: Money::from_minor(operation.amount_minor, api.currency).to_string(),
            currency: api.currency.code(),
            status: operation.status.name(),
            r#final: operation.status.is_final(),
            decline: operation.decline.map(Decline::code),
            charging_system: asked.map(|(system, _)| system.to_string()),
            charging_reference: asked.map(|(_, reference)| reference.to_string()),
            created_at: operation.created_at.to_string(),
            submit_by: sent.map(|recharge| recharge.submit_by.to_string()),
            updated_at: operation.updated_at.to_string(),
        },
        evidence: evidence.iter().map(EvidenceJson::from).collect(),
        journal: CertifiedEntry {
            shard: head.shard.number(),
            sequence: entry.entry.sequence,
            kind: entry.entry.kind.name(),
            recorded_at: entry.entry.recorded_at.to_string(),
            leaf: hex::encode(entry.leaf),
            size: head.sequence,
            root: hex::encode(head.frontier.root()),
        },
    }
}
