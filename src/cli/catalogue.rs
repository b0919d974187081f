//! `taabia catalogue`: what is sold, what stock costs, and what sales earn.

use std::error::Error;

use super::args::{CatalogueCommand, CatalogueImportArgs};
use super::client::operator;
use super::clock::SystemClock;
use super::config::Config;
use super::node::start_engine;
use super::serve::open_for_serving;
use super::settings;
use crate::domain::catalogue::Import;
use crate::services::catalogue::{self, Format, Imported};

/// What an import that changes nothing says.
const UNCHANGED: &str = "the catalogue stands like that already";

/// # Errors
/// When the file is no catalogue, does not fit the one that stands, or the store cannot be reached.
pub async fn catalogue(command: CatalogueCommand) -> Result<bool, Box<dyn Error>> {
    match command {
        CatalogueCommand::Import(args) => import(args).await,
    }
}

async fn import(args: CatalogueImportArgs) -> Result<bool, Box<dyn Error>> {
    let config = settings(&args.settings, &args.settings.flags(&[]))?;
    let name = args.file.display().to_string();
    let format = Format::of_name(&name).ok_or_else(|| format!("{name}: expected a file that ends in .toml or .csv"))?;
    let bytes = tokio::fs::read(&args.file).await.map_err(|error| format!("{name}: {error}"))?;
    let import = parse(&bytes, format, &config).map_err(|error| format!("{name}, {error}"))?;
    let storage = open_for_serving(&config).await?;
    let reads = &*storage.store;
    if args.dry_run {
        let what = match catalogue::preview(reads, &SystemClock, &import).await? {
            Some(next) => {
                format!("it fits: {} products and {} rules would stand", next.products().len(), next.rules().len())
            }
            None => UNCHANGED.into(),
        };
        println!("{what}; nothing was written");
        return Ok(true);
    }
    let engine = start_engine(&config, &storage);
    let done = catalogue::import(&*engine, reads, &SystemClock, operator(), import).await;
    engine.close().await;
    let Imported { published, changed } = done?;
    if changed {
        let (products, rules) = (published.catalogue.products().len(), published.catalogue.rules().len());
        println!("version {}: {products} products, {rules} rules, past ones included", published.version);
    } else {
        println!("{UNCHANGED}: version {}", published.version);
    }
    Ok(true)
}

/// # Errors
/// [`catalogue::FileError`] names the first place that is wrong.
pub fn parse(bytes: &[u8], format: Format, config: &Config) -> Result<Import, catalogue::FileError> {
    catalogue::parse(bytes, format, config.currency, &config.time_zone)
}
