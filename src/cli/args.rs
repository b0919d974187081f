//! The command line: every command with its flags. What a flag means is said here and printed by `--help`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use secrecy::SecretString;

use super::allocate::AllocateCommand;
use super::config::Flag;
use super::person::ReasonArg;
use crate::domain::{BusinessDay, Timestamp};
use crate::services::export::Format;

/// Electronic recharge distribution ledger for telecom operators.
#[derive(Debug, Parser)]
#[command(name = "taabia", version, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs a seeded network with the charging and acquirer simulators and a little traffic.
    Demo(DemoArgs),
    /// Runs the server.
    Serve(ServeArgs),
    /// Creates or upgrades the tables of the store.
    Migrate(MigrateArgs),
    /// Checks the books: exit 0 when they are right, else the first offending row is named.
    Verify(VerifyArgs),
    /// Closes the business days that are over, and shows the last ones with their closing balances.
    CloseDay(CloseDayArgs),
    /// Files for spreadsheets.
    #[command(subcommand)]
    Export(ExportCommand),
    /// What statements are read from.
    #[command(subcommand)]
    Statements(StatementsCommand),
    /// Prints the `OpenAPI` description of the API.
    Openapi(OpenapiArgs),
    /// API clients and their secrets.
    #[command(subcommand)]
    Client(ClientCommand),
    /// The commercial network.
    #[command(subcommand)]
    Network(super::network::NetworkCommand),
    /// Stock from the operator to its network.
    #[command(subcommand)]
    Allocate(AllocateCommand),
    /// Settlement files of acquirers.
    #[command(subcommand)]
    Settlement(super::settlement::SettlementCommand),
    /// After a restore from a backup: refuses sales until the books agree with the outside.
    #[command(subcommand)]
    Recover(super::recover::RecoverCommand),
    /// What partners are held to.
    #[command(subcommand)]
    Partner(PartnerCommand),
    /// What is sold, what stock costs, and what sales earn.
    #[command(subcommand)]
    Catalogue(CatalogueCommand),
    /// The keys that sign tokens.
    #[command(subcommand)]
    SigningKey(SigningKeyCommand),
    /// Stand-ins for the outside world.
    #[command(subcommand)]
    Simulate(SimulateCommand),
    /// Puts load on a running server and checks that the balances moved by what it acknowledged.
    Load(LoadArgs),
}

/// Settings that every command with a store understands.
#[derive(Args, Clone, Debug, Default)]
pub struct SettingsArgs {
    /// Configuration file (TOML); config/taabia.example.toml shows every setting.
    #[arg(long, value_name = "FILE", env = "TAABIA_CONFIG")]
    pub config: Option<PathBuf>,
    /// Where the embedded database and the signing key live.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// `sqlite://PATH` or `postgres://USER@HOST:PORT/DATABASE`; `TAABIA_DATABASE_URL` keeps a password off the
    /// command line.
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// Any setting of the configuration file, such as `engine.max_batch=256`; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_and_value)]
    pub set: Vec<(String, String)>,
}

impl SettingsArgs {
    /// As settings, beside those of the command's own flags.
    #[must_use]
    pub fn flags(&self, own: &[(&str, &str, Option<String>)]) -> Vec<Flag> {
        let data_dir = self.data_dir.as_ref().map(|path| path.display().to_string());
        let shared =
            [("--data-dir", "data_dir", data_dir), ("--database-url", "database_url", self.database_url.clone())];
        let named = shared.iter().chain(own).filter_map(|(name, key, text)| {
            Some(Flag { name: (*name).to_owned(), key: (*key).to_owned(), text: text.clone()? })
        });
        let set =
            self.set.iter().map(|(key, text)| Flag { name: "--set".into(), key: key.clone(), text: text.clone() });
        named.chain(set).collect()
    }
}

/// Runs the server.
#[derive(Args, Clone, Debug, Default)]
pub struct ServeArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// Address and port of the API.
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
}

impl ServeArgs {
    #[must_use]
    pub fn flags(&self) -> Vec<Flag> {
        self.settings.flags(&[("--listen", "listen", self.listen.map(|address| address.to_string()))])
    }
}

