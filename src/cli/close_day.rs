//! `taabia close-day`: closes the business days that are over, and shows the last ones with their closing balances.

use std::error::Error;
use std::sync::Arc;

use rust_decimal::Decimal;
use secrecy::ExposeSecret as _;

use super::args::CloseDayArgs;
use super::clock::SystemClock;
use super::node::start_engine;
use super::settings;
use crate::domain::account::CHART;
use crate::services::business_days::BusinessDays;
use crate::storage::{self, OpenOptions};

/// Days that are shown.
const SHOWN: u32 = 7;

/// # Errors
/// When the store cannot be written; on SQLite when a server is at work, which closes its days by itself.
pub async fn close_day(args: CloseDayArgs) -> Result<bool, Box<dyn Error>> {
    let config = settings(&args.settings, &args.settings.flags(&[]))?;
    let mut storage = storage::open(config.database_url().expose_secret(), OpenOptions::default()).await?;
    storage.lock_for_serving()?;
    let engine = start_engine(&config, &storage);
    let days = BusinessDays {
        ledger: engine.clone(),
        reads: storage.store.clone(),
        movements: storage.movements.clone(),
        clock: Arc::new(SystemClock),
        calendar: config.calendar(),
        shards: storage.store.shards(),
    };
    let closed = days.close().await;
    let shown = days.list(None, SHOWN).await;
    engine.close().await;
    let closed = closed.map_err(|_| "the ledger took no commands")?;
    println!("days were over in {closed} shards");
    for day in shown.map_err(|_| "the store cannot be read")? {
        let state = if day.is_closed { "closed" } else { "open" };
        println!("\n{} {state}, ends at {}", day.day, day.ends_at);
        for line in CHART.iter().filter_map(|line| day.balances.get_key_value(line.name)) {
            println!("  {:<20} {:>24}", line.0, Decimal::from_i128_with_scale(*line.1, storage.currency.exponent()));
        }
    }
    Ok(true)
}
