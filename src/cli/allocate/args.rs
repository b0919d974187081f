//! Flags of `taabia allocate`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::args::SettingsArgs;
use crate::domain::{ExternalId, Reason, Terms};

/// Stock from the operator to its network.
#[derive(Clone, Debug, Subcommand)]
pub enum AllocateCommand {
    /// Stocks many resellers, from a CSV file or by a rule, each once. Again with the same id it goes on where it stood. Exit 0 when everybody was stocked, else the refused lines are named.
    Run(AllocateRunArgs),
}

#[derive(Args, Clone, Debug)]
pub struct AllocateRunArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// CSV in UTF-8 with a heading: `code,amount`, or the file of a network together with --each.
    #[arg(value_name = "FILE", required_unless_present = "level", conflicts_with_all = ["level", "under", "top_up_to"])]
    pub file: Option<PathBuf>,
    /// Name of this run, chosen by you: the same run is never carried out twice, and goes on when it was cut off.
    #[arg(long, value_name = "ID")]
    pub external_id: ExternalId,
    /// `consignment`: nothing is owed; `on_account`: the price is owed.
    #[arg(long, value_name = "TERMS", value_parser = terms)]
    pub terms: Terms,
    /// Why, for the auditors.
    #[arg(long, value_name = "TEXT")]
    pub reason: Reason,
    /// So much to everybody, such as 500.00.
    #[arg(long, value_name = "AMOUNT", conflicts_with = "top_up_to")]
    pub each: Option<String>,
    /// Without a file: what is missing to so much of available stock.
    #[arg(long, value_name = "AMOUNT")]
    pub top_up_to: Option<String>,
    /// Without a file: every reseller of this level.
    #[arg(long, value_name = "LEVEL")]
    pub level: Option<String>,
    /// Those below this reseller (`rsl_…` or its code); without it the whole network.
    #[arg(long, value_name = "RESELLER", requires = "level")]
    pub under: Option<String>,
    /// Says what would happen, and writes nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Carries out the good rows of a file that has bad ones; they are named in any case.
    #[arg(long, requires = "file")]
    pub skip_bad: bool,
}

fn terms(text: &str) -> Result<Terms, &'static str> {
    Terms::from_name(text).ok_or("expected consignment or on_account")
}