/// Runs a seeded network with the charging and acquirer simulators and a little traffic; goes on where it stood.
#[derive(Args, Clone, Debug, Default)]
pub struct DemoArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// Address and port of the API.
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// No recharges but those that are asked for.
    #[arg(long)]
    pub no_traffic: bool,
    /// A charging simulator that runs elsewhere; by default one runs inside.
    #[arg(long, value_name = "URL", conflicts_with = "charging")]
    pub charging_url: Option<String>,
    /// Speaks `ucip` or `tmf654` to the charging simulator instead of its own protocol; or `in-process`: approves every
    /// refill at once without any, for load tests.
    #[arg(long, value_name = "KIND", value_parser = ["ucip", "tmf654", "in-process"])]
    pub charging: Option<String>,
}

impl DemoArgs {
    #[must_use]
    pub fn flags(&self) -> Vec<Flag> {
        self.settings.flags(&[
            ("--listen", "listen", self.listen.map(|address| address.to_string())),
            ("--charging-url", "charging.url", self.charging_url.clone()),
            ("--charging", "charging.kind", self.charging.as_ref().map(|kind| kind.replace('-', "_"))),
        ])
    }
}

/// Creates or upgrades the tables of the store.
#[derive(Args, Clone, Debug, Default)]
pub struct MigrateArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// `PostgreSQL`: grants this role what serving needs and no more; it can append to the journal, not change it.
    #[arg(long, value_name = "ROLE")]
    pub grant_to: Option<String>,
}

/// Checks the books, on a stopped or on a live store: exit 0 when they are right, else the first offending
/// row is named.
#[derive(Args, Clone, Debug, Default)]
pub struct VerifyArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// Also checks that the logs go on from this checkpoint.
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Writes a checkpoint of what was verified, to be kept outside the store.
    #[arg(long, value_name = "FILE")]
    pub write_checkpoint: Option<PathBuf>,
}

/// Closes the business days that are over, as a server does by itself, and shows the last ones with closing balances.
#[derive(Args, Clone, Debug, Default)]
pub struct CloseDayArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Files for spreadsheets.
#[derive(Clone, Debug, Subcommand)]
pub enum ExportCommand {
    /// Writes the statement of a reseller to a file, from the oldest movement, however long it is.
    Statement(ExportStatementArgs),
}

#[derive(Args, Clone, Debug)]
pub struct ExportStatementArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// Whose: `rsl_…` or its code.
    #[arg(long, value_name = "RESELLER")]
    pub reseller: String,
    /// Recorded at or after this time, such as 2026-11-01T00:00:00Z; without it from the first movement.
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    pub from: Option<Timestamp>,
    /// Recorded before this time; without it until now.
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    pub to: Option<Timestamp>,
    /// One business day, such as 2026-11-22.
    #[arg(long, value_name = "DATE", conflicts_with_all = ["from", "to"])]
    pub business_date: Option<BusinessDay>,
    /// Where to; its ending says the form: .csv or .xlsx.
    #[arg(long, value_name = "FILE", value_parser = export_file)]
    pub out: PathBuf,
    /// Shows subscribers' numbers in full.
    #[arg(long)]
    pub numbers: bool,
}

impl ExportStatementArgs {
    #[must_use]
    pub fn format(&self) -> Format {
        format_of(&self.out).unwrap_or(Format::Csv)
    }
}

fn format_of(path: &Path) -> Option<Format> {
    path.extension().and_then(|extension| extension.to_str()).and_then(Format::from_extension)
}

fn export_file(text: &str) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(text);
    format_of(&path).map(|_| path).ok_or("expected a file that ends in .csv or .xlsx")
}

/// What statements are read from.
#[derive(Clone, Debug, Subcommand)]
pub enum StatementsCommand {
    /// Writes the movements again out of the journal, after `verify` found them wrong; a server on `SQLite` must stand still.
    Rebuild(StatementsRebuildArgs),
}

#[derive(Args, Clone, Debug, Default)]
pub struct StatementsRebuildArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Prints the OpenAPI description of the API.
#[derive(Args, Clone, Debug, Default)]
pub struct OpenapiArgs {
    /// Writes openapi.json and problems.md into this folder instead.
    #[arg(long, value_name = "DIR")]
    pub write: Option<PathBuf>,
}

