//! Who works at the command line, for the audit of staff actions.

use std::os::unix::fs::MetadataExt as _;

use clap::Args;

use crate::domain::{Origin, Reason, Via};
use crate::ledger::Actor;

/// Why something is done.
#[derive(Args, Clone, Debug, Default)]
pub struct ReasonArg {
    /// Why; the audit of staff actions shows it, with the user and the machine.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<Reason>,
}

impl ReasonArg {
    /// Whoever sits at the command line, with the reason that was given.
    #[must_use]
    pub fn person(&self) -> Actor {
        let user =
            std::fs::metadata("/proc/self").map_or_else(|_| "user unknown".into(), |me| format!("uid {}", me.uid()));
        let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let address = Some(format!("{user} on {}", machine.trim()).into());
        let reason = self.reason.as_ref().map(Reason::as_str).map(Into::into);
        Actor::person("operator:command_line", Origin { via: Via::CommandLine, address, request: None, reason })
    }
}
