//! The devices that a partner sells with. A partner manages its own; what it is held to is the operator's to say.

use std::sync::Arc;

use super::caller::{Caller, ServiceError};
use super::directory::Directory;
use crate::domain::records::{PartnerPolicy, Terminal};
use crate::domain::{PartnerId, Record, RecordId, RecordKey, RecordKind, ResellerId, TerminalId};
use crate::ledger::command::PutRecord;
use crate::ledger::{Actor, Command, Outcome, Refusal, Request};
use crate::ports::{Ledger, LedgerError, Reads, RecordQuery};

/// A terminal of a partner at a reseller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownTerminal {
    pub reseller: ResellerId,
    pub terminal: TerminalId,
    pub blocked: bool,
}

/// A page of terminals, by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TerminalPage {
    pub items: Vec<KnownTerminal>,
    /// The last one shown, when there are more.
    pub next: Option<TerminalId>,
}

/// The use cases of terminals.
pub struct Terminals {
    pub directory: Arc<Directory>,
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn Reads>,
}

fn key_of(caller: &Caller, reseller: ResellerId, terminal: &TerminalId) -> RecordKey {
    RecordKey::of_reseller(RecordKind::Terminal, reseller, Terminal::record_id(caller.partner, terminal))
}

impl Terminals {
    /// Registers a terminal of the caller's partner. One that is known already stays as it is: `true` beside it.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when the reseller is unknown or outside the caller's subtrees.
    pub async fn register(
        &self,
        caller: &Caller,
        reseller: ResellerId,
        terminal: TerminalId,
    ) -> Result<(KnownTerminal, bool), ServiceError> {
        self.directory.authorise(caller, reseller).await?;
        match self.put(caller, reseller, &terminal, Some(0), false).await {
            Err(LedgerError::Refused(Refusal::StaleVersion { .. })) => {
                Ok((self.find(caller, reseller, terminal).await?, true))
            }
            outcome => {
                outcome?;
                Ok((KnownTerminal { reseller, terminal, blocked: false }, false))
            }
        }
    }

    /// Blocks or unblocks a terminal of the caller's partner.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when it or its reseller is unknown, or outside the caller's subtrees.
    pub async fn set_blocked(
        &self,
        caller: &Caller,
        reseller: ResellerId,
        terminal: TerminalId,
        blocked: bool,
    ) -> Result<KnownTerminal, ServiceError> {
        self.directory.authorise(caller, reseller).await?;
        self.find(caller, reseller, terminal.clone()).await?;
        // Nothing removes a terminal, so what was found is there; the last word counts, whoever comes between.
        self.put(caller, reseller, &terminal, None, blocked).await?;
        Ok(KnownTerminal { reseller, terminal, blocked })
    }

    /// The terminals of the caller's partner at a reseller, beginning after `after`.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when the reseller is unknown or outside the caller's subtrees.
    pub async fn list(
        &self,
        caller: &Caller,
        reseller: ResellerId,
        after: Option<TerminalId>,
        limit: u32,
    ) -> Result<TerminalPage, ServiceError> {
        self.directory.authorise(caller, reseller).await?;
        let prefix = Terminal::prefix(caller.partner);
        let first = || prefix.parse::<RecordId>().expect("an id and a slash");
        let after = after.map_or_else(first, |terminal| Terminal::record_id(caller.partner, &terminal));
        let query = RecordQuery {
            shard: self.directory.shard_of(reseller),
            kind: RecordKind::Terminal,
            owner: Some(reseller),
            after: Some((reseller, after)),
            limit: limit + 1,
        };
        let found = self.reads.records(&query).await?;
        let mut items: Vec<KnownTerminal> = found.iter().map_while(|record| known(record, &prefix)).collect();
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = if more { items.last().map(|last| last.terminal.clone()) } else { None };
        Ok(TerminalPage { items, next })
    }

    async fn find(
        &self,
        caller: &Caller,
        reseller: ResellerId,
        terminal: TerminalId,
    ) -> Result<KnownTerminal, ServiceError> {
        let key = key_of(caller, reseller, &terminal);
        let record = self.reads.record(self.directory.shard_of(reseller), &key).await?;
        let body = record.as_ref().and_then(Record::body::<Terminal>).ok_or(ServiceError::NotFound)?;
        Ok(KnownTerminal { reseller, terminal, blocked: body.blocked })
    }

    async fn put(
        &self,
        caller: &Caller,
        reseller: ResellerId,
        terminal: &TerminalId,
        expected: Option<i64>,
        blocked: bool,
    ) -> Result<Outcome, LedgerError> {
        let key = key_of(caller, reseller, terminal);
        let put = PutRecord { key, expected, content: Terminal { blocked }.into() };
        self.ledger.execute(Command { actor: caller.actor(), request: Request::PutRecord(put) }).await
    }
}

/// A terminal of the partner whose ids begin with `prefix`.
fn known(record: &Record, prefix: &str) -> Option<KnownTerminal> {
    let terminal = record.key().id().as_str().strip_prefix(prefix)?.parse().ok()?;
    Some(KnownTerminal { reseller: record.key().owner(), terminal, blocked: record.body::<Terminal>()?.blocked })
}

/// Holds a partner to known terminals, or no longer.
///
/// # Errors
/// When the ledger does not take the command.
pub async fn require_known_terminals(
    ledger: &dyn Ledger,
    actor: Actor,
    partner: PartnerId,
    required: bool,
) -> Result<(), LedgerError> {
    let key = RecordKey::of_operator(RecordKind::PartnerPolicy, PartnerPolicy::record_id(partner));
    let content = PartnerPolicy { requires_known_terminal: required }.into();
    let put = PutRecord { key, expected: None, content };
    ledger.execute(Command { actor, request: Request::PutRecord(put) }).await.map(|_| ())
}
