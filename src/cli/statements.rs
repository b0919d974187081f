//! `taabia statements`: what statements are read from can be made again.

use std::error::Error;

use indicatif::{ProgressBar, ProgressStyle};
use secrecy::ExposeSecret as _;

use super::args::StatementsCommand;
use super::settings;
use crate::domain::Shard;
use crate::storage::{self, OpenOptions};

/// # Errors
/// When the store cannot be written.
pub async fn statements(command: StatementsCommand) -> Result<bool, Box<dyn Error>> {
    let StatementsCommand::Rebuild(args) = command;
    let config = settings(&args.settings, &args.settings.flags(&[]))?;
    let mut storage = storage::open(config.database_url().expose_secret(), OpenOptions::default()).await?;
    // On SQLite a server would wait for the one writer longer than its callers do.
    storage.lock_for_serving()?;
    let style = ProgressStyle::with_template("writing movements again {bar:40} {pos}/{len} shards, {eta} left");
    let bar = ProgressBar::new(u64::from(storage.store.shards()));
    bar.set_style(style.expect("the template is well formed"));
    let mut entries = 0;
    for shard in Shard::all(storage.store.shards()) {
        entries += storage.movements.write_again(shard).await?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    println!("the movements of {entries} entries are written again");
    Ok(true)
}
