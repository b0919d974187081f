//! API clients: the registry, by which they come in, has what the log tells of them, and nobody else.
//!
//! The log is written a moment before the registry. What does not agree at once is looked at again for a while.

use std::collections::HashMap;
use std::time::Duration;

use super::Slice;
use super::finding::{Finding, VerifyError};
use crate::domain::{Record, RecordKind, Shard, records};
use crate::ports::{AuditReader, Client};
use crate::services::access::logged;

const LOOKS: u32 = 10;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

pub(super) async fn check(audit: &dyn AuditReader, slices: &[Slice]) -> Result<(), VerifyError> {
    let mut look = 1;
    loop {
        let (fresh, clients) = audit.clients().await?;
        let agreed = unchanged(slices, &fresh).and_then(|()| compare(&fresh, &clients));
        match agreed {
            Ok(()) => return Ok(()),
            Err(finding) if look == LOOKS => return Err(finding.into()),
            Err(_) => look += 1,
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

/// What was verified against the log is still there, or has a later version.
fn unchanged(slices: &[Slice], fresh: &[Record]) -> Result<(), Finding> {
    let verified = slices.iter().filter(|slice| slice.head.shard == Shard::OPERATOR).flat_map(|slice| &slice.records);
    for record in verified.filter(|record| record.key().kind() == RecordKind::Client) {
        let now = fresh.iter().find(|now| now.key() == record.key());
        if now.is_none_or(|now| now.version() <= record.version() && now != record) {
            let row = format!("record {}", record.key());
            return Err(Finding::new(Some(Shard::OPERATOR), row, "its row changed without an entry"));
        }
    }
    Ok(())
}

fn compare(fresh: &[Record], clients: &[Client]) -> Result<(), Finding> {
    let bodies = fresh.iter().filter_map(|record| Some((record.key().id().as_str(), record.body()?)));
    let mut told: HashMap<&str, &records::Client> = bodies.collect();
    let finding = |id: &str, text: &str| Err(Finding::new(None, format!("client {id}"), text));
    for client in clients {
        let id = client.id.to_string();
        let Some(told) = told.remove(id.as_str()) else {
            return finding(&id, "no journal entry tells of it");
        };
        if let Some(field) = difference(&logged(client), told) {
            return finding(&id, &format!("its row has another {field} than the journal tells"));
        }
    }
    // One that never came in, because adding it failed, is revoked on the log.
    let gone = told.iter().filter(|(_, told)| told.revoked_at_ms.is_none()).map(|(id, _)| *id).min();
    match gone {
        Some(id) => finding(id, "the journal tells of it, but its row does not exist"),
        None => Ok(()),
    }
}

/// The first field that differs; lists are compared as sets.
fn difference(row: &records::Client, told: &records::Client) -> Option<&'static str> {
    let same = |row: &[String], told: &[String]| {
        let sorted = |list: &[String]| {
            let mut list = list.to_vec();
            list.sort_unstable();
            list
        };
        sorted(row) == sorted(told)
    };
    let fields = [
        ("name", row.name == told.name),
        ("partner", row.partner == told.partner),
        ("set of scopes", same(&row.scopes, &told.scopes)),
        ("set of resellers", same(&row.resellers, &told.resellers)),
        ("rate limit", row.rate_limit_per_s == told.rate_limit_per_s),
        ("set of secrets", same(&row.fingerprints, &told.fingerprints)),
        ("time of revocation", row.revoked_at_ms == told.revoked_at_ms),
    ];
    fields.into_iter().find(|(_, same)| !same).map(|(name, _)| name)
}
