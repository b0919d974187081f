//! What a committed transaction says of doubts: how they ended, and whether as promised.

use crate::domain::{Effect, Entry, EvidenceItem, OperationKind};
use crate::ledger::Changes;

/// Counts the items of evidence that were written. Nearly always there are none.
pub(super) fn evidence(changes: &[Changes]) {
    let entries = changes.iter().flat_map(|changes| &changes.entries).map(|appended| &appended.entry);
    for (entry, item) in entries.filter_map(|entry| Some((entry, entry.evidence.as_deref()?))) {
        observe(entry, item);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a doubt is far shorter than 2^52 ms")]
fn observe(entry: &Entry, item: &EvidenceItem) {
    metrics::counter!(
        "taabia_evidence_items_total",
        "kind" => item.kind.name(), "says" => item.says.name(), "effect" => item.effect.name()
    )
    .increment(1);
    if item.effect == Effect::Contradicts {
        metrics::counter!("taabia_contradicting_evidence_total").increment(1);
        tracing::error!(
            recharge.id = OperationKind::Recharge.render(item.operation),
            "evidence contradicts the outcome"
        );
    }
    if item.effect != Effect::Decided {
        return;
    }
    let system = item.system.to_string();
    let after_ms = entry.recorded_at.since_ms(item.submit_by);
    metrics::histogram!("taabia_doubt_resolved_seconds", "system" => system.clone()).record(after_ms as f64 / 1_000.0);
    let kept = if item.keeps_promise(entry.recorded_at) { "kept" } else { "broken" };
    metrics::counter!("taabia_doubt_promises_total", "system" => system, "promise" => kept).increment(1);
}