/// API clients and their secrets.
#[derive(Clone, Debug, Subcommand)]
pub enum ClientCommand {
    /// Adds a client and prints its secret, once.
    Add(ClientAddArgs),
    /// Lists all clients.
    List(ClientListArgs),
    /// Gives a client a new secret, printed once; the old one works on for `access.secret_overlap_s`.
    Rotate(ClientIdArgs),
    /// Ends a client; its tokens are refused within seconds.
    Revoke(ClientIdArgs),
}

#[derive(Args, Clone, Debug)]
pub struct ClientAddArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
    #[command(flatten)]
    pub why: ReasonArg,
    /// Name of the client, for people.
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// Partner it belongs to: `prt_…`, or the name of a new one.
    #[arg(long, value_name = "PARTNER")]
    pub partner: String,
    /// Permissions, separated by commas: recharges:write,recharges:read,stock:read.
    #[arg(long, value_name = "SCOPE", value_delimiter = ',', required = true)]
    pub scopes: Vec<String>,
    /// Resellers whose subtrees it acts for (`rsl_…` or their code), separated by commas.
    #[arg(long, value_name = "RESELLER", value_delimiter = ',', required = true)]
    pub resellers: Vec<String>,
    /// Requests per second it may send; without it there is no limit.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rate_limit_per_s: Option<u32>,
}

#[derive(Args, Clone, Debug, Default)]
pub struct ClientListArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Args, Clone, Debug)]
pub struct ClientIdArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
    #[command(flatten)]
    pub why: ReasonArg,
    /// `cli_…`
    #[arg(value_name = "CLIENT_ID")]
    pub id: String,
}

/// What partners are held to.
#[derive(Clone, Debug, Subcommand)]
pub enum PartnerCommand {
    /// Recharges of the partner must name a terminal that it registered and that is not blocked.
    RequireTerminals(PartnerTerminalsArgs),
    /// Recharges of the partner may name any terminal, or none.
    AnyTerminals(PartnerTerminalsArgs),
}

#[derive(Args, Clone, Debug)]
pub struct PartnerTerminalsArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
    #[command(flatten)]
    pub why: ReasonArg,
    /// `prt_…`, as `taabia client list` shows it.
    #[arg(value_name = "PARTNER")]
    pub partner: String,
}

/// What is sold, what stock costs, and what sales earn.
#[derive(Clone, Debug, Subcommand)]
pub enum CatalogueCommand {
    /// Takes products and rules from a file; what it does not name stays, and what is past never changes.
    Import(CatalogueImportArgs),
}

#[derive(Args, Clone, Debug)]
pub struct CatalogueImportArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
    #[command(flatten)]
    pub why: ReasonArg,
    /// TOML with products and rules (config/catalogue.morocco.toml shows how), or CSV with either.
    pub file: PathBuf,
    /// Says whether it fits, and writes nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// The keys that sign tokens.
#[derive(Clone, Debug, Subcommand)]
pub enum SigningKeyCommand {
    /// Adds a new key that signs from now on; tokens that the old one signed are good until they expire. Nodes
    /// that share the file notice within seconds.
    Rotate(SigningKeyRotateArgs),
}

#[derive(Args, Clone, Debug, Default)]
pub struct SigningKeyRotateArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Stand-ins for the outside world.
#[derive(Clone, Debug, Subcommand)]
pub enum SimulateCommand {
    /// A charging system with a durable record, and faults by the last digits of the number.
    Charging(SimulateChargingArgs),
    /// An acquirer with a payment page, signed notifications and settlement files, and faults by the token.
    Acquirer(SimulateAcquirerArgs),
    /// A network as CSV on standard output, with Moroccan regions and names in French and Arabic.
    Network(SimulateNetworkArgs),
}

