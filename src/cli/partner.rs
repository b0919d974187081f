//! `taabia partner`: what partners are held to.

use std::error::Error;

use super::args::{PartnerCommand, PartnerTerminalsArgs};
use super::client::operator;
use super::node::start_engine;
use super::serve::open_for_serving;
use super::settings;
use crate::domain::PartnerId;
use crate::services::terminals::require_known_terminals;

/// # Errors
/// When the store cannot be reached or the partner is unknown.
pub async fn partner(command: PartnerCommand) -> Result<bool, Box<dyn Error>> {
    match command {
        PartnerCommand::RequireTerminals(args) => terminals(args, true).await,
        PartnerCommand::AnyTerminals(args) => terminals(args, false).await,
    }
}

async fn terminals(args: PartnerTerminalsArgs, required: bool) -> Result<bool, Box<dyn Error>> {
    let config = settings(&args.settings, &args.settings.flags(&[]))?;
    let partner: PartnerId = args.partner.parse()?;
    let storage = open_for_serving(&config).await?;
    if !storage.registry.clients().await?.iter().any(|client| client.partner == partner) {
        return Err(format!("no client of the partner {partner} is known").into());
    }
    let engine = start_engine(&config, &storage);
    let done = require_known_terminals(&*engine, operator(), partner, required).await;
    engine.close().await;
    done?;
    let words = if required { "sells from known terminals only" } else { "sells from any terminal" };
    println!("{partner} {words}");
    Ok(true)
}
