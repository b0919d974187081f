//! Whether a recharge may come from its terminal. Reads the seller's own shard: partners' policies have a copy in every
//! shard, terminals stand at their reseller.

use super::books::ShardBooks;
use super::command::Reserve;
use crate::domain::records::{PartnerPolicy, Terminal};
use crate::domain::{Decline, PartnerId, RecordKey, RecordKind, RecordWant};

/// The policies, all of which stay in memory.
pub const POLICIES: RecordWant = RecordWant::Kind(RecordKind::PartnerPolicy);

/// The terminal that the decision reads; `None` for partners that are not held to known ones.
#[must_use]
pub fn want(books: &ShardBooks, command: &Reserve) -> Option<RecordWant> {
    let terminal = command.terminal.as_ref()?;
    if !requires_known_terminal(books, command.partner) {
        return None;
    }
    let id = Terminal::record_id(command.partner, terminal);
    Some(RecordWant::One(RecordKey::of_reseller(RecordKind::Terminal, command.reseller, id)))
}

/// Why the terminal may not sell, if it may not.
#[must_use]
pub fn refuse(books: &ShardBooks, command: &Reserve) -> Option<Decline> {
    if !requires_known_terminal(books, command.partner) {
        return None;
    }
    let found = command.terminal.as_ref().and_then(|terminal| {
        let id = Terminal::record_id(command.partner, terminal);
        books.body::<Terminal>(command.reseller, id.as_str())
    });
    match found {
        None => Some(Decline::TerminalUnknown),
        Some(Terminal { blocked: true }) => Some(Decline::TerminalBlocked),
        Some(Terminal { blocked: false }) => None,
    }
}

/// Costs nothing worth counting as long as nobody is held to known terminals.
fn requires_known_terminal(books: &ShardBooks, partner: PartnerId) -> bool {
    let mut held = books.records().of_kind::<PartnerPolicy>().filter(|(_, policy)| policy.requires_known_terminal);
    held.any(|(key, _)| key.id().as_str().parse() == Ok(partner))
}