#[derive(Args, Clone, Debug)]
pub struct SimulateNetworkArgs {
    /// Outlets; wholesalers and distributors come in proportion.
    #[arg(long, value_name = "N", default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=900_000))]
    pub outlets: u32,
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub distributors: u32,
    /// The same seed gives the same file.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

#[derive(Args, Clone, Debug)]
pub struct SimulateChargingArgs {
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8090")]
    pub listen: SocketAddr,
    /// Where its record lives.
    #[arg(long, value_name = "DIR", default_value = "data/charging")]
    pub data_dir: PathBuf,
    /// `USER:PASSWORD` that callers of UCIP and TMF654 must send.
    #[arg(long, value_name = "S", env = "TAABIA_SIMULATE_BASIC", hide_env_values = true, value_parser = secret)]
    pub basic: Option<SecretString>,
    /// Who is told of top-ups by events of TMF654.
    #[arg(long, value_name = "URL")]
    pub listener: Option<String>,
    /// Carries a reference out once, however often it is sent.
    #[arg(long)]
    pub deduplicate: bool,
}

#[derive(Args, Clone, Debug)]
pub struct SimulateAcquirerArgs {
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8095")]
    pub listen: SocketAddr,
    /// Where its record lives.
    #[arg(long, value_name = "DIR", default_value = "data/acquirer")]
    pub data_dir: PathBuf,
    /// Who is told of what happens, such as `http://127.0.0.1:8080/v1/acquirers/simulator/notifications`; without it
    /// nobody.
    #[arg(long, value_name = "URL", requires = "notification_secret")]
    pub notify: Option<String>,
    /// Signs the notifications; the variable keeps it off the command line.
    #[arg(long, value_name = "S", env = "TAABIA_SIMULATE_NOTIFICATION_SECRET", hide_env_values = true, value_parser = secret)]
    pub notification_secret: Option<SecretString>,
    /// What callers must send as a bearer token; without it nothing.
    #[arg(long, value_name = "S", env = "TAABIA_SIMULATE_KEY", hide_env_values = true, value_parser = secret)]
    pub key: Option<SecretString>,
    /// Where customers reach the payment page; by default where it listens.
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
}

#[derive(Args, Clone, Debug)]
pub struct LoadArgs {
    /// Address of the API, such as `http://127.0.0.1:8080`. Plain HTTP only: run it beside the server.
    #[arg(long, value_name = "URL")]
    pub url: String,
    /// The client that recharges; it needs recharges:write, recharges:read and stock:read.
    #[arg(long, value_name = "ID", env = "TAABIA_LOAD_CLIENT_ID")]
    pub client_id: String,
    /// Its secret; the variable keeps it off the command line.
    #[arg(long, value_name = "S", env = "TAABIA_LOAD_CLIENT_SECRET", hide_env_values = true, value_parser = secret)]
    pub client_secret: SecretString,
    /// Connections kept busy.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub connections: u16,
    /// Seconds of load.
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub duration_s: u32,
    /// Share of numbers, 0 to 1, whose endings 00 to 07 make the charging simulator misbehave.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub fault_share: f64,
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

#[expect(clippy::unnecessary_wraps, reason = "clap's parsers may fail")]
fn secret(text: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(text.into())
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_commands_fit_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn flags_become_settings() {
        #[derive(Parser)]
        struct Demo {
            #[command(flatten)]
            demo: DemoArgs,
        }
        let line = ["demo", "--listen", "127.0.0.1:0", "--charging", "in-process", "--set", "engine.max_batch=64"];
        let flags = Demo::try_parse_from(line).unwrap().demo.flags();
        let config = super::super::config::load(None, &[], &flags).unwrap().config;
        assert_eq!(config.listen.port(), 0);
        assert_eq!(config.engine.max_batch, 64);
        assert_eq!(config.charging.kind, super::super::config::ChargingKind::InProcess);
        assert!(Demo::try_parse_from(["demo", "--charging", "none"]).is_err());
    }

    #[test]
    fn a_secret_is_not_shown() {
        let line = ["taabia", "load", "--url", "http://h", "--client-id", "c", "--client-secret", "hunter2"];
        let arguments = Arguments::try_parse_from(line).unwrap();
        assert!(!format!("{arguments:?}").contains("hunter2"));
        let bad = ["--fault-share", "2"];
        assert!(Arguments::try_parse_from(line.into_iter().chain(bad)).is_err());
    }
}
