//! `taabia verify`: the auditors' check of the books, on a stopped or on a live store.

use std::error::Error;
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use secrecy::ExposeSecret as _;

use super::args::VerifyArgs;
use super::settings;
use crate::reports::verify::{Checkpoint, Options, VerifyError, verify as check};
use crate::storage::{self, OpenOptions};

/// Whether the books are right. What is not is printed on standard error.
///
/// # Errors
/// When the store or the checkpoint cannot be read.
pub async fn verify(args: VerifyArgs) -> Result<bool, Box<dyn Error>> {
    let config = settings(&args.settings, &args.settings.flags(&[]))?;
    let checkpoint = args.checkpoint.as_deref().map(read_checkpoint).transpose()?;
    let storage = storage::open(config.database_url().expose_secret(), OpenOptions::default()).await?;
    let bar = progress_bar();
    let mut on_progress = |progress: crate::reports::verify::Progress| {
        bar.set_length(progress.total.unsigned_abs());
        bar.set_position(progress.done.unsigned_abs());
    };
    let options = Options { checkpoint, calendar: config.calendar(), ..Options::default() };
    let outcome = check(&*storage.audit, &options, &mut on_progress).await;
    bar.finish_and_clear();
    match outcome {
        Ok(report) => {
            println!("{}", report.text(storage.currency));
            if let Some(path) = &args.write_checkpoint {
                std::fs::write(path, Checkpoint::new(&report).to_json())
                    .map_err(|error| format!("{}: {error}", path.display()))?;
            }
            Ok(true)
        }
        Err(VerifyError::Offending(finding)) => {
            eprintln!("the books are NOT right: {finding}");
            Ok(false)
        }
        Err(VerifyError::Store(error)) => Err(error.into()),
    }
}

fn read_checkpoint(path: &Path) -> Result<Checkpoint, Box<dyn Error>> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Checkpoint::parse(&text).map_err(|error| format!("{}: {error}", path.display()))?)
}

fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("verifying {bar:40} {pos}/{len} entries, {per_sec}, {eta} left");
    ProgressBar::no_length().with_style(style.expect("the template is well formed"))
}
