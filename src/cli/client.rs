//! `taabia client`: API clients and their secrets.

use std::error::Error;
use std::sync::Arc;

use secrecy::ExposeSecret as _;

use super::args::{ClientAddArgs, ClientCommand, SettingsArgs};
use super::clock::{SystemClock, SystemRandomness};
use super::node;
use super::person::ReasonArg;
use super::settings;
use crate::domain::ids::uuid_v7;
use crate::domain::{ClientId, PartnerId, ResellerId, Shard};
use crate::engine::Engine;
use crate::ports::{Clock as _, Randomness as _};
use crate::services::Scope;
use crate::services::access::{Clients, NewClient, NewSecret};
use crate::storage::{self, OpenOptions, Storage};

/// # Errors
/// When the store cannot be reached or the command asks for what cannot be.
pub async fn client(command: ClientCommand) -> Result<bool, Box<dyn Error>> {
    match command {
        ClientCommand::Add(args) => {
            let (storage, clients, engine) = open(&args.settings, &args.why).await?;
            let partner = partner_of(&args.partner, &clients).await?;
            let new = new_client(&args, &storage, partner).await?;
            let made = clients.create(new).await;
            engine.close().await;
            print_secret(&made?);
        }
        ClientCommand::List(args) => {
            let (_, clients, engine) = open(&args.settings, &ReasonArg::default()).await?;
            engine.close().await;
            for client in clients.list().await? {
                let state = client.revoked_at.map_or("active".to_owned(), |at| format!("revoked {at}"));
                println!("{}\t{}\t{}\t{}\t{state}", client.id, client.name, client.partner, client.scopes.join(" "));
            }
        }
        ClientCommand::Rotate(args) => {
            let (_, clients, engine) = open(&args.settings, &args.why).await?;
            let made = clients.rotate(args.id.parse::<ClientId>()?).await;
            engine.close().await;
            print_secret(&made?);
        }
        ClientCommand::Revoke(args) => {
            let (_, clients, engine) = open(&args.settings, &args.why).await?;
            let revoked = clients.revoke(args.id.parse::<ClientId>()?).await;
            engine.close().await;
            println!("revoked {}", revoked?);
        }
    }
    Ok(true)
}

/// The engine writes what is done on the log, beside that of a running server.
async fn open(
    settings_args: &SettingsArgs,
    why: &ReasonArg,
) -> Result<(Storage, Clients, Arc<Engine>), Box<dyn Error>> {
    let config = settings(settings_args, &settings_args.flags(&[]))?;
    let storage = storage::open(config.database_url().expose_secret(), OpenOptions::default()).await?;
    let engine = node::start_engine(&config, &storage);
    let clients = node::clients(&config, &storage, engine.clone(), why.person())?;
    Ok((storage, clients, engine))
}

fn print_secret(new: &NewSecret) {
    println!("client_id\t{}", new.client);
    println!("client_secret\t{}", new.secret.expose_secret());
}

/// The partner that is named by its id or is new under a name, with that name.
async fn partner_of(text: &str, clients: &Clients) -> Result<(PartnerId, String), Box<dyn Error>> {
    if !text.starts_with(PartnerId::PREFIX) {
        let mut random = [0; 10];
        SystemRandomness.fill(&mut random);
        let id = uuid_v7(SystemClock.now(), random, Shard::new(random[9]));
        return Ok((PartnerId::from_uuid(id), text.to_owned()));
    }
    let id: PartnerId = text.parse()?;
    let known = clients.list().await?.iter().any(|client| client.partner == id);
    if known { Ok((id, text.to_owned())) } else { Err(format!("no client of the partner {id} is known").into()) }
}

async fn new_client(
    args: &ClientAddArgs,
    storage: &Storage,
    (partner, partner_name): (PartnerId, String),
) -> Result<NewClient, Box<dyn Error>> {
    let scopes = args.scopes.iter().map(|name| {
        let known = Scope::ALL.map(Scope::name).join(", ");
        Scope::from_name(name).ok_or_else(|| format!("{name}: expected one of {known}"))
    });
    let scopes = scopes.collect::<Result<_, _>>()?;
    let mut roots = Vec::new();
    for reseller in &args.resellers {
        roots.push(match reseller.parse::<ResellerId>() {
            Ok(id) => id,
            Err(_) => {
                let found = storage.registry.reseller_by_code(reseller).await?;
                found.ok_or_else(|| format!("no reseller has the code {reseller}"))?.id
            }
        });
    }
    Ok(NewClient {
        name: args.name.clone(),
        partner,
        partner_name,
        scopes,
        roots,
        rate_limit_per_s: args.rate_limit_per_s,
    })
}
