//! The ledger as services see it: commands in, durable outcomes out. The posting engine is behind it.

use async_trait::async_trait;

use crate::ledger::{Command, Outcome, Refusal};

/// Why a command has no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// Refused by a rule; nothing was written.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Too much is waiting; nothing was written.
    #[error("overloaded")]
    Overloaded { retry_after_s: u32 },
    /// The books lack what happened after a backup: nothing is sold until they agree with the outside; nothing was written.
    #[error("recovering")]
    Recovering { retry_after_s: u32 },
    /// The store cannot be reached; nothing was written.
    #[error("the store is unavailable")]
    Unavailable { retry_after_s: u32 },
    /// This command alone fails; nothing was written.
    #[error("internal error")]
    Internal,
}

#[async_trait]
pub trait Ledger: Send + Sync + 'static {
    /// Answers when the outcome is durable. A caller that goes away changes nothing.
    async fn execute(&self, command: Command) -> Result<Outcome, LedgerError>;
}
