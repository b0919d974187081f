//! `taabia export`: files for those who work with spreadsheets, straight from the store.

use std::error::Error;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use futures::{StreamExt as _, pin_mut};
use secrecy::ExposeSecret as _;

use super::args::{ExportCommand, ExportStatementArgs};
use super::clock::SystemClock;
use super::settings;
use crate::domain::ResellerId;
use crate::ports::Registry;
use crate::services::export::Format;
use crate::services::export::statement::StatementExport;
use crate::services::statements::Period;
use crate::services::{Directory, Statements};
use crate::storage::{self, OpenOptions};

/// # Errors
/// When the store cannot be read, the reseller does not exist or the file cannot be written.
pub async fn export(command: ExportCommand) -> Result<bool, Box<dyn Error>> {
    match command {
        ExportCommand::Statement(args) => statement(args).await,
    }
}

async fn statement(args: ExportStatementArgs) -> Result<bool, Box<dyn Error>> {
    let config = settings(&args.settings, &args.settings.flags(&[]))?;
    let storage = storage::open(config.database_url().expose_secret(), OpenOptions::default()).await?;
    let reseller = find(&*storage.registry, &args.reseller).await?;
    let statements = Arc::new(Statements {
        directory: Arc::new(Directory::new(storage.registry.clone(), storage.store.shards())),
        reads: storage.store.clone(),
        movements: storage.movements.clone(),
        clock: Arc::new(SystemClock),
        calendar: config.calendar(),
        boundaries: crate::services::statements::Boundaries::default(),
    });
    let period = match args.business_date {
        Some(day) => Period::Day(day),
        None => Period::Between { from: args.from, to: args.to },
    };
    let opened = statements.open(reseller, period, None).await;
    let statement = opened.map_err(|_| "the statement cannot be read; see the log")?;
    let currency = storage.currency;
    let export = StatementExport { statements, statement, currency, shows_numbers: args.numbers, permit: None };
    let unread = "the statement could not be read to its end";
    match args.format() {
        Format::Csv => {
            let mut file = File::create(&args.out).map_err(|error| named(&args.out, error))?;
            let pieces = export.csv();
            pin_mut!(pieces);
            while let Some(piece) = pieces.next().await {
                file.write_all(&piece.map_err(|_| unread)?).map_err(|error| named(&args.out, error))?;
            }
        }
        Format::Xlsx => {
            let folder = args.out.parent().filter(|parent| !parent.as_os_str().is_empty());
            let (mut written, _) = export.xlsx(folder.unwrap_or(Path::new("."))).await.map_err(|_| unread)?;
            let mut file = File::create(&args.out).map_err(|error| named(&args.out, error))?;
            std::io::copy(&mut written, &mut file).map_err(|error| named(&args.out, error))?;
        }
    }
    Ok(true)
}

fn named(path: &Path, error: std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

/// By id or by code.
async fn find(registry: &dyn Registry, name: &str) -> Result<ResellerId, Box<dyn Error>> {
    let found = match name.parse() {
        Ok(id) => registry.reseller(id).await?,
        Err(_) => registry.reseller_by_code(name).await?,
    };
    found.map(|registration| registration.id).ok_or_else(|| format!("there is no reseller {name}").into())
}
